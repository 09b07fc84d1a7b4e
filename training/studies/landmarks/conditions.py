"""E3: accuracy by how sure the landmarks are, pose, size, blur and covering; kept apart."""

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from core.emotions import EMOTIONS
from core.landmarks.pose import head_pose
from core.landmarks.schemes import MESH
from core.measures.accuracy import share_right
from core.pictures.alignment import moved, similarity
from core.types import Landmarks
from training.data.fer2013 import Faces
from training.landmarks.fer_mesh import SIDE_PX, FerMeshes, mesh_of_crop
from training.studies.landmarks.common import Row, Tools, paired_row

N_BINS: Final = 5
# Covariate -> what it is and its unit, as tables show it.
COVARIATES: Final[dict[str, str]] = {
    "confidence": "face detector's confidence in the enlarged crop (0..1)",
    "disagreement": "mesh against the mirror image's mesh, in distances between the eyes",
    "yaw": "head turned aside, degrees, either way",
    "pitch": "head up or down, degrees off the set's median",
    "roll": "head tilted, degrees, either way",
    "face size": "outer eye corners apart, pixels of 48",
    "sharpness": "log10 of the Laplacian's variance; low is blurred",
    "asymmetry": "1 - correlation of the halves of the aligned face; a sign of covering or side "
    "light, not a label of it",
}
# Name -> rows and columns of the crop that are painted grey.
COVERS: Final[dict[str, tuple[slice, slice]]] = {
    "lower third": (slice(32, 48), slice(0, 48)),
    "eyes": (slice(13, 23), slice(4, 44)),
    "person's left half": (slice(0, 48), slice(24, 48)),
    "a square of a quarter": (slice(12, 36), slice(12, 36)),
}


def covariates(crops: Faces, meshes: FerMeshes, template: NDArray[np.float64]) -> NDArray[Any]:
    """One row a crop, one column a covariate; NaN where there is no mesh: (n, 8)."""
    table = np.full((len(crops.labels), len(COVARIATES)), np.nan)
    for row in np.flatnonzero(meshes.found):
        points = meshes.points[row]
        pose = head_pose(Landmarks(points, MESH))
        table[row] = (
            meshes.confidence[row],
            meshes.disagreement[row],
            abs(pose.yaw_deg),
            pose.pitch_deg,
            abs(pose.roll_deg),
            float(np.hypot(*(points[33] - points[263]))),
            math.log10(max(float(cv2.Laplacian(crops.images[row], cv2.CV_64F).var()), 1.0)),
            _asymmetry(crops.images[row], points, template),
        )
    pitch = list(COVARIATES).index("pitch")
    table[:, pitch] = np.abs(table[:, pitch] - np.nanmedian(table[:, pitch]))
    return table


def _asymmetry(
    image: NDArray[np.uint8], points: NDArray[np.float32], template: NDArray[np.float64]
) -> float:
    """1 - Pearson's correlation of the aligned face with its mirror image."""
    matrix = similarity(points, template * SIDE_PX)
    matrix[:, 2] += SIDE_PX * (0.5 - moved(points[[4]], matrix)[0, 0] / SIDE_PX) * np.array([1, 0])
    face = cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
    inner = face[10:44, 8:40].astype(np.float64)
    both = np.corrcoef(inner.ravel(), inner[:, ::-1].ravel())
    return float(1 - both[0, 1]) if np.isfinite(both[0, 1]) else 1.0


def bins(table: NDArray[Any], right: NDArray[np.bool_]) -> list[Row]:
    """Accuracy in fifths of each covariate, with Wilson's interval."""
    rows = []
    for column, name in enumerate(COVARIATES):
        values = table[:, column]
        known = np.isfinite(values)
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, N_BINS + 1)))
        place = np.clip(np.searchsorted(edges, values[known], side="right") - 1, 0, len(edges) - 2)
        for index in range(len(edges) - 1):
            hits = right[known][place == index]
            rows.append(
                {
                    "covariate": name,
                    "bin": index + 1,
                    "low": edges[index],
                    "high": edges[index + 1],
                    **share_right(hits),
                }
            )
    return rows


