"""Mitigations that need no retraining, fitted on validation images and measured on test images.

None of them asks who is in the picture: they act on conditions that can be measured in any
photo, since guessing a user's age, gender or race is out of the question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from core.classify import EmotionClassifier, softmax
from core.fairness import MIN_JUDGED
from core.types import FloatArray
from training.bias.measured import pixel_properties
from training.bias.pictures import GreyFaces, judge

WRONG, RIGHT, NOT_JUDGED = 0, 1, 2
N_BOOTSTRAP: Final = 2000

METHODS: Final[dict[str, str]] = {
    "stretched contrast": "each crop's grey levels between the 2nd and 98th percentile are "
    "stretched over the whole range before the model sees it; nothing is fitted.",
    "local contrast": "CLAHE (Zuiderveld 1994: 4 by 4 tiles, clip limit 2) before the model; "
    "nothing is fitted.",
    "correction per condition": "for each third of a property a temperature and one offset for "
    "each expression, fitted on validation images with a penalty on large offsets.",
    "threshold per condition": "for each third its own threshold for \"uncertain\", chosen on "
    "validation images so that each reaches the accuracy the card aims at; measured among the "
    "faces that are judged, of which there may be fewer.",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Prepared:
    """One split with what the model says of it."""

    faces: GreyFaces
    probabilities: FloatArray
    properties: Any


def prepare(classifier: EmotionClassifier, faces: GreyFaces) -> Prepared:
    """Judge a split and measure its pixels."""
    return Prepared(faces, judge(classifier, faces.images), pixel_properties(faces.images))


def mitigation_study(
    classifier: EmotionClassifier, validation: GreyFaces, test: GreyFaces, *, command: str
) -> dict[str, Any]:
    """Each method against the gap of each of three properties."""
    fitted_on, measured_on = prepare(classifier, validation), prepare(classifier, test)
    rows = []
    stretched = {
        "stretched contrast": judge(classifier, _each(test.images, stretch)),
        "local contrast": judge(classifier, _each(test.images, even_out)),
    }
    before = states(measured_on.probabilities, test.labels)
    for attribute in ("brightness", "contrast", "sharpness"):
        cuts = np.quantile(fitted_on.properties[attribute], (1 / 3, 2 / 3))
        groups_fit = np.searchsorted(cuts, fitted_on.properties[attribute])
        groups = np.searchsorted(cuts, measured_on.properties[attribute])
        for method, probabilities in stretched.items():
            after = states(probabilities, test.labels)
            rows.append(_row(method, attribute, "all faces", before, after, groups))
        corrected = correct_by_group(fitted_on, groups_fit, measured_on.probabilities, groups)
        after = states(corrected, test.labels)
        rows.append(
            _row("correction per condition", attribute, "all faces", before, after, groups)
        )
        rows.append(
            _threshold_row(classifier, attribute, fitted_on, groups_fit, measured_on, groups)
        )
    return {
        "command": command,
        "model_id": classifier.card.id,
        "model_sha256": classifier.card.sha256,
        "introduction": "Four ways to make the model less dependent on how a picture was taken, "
        "each fitted on the validation split and measured once on the test split, against the "
        "gap between thirds of a property. What did not help is listed like what did.",
        "methods": METHODS,
        "rows": rows,
    }


def _each(images: NDArray[np.uint8], change: Callable[..., Any]) -> NDArray[np.uint8]:
    return np.stack([change(image) for image in images])


def stretch(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels stretched between their 2nd and 98th percentile; flat images stay."""
    low, high = np.percentile(image, (2, 98))
    if high - low < 4:
        return image
    levels = np.clip((image - low) / (high - low) * 255, 0, 255)
    return np.asarray(levels.round(), np.uint8)


