"""E5: how much landmarks alone say, and whether they add anything to the pixels.

The classifiers on points are fitted on FER-2013's train split. The fusion is fitted on the
validation split, because the network has seen the train split and is too sure of it there; the
choice of the classifier is made on the validation split as well, and the test split is only
counted.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core.landmarks.schemes import mesh_to_ibug
from core.measures.accuracy import share_right
from core.measures.paired import mcnemar
from core.pictures.alignment import moved, similarity
from training.data.fer2013 import Faces
from training.landmarks.fer_mesh import FerMeshes
from training.studies.landmarks.common import Row, Tools

FEATURES: Final = ("68 points", "blendshapes", "68 points and blendshapes")


def features(
    tools: Tools, meshes: FerMeshes, name: str, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Features (n, k) of the given rows, all of which have a mesh; points are aligned first."""
    parts = []
    if "points" in name:
        points = []
        for row in rows:
            mesh = meshes.points[row]
            points.append(mesh_to_ibug(moved(mesh, similarity(mesh, tools.template))).ravel())
        parts.append(np.array(points))
    if "blendshapes" in name:
        parts.append(meshes.blendshapes[rows].astype(np.float64))
    return np.concatenate(parts, axis=1)


def candidates() -> dict[str, Pipeline]:
    """Small classifiers from which the validation split chooses one."""
    return {
        "logistic regression": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
        ),
        "support vectors (RBF)": make_pipeline(StandardScaler(), SVC(C=4.0, gamma=0.004)),
    }


def fusion_inputs(
    pixels: NDArray[np.float32], landmarks: NDArray[np.float64], has_mesh: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Log scores of the pixels beside those of the landmarks, which are 0 without a mesh."""
    first = np.log(np.maximum(pixels, 1e-4))
    first = first - first.mean(axis=1, keepdims=True)
    return np.column_stack([first, np.where(has_mesh[:, None], landmarks, 0.0), has_mesh])


def _decide(model: Any, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """One score a class (n, 7), whichever classifier it is, with a row mean of 0."""
    scores = np.asarray(model.decision_function(inputs), np.float64)
    return np.asarray(scores - scores.mean(axis=1, keepdims=True))


def run(tools: Tools, sets: dict[str, tuple[Faces, FerMeshes]]) -> Row:
    """Landmarks alone, pixels alone, both; sets: train, validation, test."""
    alone, fitted = _alone(tools, sets)
    on_validation = [row for row in alone if row["set"].endswith("validation")]
    best = max(on_validation, key=lambda row: float(row["accuracy"]))["features"]
    classifier, model = fitted[best]
    inputs, truth, plain = {}, {}, {}
    for split in ("validation", "test"):
        crops, meshes = sets[split]
        pixels = tools.probabilities(crops.images)
        scores = np.zeros((len(crops.labels), 7))
        rows = np.flatnonzero(meshes.found)
        scores[rows] = _decide(model, features(tools, meshes, best, rows))
        inputs[split] = fusion_inputs(pixels, scores, meshes.found)
        truth[split], plain[split] = crops.labels, pixels.argmax(axis=1)
    content: Row = {
        "alone": alone,
        "fused_with": best,
        "classifier": classifier,
        **_fused(inputs, truth, plain),
        "pixels": [_accuracy("pixels", split, plain[split], truth[split]) for split in plain],
    }
    # Decided by the validation split alone; refitting without landmarks must not do as well.
    content["ship"] = all(
        content[f"validation_{name}"]["change_ci95"][0] > 0
        for name in ("cross_validated", "against_refitted_pixels")
    )
    return content


def _fused(
    inputs: dict[str, NDArray[np.float64]],
    truth: dict[str, NDArray[np.int64]],
    plain: dict[str, NDArray[np.int64]],
) -> Row:
    """Pixels and landmarks weighed together, against the pixels and against a control.

    The control weighs the pixels' scores alone: what refitting without landmarks brings.
    """
    fitted_on = truth["validation"]
    folded, predicted = [], []
    for columns in (slice(None), slice(7)):
        weights = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=1000))
        mine = {split: inputs[split][:, columns] for split in inputs}
        folded.append(cross_val_predict(weights, mine["validation"], fitted_on, cv=5))
        predicted.append(weights.fit(mine["validation"], fitted_on).predict(mine["test"]))
    (both, control), (both_test, control_test) = folded, predicted
    return {
        "validation_cross_validated": _compare(both, plain["validation"], fitted_on),
        "validation_against_refitted_pixels": _compare(both, control, fitted_on),
        "test": _compare(both_test, plain["test"], truth["test"]),
        "test_against_refitted_pixels": _compare(both_test, control_test, truth["test"]),
    }


def _alone(
    tools: Tools, sets: dict[str, tuple[Faces, FerMeshes]]
) -> tuple[list[Row], dict[str, tuple[str, Any]]]:
    """Each set of features with the classifier that the validation split prefers, and these."""
    crops, meshes = sets["train"]
    known = np.flatnonzero(meshes.found)
    truth = {split: sets[split][0].labels for split in ("validation", "test")}
    rows: list[Row] = []
    fitted = {}
    for name in FEATURES:
        given, models, said = features(tools, meshes, name, known), candidates(), {}
        for title, model in models.items():
            model.fit(given, crops.labels[known])
            said[title] = {split: _predict(tools, model, sets[split], name) for split in truth}
            tools.say(f"E5: {name}, {title}")
        chosen = max(
            said, key=lambda t: float((said[t]["validation"] == truth["validation"]).mean())
        )
        fitted[name] = chosen, models[chosen]
        for split, labels in truth.items():
            row = _accuracy(name, split, said[chosen][split], labels)
            rows.append({**row, "classifier": chosen})
    return rows, fitted


def _predict(
    tools: Tools, model: Any, data: tuple[Faces, FerMeshes], name: str
) -> NDArray[np.int64]:
    """Labels of all crops; -1, which is never right, where there is no mesh."""
    crops, meshes = data
    rows = np.flatnonzero(meshes.found)
    labels = np.full(len(crops.labels), -1)
    labels[rows] = model.predict(features(tools, meshes, name, rows))
    return labels


def _accuracy(name: str, split: str, predicted: NDArray[Any], truth: NDArray[np.int64]) -> Row:
    right = predicted == truth
    return {
        "features": name,
        "set": f"FER-2013 {split}",
        "n_without_mesh": int((predicted < 0).sum()),
        **share_right(right),
        "balanced_accuracy": float(
            np.mean([right[truth == label].mean() for label in np.unique(truth)])
        ),
    }


def _compare(fused: NDArray[Any], plain: NDArray[Any], truth: NDArray[np.int64]) -> Row:
    test = mcnemar(fused == truth, plain == truth)
    return {
        "n": test.n,
        "accuracy": float((fused == truth).mean()),
        "accuracy_without": float((plain == truth).mean()),
        "change": test.difference,
        "change_ci95": list(test.difference_ci95),
        "p_value": test.p_value,
    }
