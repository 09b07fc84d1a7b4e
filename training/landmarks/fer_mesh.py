"""MediaPipe's mesh on FER-2013's crops of 48 × 48 pixels, kept in a file between runs.

The crops are enlarged and framed first, because the mesh expects surroundings; their points are
given in pixels of the crop. What is kept are points and figures, never pixels.
"""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.landmarks import FaceLandmarker
from core.landmarks.mirror import mirror_index
from core.landmarks.schemes import MESH
from core.measures.evaluation import Progress
from core.pictures.files.output import appearing
from training.data.framing import ENLARGED_PX, framed

SIDE_PX = 48
_PART = 500


@dataclass(frozen=True, eq=False)
class FerMeshes:
    """Meshes of n crops; rows of NaN where none was found."""

    points: NDArray[np.float32]  # float32 (n, 478, 2), in pixels of the crop (0..48)
    blendshapes: NDArray[np.float32]  # float32 (n, 51)
    found: NDArray[np.bool_]  # bool (n,)
    # float32 (n,), mean distance between the mesh and that of the mirror image turned back, in
    # inter-ocular distances: how sure the mesh is of itself. NaN where one of the two was not
    # found
    disagreement: NDArray[np.float32]
    confidence: NDArray[np.float32]  # float32 (n,), of the face detector; 0 where it finds nothing

    def keep(self, rows: slice) -> "FerMeshes":
        """Those of some of the crops."""
        return FerMeshes(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def mesh_of_crop(
    crop_grey: NDArray[np.uint8], landmarker: FaceLandmarker
) -> tuple[NDArray[np.float32], dict[str, float]] | None:
    """Points (478, 2) in pixels of the crop and blendshapes; None where there is no mesh."""
    image_rgb, face = framed(crop_grey)
    (mesh,) = landmarker.landmarks(image_rgb, [face])
    if mesh is None:
        return None
    points = (mesh.points_xy - face.box.xyxy[:2]) * (SIDE_PX / ENLARGED_PX)
    return points.astype(np.float32), mesh.blendshapes


def disagreement(points: NDArray[np.float32], of_mirror: NDArray[np.float32]) -> float:
    """Mean distance of a mesh and the mirror image's, turned back, in inter-ocular distances."""
    back = of_mirror[mirror_index(MESH)] * (-1, 1) + (SIDE_PX, 0)
    interocular = np.hypot(*(points[33] - points[263]))
    return float(np.linalg.norm(back - points, axis=1).mean() / max(interocular, 1e-6))


def meshes_of(
    images: NDArray[np.uint8],
    landmarker: FaceLandmarker,
    *,
    detector: FaceDetector | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> FerMeshes:
    """Meshes of crops (n, 48, 48), read from `folder` where they were found before.

    Without a detector neither confidences nor the disagreement with the mirror image are computed
    (half the time); without a folder nothing is kept.
    """
    parts = []
    for start in range(0, len(images), _PART):
        parts.append(_part(images[start : start + _PART], landmarker, detector, folder))
        if progress:
            progress(min(start + _PART, len(images)), len(images))
    return FerMeshes(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(FerMeshes)}
    )


def _part(
    images: NDArray[np.uint8],
    landmarker: FaceLandmarker,
    detector: FaceDetector | None,
    folder: Path | None,
) -> FerMeshes:
    if folder is None:
        return _measure(images, landmarker, detector)
    digest = hashlib.sha256(images.tobytes()).hexdigest()[:16]
    file = folder / f"meshes_{digest}_{'full' if detector else 'points'}.npz"
    if file.exists():
        with np.load(file) as stored:
            return FerMeshes(**{f.name: stored[f.name] for f in fields(FerMeshes)})
    result = _measure(images, landmarker, detector)
    file.parent.mkdir(parents=True, exist_ok=True)
    with appearing(file) as unfinished, unfinished.open("wb") as stored:
        np.savez(stored, **{f.name: getattr(result, f.name) for f in fields(FerMeshes)})
    return result


def _measure(
    images: NDArray[np.uint8],
    landmarker: FaceLandmarker,
    detector: FaceDetector | None,
) -> FerMeshes:
    n = len(images)
    points = np.full((n, 478, 2), np.nan, np.float32)
    shapes = np.full((n, 51), np.nan, np.float32)
    unsure, confidence = np.full(n, np.nan, np.float32), np.zeros(n, np.float32)
    for row, crop in enumerate(images):
        mesh = mesh_of_crop(crop, landmarker)
        if mesh is not None:
            points[row], shapes[row] = mesh[0], list(mesh[1].values())
        if detector is not None:
            seen = detector.detect(framed(crop)[0])
            confidence[row] = max((face.confidence for face in seen), default=0.0)
            mirror = mesh_of_crop(np.ascontiguousarray(crop[:, ::-1]), landmarker)
            if mesh is not None and mirror is not None:
                unsure[row] = disagreement(mesh[0], mirror[0])
    return FerMeshes(points, shapes, np.isfinite(points[:, 0, 0]), unsure, confidence)
