"""E2: what aligns the crop – the box alone, five, 68 or 478 points – on identical faces."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, spearmanr

from core.landmarks.schemes import FIVE, MESH
from core.measures.landmarks import nme
from core.types import ImageRGB
from training.data.fer2013 import Faces
from training.landmarks.fer_mesh import FerMeshes
from training.studies.landmarks.accuracy import HelenFaces
from training.studies.landmarks.common import (
    LEARNED,
    SOURCES,
    Row,
    Tools,
    aligned_crops,
    paired_row,
    photo_row,
    total_variation,
    without_test,
)

Points = NDArray[np.float64]
RESAMPLED = "box, moved half a pixel"


def run_split(tools: Tools, split: str, crops: Faces, meshes: FerMeshes) -> list[Row]:
    """Each source against the box, on all crops; unaligned where there is no mesh.

    A control moves the box by half a pixel: aligning interpolates the pixels, and the network
    may feel that more than where the eyes are.
    """
    box = tools.probabilities(crops.images)
    shared = {"set": f"FER-2013 {split}", "n_without_mesh": int((~meshes.found).sum())}
    rows = []
    for source in (*SOURCES, RESAMPLED):
        images = (
            _half_a_pixel(crops.images)
            if source == RESAMPLED
            else aligned_crops(tools, crops, meshes, source)
        )
        row = paired_row(box, tools.probabilities(images), crops.labels)
        if source == "box":
            row = without_test(row)
        rows.append({**shared, "aligned_by": source, **row})
        tools.say(f"E2 {split}: {source} {row['accuracy']:.2%}")
    return rows


def _half_a_pixel(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    matrix = np.array([[1, 0, 0.5], [0, 1, 0.5]])
    moved = [
        cv2.warpAffine(
            image,
            matrix,
            image.shape[::-1],
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for image in images
    ]
    return np.asarray(np.stack(moved), np.uint8)


def run_photos(tools: Tools, helen: HelenFaces, found: dict[str, list[Points | None]]) -> Row:
    """On HELEN's photos: scores under `found` points against those under the true points.

    `found` has of each method 68 points of each face, None where missed.
    """
    reference = tools.probabilities(
        np.stack([_aligned(tools, one.image_rgb, one.points_xy) for one in helen.annotated])
    )
    rows, pairs = [], {}
    for method, points in found.items():
        hits = [(number, p) for number, p in enumerate(points) if p is not None]
        crops = [_aligned(tools, helen.annotated[i].image_rgb, p) for i, p in hits]
        errors = np.array([nme(p, helen.annotated[i].points_xy) for i, p in hits])
        true = reference[[i for i, _ in hits]]
        scores = tools.probabilities(np.stack(crops))
        row = photo_row(true, scores, len(points) - len(crops))
        rows.append({**row, "aligned_by": method, "mean_nme": float(errors.mean())})
        pairs[method] = _association(errors, total_variation(scores, true))
    rows += _other_sources(tools, helen, reference)
    return {"rows": rows, "nme_and_scores": pairs}


def _aligned(tools: Tools, image_rgb: ImageRGB, points: Points) -> NDArray[np.uint8]:
    """The crop by 68 points, which a face in a photo always allows."""
    crop = tools.aligned(image_rgb, points, LEARNED)
    if crop is None:
        raise ValueError("the points of a face fall on one")
    return crop


def _other_sources(tools: Tools, helen: HelenFaces, reference: NDArray[np.float32]) -> list[Row]:
    seen = zip(helen.annotated, helen.faces, helen.meshes, strict=True)
    known = [(one.image_rgb, face, mesh.points_xy) for one, face, mesh in seen if face and mesh]
    true = reference[[mesh is not None for mesh in helen.meshes]]
    rows = []
    for source in ("box", FIVE, MESH):
        cuts = [tools.cut_by(source, *face) for face in known]
        scores = tools.probabilities(np.stack([crop for crop in cuts if crop is not None]))
        row = photo_row(true, scores, len(helen.meshes) - len(known))
        rows.append({**row, "aligned_by": source})
    return rows


def _association(errors: NDArray[np.float64], mass: NDArray[np.float64]) -> Row:
    """Spearman's correlation with a percentile bootstrap (2,000 draws)."""
    found = spearmanr(errors, mass)
    drawn = bootstrap(
        (errors, mass),
        lambda some, others: spearmanr(some, others).statistic,
        n_resamples=2000,
        paired=True,
        vectorized=False,
        method="percentile",
        rng=0,
    )
    return {
        "n": len(errors),
        "spearman": float(found.statistic),
        "ci95": list(drawn.confidence_interval),
        "p_value": float(found.pvalue),
        "nme": errors,
        "mass_moved": mass,
    }
