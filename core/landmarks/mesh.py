"""MediaPipe's face mesh on each detected face: 478 points and 52 blendshapes.

Model: Google's face landmarker bundle (Kartynnik et al. 2019, arXiv 1907.06724; Grishchenko et
al. 2020, arXiv 2006.10962).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from core.detection.mediapipe_task import VisionTask
from core.errors import ModelError
from core.landmarks.schemes import MESH
from core.types import Box, Face, ImageRGB, Landmarks, check_image_rgb

# The bundle finds the face again inside the crop it is given; it needs some surroundings for it.
_MARGIN: Final = 0.5


class FaceLandmarker:
    """MediaPipe's `FaceLandmarker` behind a lock: safe for many threads, one at a time.

    Examples:
        >>> from core.config import ROOT
        >>> from core.detection import create_detector
        >>> from core.pictures.images import decode_image
        >>> photo = decode_image((ROOT / "samples" / "astronaut.jpg").read_bytes()).image_rgb
        >>> faces = create_detector("yunet", ROOT / "models").detect(photo)
        >>> (points,) = FaceLandmarker.load(ROOT / "models").landmarks(photo, faces)
        >>> points.points_xy.shape
        (478, 2)
    """

    def __init__(self, bundle: Path) -> None:
        """Load the networks (about 60 ms; the first import of MediaPipe about a second)."""
        if not bundle.exists():
            raise ModelError(f"The landmark model {bundle.name} is missing; reinstall Mien.")
        self._task = VisionTask(
            "FaceLandmarker",
            {"model_asset_path": str(bundle)},
            num_faces=1,
            output_face_blendshapes=True,
        )

    @classmethod
    def load(cls, models_dir: Path) -> "FaceLandmarker":
        """The one in the folder of shipped models; raises ModelError where it is missing."""
        return cls(models_dir / "face_landmarker" / "face_landmarker.task")

    def landmarks(
        self, image_rgb: ImageRGB, faces: Sequence[Face]
    ) -> tuple[Landmarks | None, ...]:
        """Points of each face, in the order of `faces`; None where the mesh does not fit."""
        check_image_rgb(image_rgb)
        return tuple(self._one(image_rgb, face) for face in faces)

    def _one(self, image_rgb: ImageRGB, face: Face) -> Landmarks | None:
        x_min, y_min, x_max, y_max = _crop_xyxy(face.box, image_rgb)
        if min(x_max - x_min, y_max - y_min) < 8:
            return None
        found = self._task.detect(image_rgb[y_min:y_max, x_min:x_max])
        if not found.face_landmarks:
            return None
        size_wh = np.array([x_max - x_min, y_max - y_min])
        points = np.array([(p.x, p.y) for p in found.face_landmarks[0]]) * size_wh
        blendshapes = {b.category_name: float(b.score) for b in found.face_blendshapes[0]}
        blendshapes.pop("_neutral", None)  # always next to 0: a place holder of the bundle's
        return Landmarks(points + np.array([x_min, y_min]), MESH, blendshapes)


def _crop_xyxy(box: Box, image_rgb: ImageRGB) -> tuple[int, int, int, int]:
    height, width = image_rgb.shape[:2]
    margin = _MARGIN * max(box.size_wh)
    return (
        max(int(box.x_min - margin), 0),
        max(int(box.y_min - margin), 0),
        min(int(box.x_max + margin) + 1, width),
        min(int(box.y_max + margin) + 1, height),
    )