def even_out(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalisation."""
    return np.asarray(cv2.createCLAHE(2.0, (4, 4)).apply(image), np.uint8)


def states(
    probabilities: FloatArray, labels: NDArray[np.int64], thresholds: Any = 0.0
) -> NDArray[np.int64]:
    """`WRONG`, `RIGHT` or `NOT_JUDGED` (below its threshold) for each image (n,)."""
    right = (probabilities.argmax(axis=1) == labels).astype(np.int64)
    return np.where(probabilities.max(axis=1) < thresholds, NOT_JUDGED, right)


def correct_by_group(
    fitted_on: Prepared,
    groups_fit: NDArray[np.int64],
    probabilities: FloatArray,
    groups: NDArray[np.int64],
) -> FloatArray:
    """Probabilities after a temperature and seven offsets for each group."""
    result = probabilities.copy()
    for group in np.unique(groups):
        inside = groups_fit == group
        if inside.sum() < MIN_JUDGED:
            continue
        logits = _logits(fitted_on.probabilities[inside])
        scale, offsets = fit_correction(logits, fitted_on.faces.labels[inside])
        chosen = groups == group
        result[chosen] = softmax(
            np.asarray(scale * _logits(probabilities[chosen]) + offsets, np.float32)
        )
    return result


def _logits(probabilities: FloatArray) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(probabilities.astype(float), 1e-7)))


def fit_correction(
    logits: NDArray[np.float64], labels: NDArray[np.int64], *, penalty: float = 0.01
) -> tuple[float, NDArray[np.float64]]:
    """Scale and offsets (k,) that minimise the mean cross-entropy plus penalty · |offsets|²."""
    n, k = logits.shape
    truth = np.eye(k)[labels]

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, offsets = np.exp(parameters[0]), parameters[1:]
        z = scale * logits + offsets
        z = z - z.max(axis=1, keepdims=True)
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        error = (p - truth) / n
        value = -np.log(np.maximum(p[np.arange(n), labels], 1e-12)).mean()
        slope = np.concatenate([[(error * logits).sum() * scale], error.sum(axis=0)])
        slope[1:] += 2 * penalty * offsets
        return float(value + penalty * (offsets**2).sum()), slope

    found = minimize(loss, np.zeros(k + 1), jac=True, method="L-BFGS-B").x
    return float(np.exp(found[0])), np.asarray(found[1:])


def threshold_for(probabilities: FloatArray, labels: NDArray[np.int64], target: float) -> float:
    """Smallest threshold from which on the judged faces reach `target`; 1 where none does."""
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence)
    right = (probabilities.argmax(axis=1) == labels)[order]
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero((accuracy >= target) & (np.arange(len(right)) >= MIN_JUDGED))
    return float(confidence[order][enough[-1]]) if len(enough) else 1.0


def _threshold_row(
    classifier: EmotionClassifier,
    attribute: str,
    fitted_on: Prepared,
    groups_fit: NDArray[np.int64],
    measured_on: Prepared,
    groups: NDArray[np.int64],
) -> dict[str, Any]:
    calibration = classifier.card.calibration
    by_group = [
        threshold_for(
            fitted_on.probabilities[groups_fit == group],
            fitted_on.faces.labels[groups_fit == group],
            calibration.target_accuracy,
        )
        for group in range(3)
    ]
    labels = measured_on.faces.labels
    before = states(measured_on.probabilities, labels, calibration.uncertain_threshold)
    after = states(measured_on.probabilities, labels, np.array(by_group)[groups])
    row = _row("threshold per condition", attribute, "faces judged", before, after, groups)
    return row | {
        "coverage_before": float((before != NOT_JUDGED).mean()),
        "coverage_after": float((after != NOT_JUDGED).mean()),
    }


def _row(
    method: str,
    attribute: str,
    among: str,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> dict[str, Any]:
    """Gap and accuracy before and after, changes with a paired bootstrap."""
    cells = np.zeros((int(groups.max()) + 1, 9))
    np.add.at(cells, (groups, before * 3 + after), 1)
    figures = gap_and_accuracy(cells)
    rng = np.random.default_rng(0)
    draws = np.stack(
        [rng.multinomial(int(c.sum()), c / c.sum(), N_BOOTSTRAP) for c in cells], axis=1
    )
    drawn = gap_and_accuracy(draws.astype(float))
    gap_change = np.percentile(drawn[1] - drawn[0], (2.5, 97.5))
    accuracy_change = np.percentile(drawn[3] - drawn[2], (2.5, 97.5))
    gap_before, gap_after, accuracy_before, accuracy_after = (float(value) for value in figures)
    return {
        "method": method,
        "attribute": attribute,
        "among": among,
        "gap_before": gap_before,
        "gap_after": gap_after,
        "gap_change": gap_after - gap_before,
        "gap_change_ci95": gap_change.tolist(),
        "accuracy_before": accuracy_before,
        "accuracy_after": accuracy_after,
        "accuracy_change": accuracy_after - accuracy_before,
        "accuracy_change_ci95": accuracy_change.tolist(),
        "verdict": change_verdict(*gap_change),
    }


def gap_and_accuracy(cells: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Gap before and after, accuracy before and after, for cells (..., groups, 9).

    Cell 3 · before + after counts images in those two states. All images of a group are its
    judged ones but for those that are not judged.
    """
    table = cells.reshape(*cells.shape[:-1], 3, 3).astype(float)
    result = []
    for axis in (-1, -2):  # sum over `after` for before, and the other way round
        counts = table.sum(axis=axis)
        shares = counts[..., RIGHT] / np.maximum(counts[..., RIGHT] + counts[..., WRONG], 1)
        total = counts.sum(axis=-2)
        accuracy = total[..., RIGHT] / np.maximum(total[..., RIGHT] + total[..., WRONG], 1)
        result.append((np.ptp(shares, axis=-1), accuracy))
    (gap_before, accuracy_before), (gap_after, accuracy_after) = result
    return [gap_before, gap_after, accuracy_before, accuracy_after]


def change_verdict(low: float, high: float) -> str:
    """In words, from the 95 % interval of a gap's change."""
    if high < 0:
        return "gap smaller, beyond chance"
    if low > 0:
        return "gap larger, beyond chance"
    return "no change beyond chance"