def logistic(
    inputs: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and standard errors of a logistic regression on (n, k) with a column of ones.

    Raises:
        numpy.linalg.LinAlgError: if columns depend on one another.
    """
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    chance = model.fit(inputs, right).predict_proba(inputs)[:, 1]
    information = (inputs * (chance * (1 - chance))[:, None]).T @ inputs
    return model.coef_[0], np.sqrt(np.diag(np.linalg.inv(information)))


def regression(
    table: NDArray[Any], right: NDArray[np.bool_], labels: NDArray[np.int64]
) -> list[Row]:
    """Odds of being right per standard deviation of each covariate, the others held.

    The true label is held too, because expressions differ in both pose and difficulty.
    """
    known = np.isfinite(table).all(axis=1)
    values = table[known]
    spread = values.std(axis=0)
    standard = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    present = [label for label in range(1, len(EMOTIONS)) if (labels[known] == label).any()]
    dummies = np.stack([labels[known] == label for label in present], axis=1)
    inputs = np.column_stack([np.ones(len(values)), standard, dummies])
    beta, error = logistic(inputs, right[known])
    rows = []
    for column, name in enumerate(COVARIATES):
        mine, its_error = beta[column + 1], error[column + 1]
        rows.append(
            {
                "covariate": name,
                "n": int(known.sum()),
                "one_sd": spread[column],
                "odds_ratio": math.exp(mine),
                "ci95": [math.exp(mine - 1.96 * its_error), math.exp(mine + 1.96 * its_error)],
                "p_value": float(2 * norm.sf(abs(mine / its_error))),
            }
        )
    return rows


def covered(tools: Tools, crops: Faces, meshes: FerMeshes, n_images: int) -> list[Row]:
    """Paint a part of the crop grey: what that does to points and scores, paired."""
    chosen = np.flatnonzero(meshes.found)[:n_images]
    images, labels = crops.images[chosen], crops.labels[chosen]
    before = tools.probabilities(images)
    rows = []
    for name, (high, wide) in COVERS.items():
        painted = images.copy()
        painted[:, high, wide] = 128
        shifts = []
        for row, image in enumerate(painted):
            mesh = mesh_of_crop(image, tools.landmarker)
            if mesh is not None:
                true = meshes.points[chosen[row]]
                off = np.linalg.norm(mesh[0] - true, axis=1).mean()
                shifts.append(float(off / np.hypot(*(true[33] - true[263]))))
        rows.append(
            {
                "covered": name,
                **paired_row(before, tools.probabilities(painted), labels),
                "n_mesh_lost": len(painted) - len(shifts),
                "mesh_moved": float(np.mean(shifts)) if shifts else None,
            }
        )
        tools.say(f"E3, covered {name}: {100 * rows[-1]['change']:+.1f} points")
    return rows


def run(tools: Tools, sets: dict[str, tuple[Faces, FerMeshes]], *, n_covered: int) -> Row:
    """Bins, regression and covering; validation and test together, each counted."""
    tables, rights, labels, found = [], [], [], []
    for crops, meshes in sets.values():
        tables.append(covariates(crops, meshes, tools.template))
        rights.append(tools.probabilities(crops.images).argmax(axis=1) == crops.labels)
        labels.append(crops.labels)
        found.append(meshes.found)
    table, right = np.concatenate(tables), np.concatenate(rights)
    has_mesh = np.concatenate(found)
    return {
        "sets": {f"FER-2013 {name}": len(crops.labels) for name, (crops, _) in sets.items()},
        "covariates": COVARIATES,
        "bins": bins(table, right),
        "regression": regression(table, right, np.concatenate(labels)),
        "mesh_found": [
            {"mesh_found": value, **share_right(right[has_mesh == value])}
            for value in (True, False)
        ],
        "covered": covered(tools, *sets["test"], n_covered),
    }
