"""How right a model is: accuracy, per-class scores, calibration, with intervals.

Everything is computed from true labels and probabilities, so that a reader can do it again from
`models/<id>/predictions.npz`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.emotions import EMOTIONS
from core.types import FloatArray

Labels = NDArray[np.int64]

ECE_BINS = 15
NEAR_DUPLICATE = 0.99  # pixels of two images correlate above it
_BLOCK = 512  # rows compared at a time


class ClassScores(BaseModel, frozen=True):
    """One expression: all shares 0..1, NaN where nothing was to be counted.

    Attributes:
        precision: of the faces that were called so, the share that are.
        recall: of the faces that are, the share that were called so.
        f1: harmonic mean of the two.
        support: faces that are.
    """

    precision: float
    recall: float
    f1: float
    support: int


class Measures(BaseModel, frozen=True):
    """Figures of one model on one set of faces.

    Attributes:
        n: faces judged.
        accuracy: share judged right; `accuracy_ci95` is Wilson's 95 % interval.
        balanced_accuracy: mean recall of the expressions that occur.
        macro_f1: mean F1 of the expressions that occur.
        ece: expected calibration error, 15 bins of equal width (Guo et al. 2017).
        per_class: name -> scores.
        confusion: rows true, columns predicted, both in the order of `EMOTIONS`.
    """

    n: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    balanced_accuracy: float
    macro_f1: float
    ece: float
    per_class: dict[str, ClassScores]
    confusion: list[list[int]]


def measure(labels: Labels, probabilities: FloatArray) -> Measures:
    """Compute all figures for true labels (n,) and probabilities (n, 7).

    With n = 0 every share is NaN and every count 0.

    Examples:
        >>> called_happy = np.eye(7, dtype=np.float32)[[3, 3, 3, 3]]
        >>> found: Measures = measure(np.array([3, 3, 3, 6]), called_happy)  # one is neutral
        >>> found.accuracy, found.balanced_accuracy, found.confusion[6][3]
        (0.75, 0.5, 1)
        >>> found.per_class["neutral"]  # never said, so its precision is unknown
        ClassScores(precision=nan, recall=0.0, f1=0.0, support=1)
    """
    # Here, for it takes seconds, and most that is imported from this file does without.
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = np.arange(len(EMOTIONS))
    confusion, scores = np.zeros((len(EMOTIONS),) * 2, np.int64), np.zeros((4, len(EMOTIONS)))
    if len(labels):
        predicted = probabilities.argmax(axis=1)
        confusion = confusion_matrix(labels, predicted, labels=classes)
        scores = np.array(
            precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
        )
    occurs = scores[3] > 0
    n_right = int(np.trace(confusion))
    return Measures(
        n=len(labels),
        accuracy=n_right / len(labels) if len(labels) else math.nan,
        accuracy_ci95=wilson_interval(n_right, len(labels)),
        balanced_accuracy=mean_or_nan(scores[1][occurs]),
        macro_f1=mean_or_nan(scores[2][occurs]),
        ece=expected_calibration_error(labels, probabilities),
        per_class={
            name: _class_scores(scores[:, index], int(confusion[:, index].sum()))
            for index, name in enumerate(EMOTIONS)
        },
        confusion=confusion.tolist(),
    )


def _class_scores(column: NDArray[np.float64], n_predicted: int) -> ClassScores:
    """NaN instead of scikit-learn's 0 where a share has nothing under it."""
    precision, recall, f1, support = column.tolist()
    return ClassScores(
        precision=precision if n_predicted else math.nan,
        recall=recall if support else math.nan,
        f1=f1 if support or n_predicted else math.nan,
        support=int(support),
    )


def mean_or_nan(values: NDArray[Any]) -> float:
    """The mean of values of any shape; NaN where there are none."""
    return float(values.mean()) if len(values) else math.nan


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share (Wilson 1927); (NaN, NaN) for n = 0.

    Examples:
        >>> low, high = wilson_interval(70, 100)
        >>> round(low, 3), round(high, 3)
        (0.604, 0.781)
    """
    if n == 0:
        return (math.nan, math.nan)
    share, z = n_right / n, 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (max(middle - half, 0.0), min(middle + half, 1.0))  # rounding may step over the ends


def share_right(right: NDArray[np.bool_]) -> dict[str, Any]:
    """`n`, `accuracy` and `accuracy_ci95` (Wilson) of verdicts (n,) as a study stores them."""
    return {
        "n": len(right),
        "accuracy": float(right.mean()) if len(right) else None,
        "accuracy_ci95": wilson_interval(int(right.sum()), len(right)),
    }


def expected_calibration_error(labels: Labels, probabilities: FloatArray) -> float:
    """Mean gap between top probability and accuracy over 15 equal bins; NaN for n = 0."""
    if not len(labels):
        return math.nan
    gaps = [
        n * abs(n_right / n - confidence)
        for _, n, n_right, confidence in confidence_bins(labels, probabilities)
    ]
    return float(np.sum(gaps) / len(labels))


def confidence_bins(
    labels: Labels, probabilities: FloatArray
) -> list[tuple[int, int, int, float]]:
    """Faces by their top probability, in `ECE_BINS` of equal width, those that are not empty.

    For each its number, faces in it, how many are judged right, their mean confidence.
    """
    confidence = probabilities.max(axis=1, initial=0)
    right = probabilities.argmax(axis=1) == labels if len(labels) else np.empty(0, bool)
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    return [
        (int(at), int(inside.sum()), int(right[inside].sum()), float(confidence[inside].mean()))
        for at in np.unique(bins)
        for inside in [bins == at]
    ]


def near_duplicates(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of `images` (n, h, w) are nearly the same as any of `references` (m, h, w)."""
    found = np.zeros(len(images), bool)
    found[near_pairs(images, references)[:, 0]] = True
    return found


def near_pairs(
    images: NDArray[np.uint8], references: NDArray[np.uint8] | None = None
) -> NDArray[np.int64]:
    """Pairs (n, 2) of images (n, h, w) whose pixels correlate (Pearson) above 0.99.

    Without `references`, (m, h, w), the pairs i < j among `images`. An image without contrast is
    a duplicate of nothing.

    Examples:
        >>> ramp = np.arange(48 * 48).reshape(48, 48) // 16
        >>> near_pairs(np.uint8([ramp, ramp.T, ramp // 2])).tolist()  # the third is the first, dim
        [[0, 2]]
    """
    mine = standardised(images)
    others = mine if references is None else standardised(references)
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(mine), _BLOCK):
        first = start if references is None else 0
        found = np.argwhere(mine[start : start + _BLOCK] @ others[first:].T > NEAR_DUPLICATE)
        found += (start, first)
        pairs.append(found if references is not None else found[found[:, 0] < found[:, 1]])
    return np.concatenate(pairs)


def standardised(images: NDArray[np.uint8]) -> FloatArray:
    """Pixels of each image as a row of mean 0 and length 1, whose products are correlations."""
    rows = images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-6))
