"""Parts that all experiments share: scores of crops, aligned crops, paired comparisons."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.expression.classify import EmotionClassifier
from core.landmarks import FaceLandmarker
from core.landmarks.learned import IbugRegression
from core.landmarks.schemes import FIVE, IBUG, MESH, mesh_to_ibug, to_five
from core.measures.accuracy import share_right
from core.measures.evaluation import judge
from core.measures.groups.gaps import holm
from core.measures.paired import mcnemar
from core.pictures.alignment import alignment, cut
from core.types import Face, ImageRGB
from training.data.fer2013 import Faces
from training.landmarks.fer_mesh import SIDE_PX, FerMeshes

LEARNED = "ibug68 learned"
# How a crop may be aligned; the first is what the app does.
SOURCES = ("box", FIVE, IBUG, LEARNED, MESH)
Row = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Tools:
    """What the experiments work with.

    `template` (478, 2) is where the model's training crops have the mesh, in shares of the side.
    """

    classifier: EmotionClassifier
    detector: FaceDetector
    landmarker: FaceLandmarker
    template: NDArray[np.float64]
    regression: IbugRegression
    say: Say

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Calibrated probabilities (n, 7) of crops (n, s, s) or (n, s, s, c)."""
        return judge(self.classifier, crops)

    def points(self, mesh_xy: NDArray[np.floating], source: str) -> NDArray[np.float64]:
        """The points of `source` for one mesh (478, 2)."""
        if source == MESH:
            return np.asarray(mesh_xy, np.float64)
        if source == FIVE:
            return to_five(mesh_xy, MESH)
        return mesh_to_ibug(mesh_xy) if source == IBUG else self.regression.predict(mesh_xy)

    def target(self, source: str) -> NDArray[np.float64]:
        """Where the model's crops have these points, in pixels of the crop."""
        size_px = self.classifier.card.face_input.size_px
        return self.points(self.template, source) * size_px

    def aligned(
        self,
        image: NDArray[np.uint8],
        points_xy: NDArray[np.float64],
        source: str,
        kept: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8] | None:
        """The crop (s, s, c) that brings points (n, 2) of `source` to the template.

        None where those that are `kept` (all, if not given) allow none.
        """
        target = self.target(source)
        if kept is not None:
            points_xy, target = points_xy[kept], target[kept]
        try:
            matrix = alignment(points_xy, target)
        except ValueError:  # fewer than two points are left, or all in one place
            return None
        return cut(image, matrix, self.classifier.card.face_input)

    def cut_by(
        self, source: str, image_rgb: ImageRGB, face: Face, mesh_xy: NDArray[np.floating]
    ) -> NDArray[np.uint8] | None:
        """As `aligned`, by points of a mesh (478, 2), or by "box" as the app cuts a face."""
        if source != "box":
            return self.aligned(image_rgb, self.points(mesh_xy, source), source)
        face_input = self.classifier.card.face_input
        return face_input.crop(image_rgb, face_input.square(face.box, self.detector.box_geometry))


def scheme_of(source: str) -> str:
    """The scheme of a source's points."""
    return IBUG if source == LEARNED else source


def aligned_crops(tools: Tools, crops: Faces, meshes: FerMeshes, source: str) -> NDArray[np.uint8]:
    """All crops aligned by `source`; crops without a mesh stay as they are: (n, s, s).

    A face that was not found is judged on its box, as a product would do, and counts.
    """
    if source == "box":
        return crops.images
    result = crops.images.copy()
    for row in np.flatnonzero(meshes.found):
        crop = tools.aligned(crops.images[row], tools.points(meshes.points[row], source), source)
        if crop is not None:
            result[row] = crop.reshape(SIDE_PX, SIDE_PX)
    return result


def paired_row(before: NDArray[np.float32], after: NDArray[np.float32], labels: Any) -> Row:
    """Accuracy after, the paired change against before with McNemar's test, labels changed.

    Both are probabilities (n, 7) of the same images.
    """
    first, second = after.argmax(axis=1) == labels, before.argmax(axis=1) == labels
    test = mcnemar(first, second)
    return {
        **share_right(first),
        "change": test.difference,
        "change_ci95": list(test.difference_ci95),
        "p_value": test.p_value,
        "label_changed": float((before.argmax(axis=1) != after.argmax(axis=1)).mean()),
    }


def without_test(row: Row) -> Row:
    """What of a `paired_row` holds without anything to compare with."""
    return {key: row[key] for key in ("n", "accuracy", "accuracy_ci95")}


def with_holm(rows: list[Row]) -> list[Row]:
    """The rows with `p_holm`, Holm's correction over all that have a p value, put into them."""
    tested = [row for row in rows if "p_value" in row]
    for row, p_holm in zip(tested, holm([row["p_value"] for row in tested]), strict=True):
        row["p_holm"] = p_holm
    return rows


def photo_row(before: NDArray[np.float32], after: NDArray[np.float32], n_missed: int) -> Row:
    """On photos, which have no labels: how many leading expressions and how much mass change."""
    return {
        "set": "HELEN test photos",
        "n": len(after),
        "n_missed": n_missed,
        "label_changed": float((before.argmax(axis=1) != after.argmax(axis=1)).mean()),
        "mass_moved": float(total_variation(before, after).mean()),
    }


def total_variation(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[Any]:
    """By how much of their mass two sets of probabilities (n, 7) differ: (n,) in 0..1."""
    return np.asarray(np.abs(first - second).sum(axis=1) / 2)
