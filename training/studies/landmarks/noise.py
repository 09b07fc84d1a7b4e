"""E1: wrong points on purpose, then align, crop, classify; paired with the exact points."""

import numpy as np
from numpy.typing import NDArray

from core.landmarks.noise import LEVELS, NOISE_KINDS, perturb
from training.data.fer2013 import Faces
from training.landmarks.fer_mesh import SIDE_PX, FerMeshes
from training.studies.landmarks.accuracy import HelenFaces
from training.studies.landmarks.common import (
    Row,
    Tools,
    aligned_crops,
    paired_row,
    photo_row,
    scheme_of,
    without_test,
)

Image = NDArray[np.uint8]
Error = tuple[str, float]  # kind and level
FULL_SWAP = 1.0  # the eyes have changed places


def conditions() -> list[Error]:
    """Kind and level of all perturbations; "exact" is not among them."""
    rows = [(kind, level) for kind in NOISE_KINDS for level in LEVELS if level > 0]
    return [*rows, ("eye swap", FULL_SWAP)]


def run_split(tools: Tools, split: str, crops: Faces, meshes: FerMeshes, source: str) -> list[Row]:
    """Rows of one split for one way of aligning; level 0 is the reference of all."""
    exact = tools.probabilities(aligned_crops(tools, crops, meshes, source))
    shared = {"set": f"FER-2013 {split}", "aligned_by": source}
    reference = without_test(paired_row(exact, exact, crops.labels))
    rows: list[Row] = [{**shared, "noise": "exact", "level": 0.0, **reference}]
    for kind, level in conditions():
        images = crops.images.copy()
        lost = 0
        for row in np.flatnonzero(meshes.found).tolist():
            seen = crops.images[row], meshes.points[row]
            crop = _perturbed(tools, *seen, source, (kind, level), row)
            if crop is None:
                lost += 1
            else:
                images[row] = crop.reshape(SIDE_PX, SIDE_PX)
        after = paired_row(exact, tools.probabilities(images), crops.labels)
        rows.append({**shared, "noise": kind, "level": level, "n_unaligned": lost, **after})
        tools.say(f"E1 {split}, by {source}: {kind} {level:.0%}: {after['accuracy']:.1%}")
    return rows


def run_photos(tools: Tools, helen: HelenFaces, source: str) -> list[Row]:
    """On photos there are no labels: how often the leading expression stays the same."""
    known = [
        (one.image_rgb, mesh.points_xy)
        for one, mesh in zip(helen.annotated, helen.meshes, strict=True)
        if mesh is not None
    ]
    plain = _photo_scores(tools, known, source, ("gaussian", 0.0))
    rows = []
    for kind, level in conditions():
        after = _photo_scores(tools, known, source, (kind, level))
        row = photo_row(plain, after, len(helen.meshes) - len(known))
        rows.append({**row, "aligned_by": source, "noise": kind, "level": level})
    tools.say(f"E1 photos, by {source}: done")
    return rows


def _photo_scores(
    tools: Tools, known: list[tuple[Image, NDArray[np.float32]]], source: str, error: Error
) -> NDArray[np.float32]:
    crops = []
    for row, (image, mesh) in enumerate(known):
        crop = _perturbed(tools, image, mesh, source, error, row)
        if crop is None:  # all points lost: as if exact, which hides nothing at 330 faces
            crop = tools.aligned(image, tools.points(mesh, source), source)
        if crop is not None:
            crops.append(crop)
    return tools.probabilities(np.stack(crops))


def _perturbed(
    tools: Tools, image: Image, mesh_xy: NDArray[np.floating], source: str, error: Error, seed: int
) -> Image | None:
    """The crop aligned by wrong points; the same face errs in the same direction at all levels."""
    kind, level = error
    rng = np.random.default_rng((seed, list(NOISE_KINDS).index(kind)))
    points, kept = perturb(tools.points(mesh_xy, source), scheme_of(source), kind, level, rng)
    return tools.aligned(image, points, source, kept)
