"""Curves and intervals behind the charts, each recomputed from labels and probabilities.

Pure functions: true labels (n,) in 0..6 and probabilities (n, 7) in, tables out. What
`models/<id>/predictions.npz` holds is enough for all of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.errors import ModelError, damage_is
from core.measures.accuracy import ECE_BINS, Labels, confidence_bins, wilson_interval
from core.types import FloatArray

N_BOOTSTRAP: Final = 1000
SUMMARY: Final = (
    "accuracy",
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
)
# Points a curve keeps: more than a screen can show, few enough to send.
_MAX_POINTS: Final = 200


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said of a labelled set.

    Attributes:
        labels: (n,) in 0..6.
        probabilities: (n, 7), rows sum to 1.
        near_duplicate: (n,) whether a training image is nearly the same; all False where that
            is not known.

    Examples:
        >>> two = np.eye(7, dtype=np.float32)[[3, 3]]  # both surely happy
        >>> said = Predictions(np.array([3, 6]), two, np.zeros(2, bool))
        >>> said.right.tolist()
        [True, False]
    """

    labels: Labels
    probabilities: FloatArray
    near_duplicate: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.probabilities.shape != (n, len(EMOTIONS)) or self.near_duplicate.shape != (n,):
            raise ValueError(
                f"for {n} labels, probabilities must be ({n}, {len(EMOTIONS)}) and near_duplicate "
                f"({n},), got {self.probabilities.shape} and {self.near_duplicate.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> Labels:
        """Most probable label, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> FloatArray:
        """Its probability, (n,)."""
        return np.asarray(self.probabilities.max(axis=1, initial=0), np.float32)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether it is the true label, (n,)."""
        return np.asarray(self.predicted == self.labels)

    def keep(self, mask: NDArray[np.bool_]) -> "Predictions":
        """The images where `mask` (n,) is true."""
        return Predictions(self.labels[mask], self.probabilities[mask], self.near_duplicate[mask])


def load_predictions(folder: Path) -> Predictions | None:
    """`predictions.npz` of one model's folder; None where there is none.

    Raises:
        ModelError: if the file is not one that `mien publish` writes.
    """
    stored = _stored(folder)
    if stored is None:
        return None
    with damage_is(_damaged(folder)):
        probabilities = stored["probabilities"].astype(np.float32)
        # Stored in half precision, so that rows sum to 1 only nearly.
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        labels, near = stored["labels"].astype(np.int64), stored["near_duplicate"].astype(bool)
        return Predictions(labels, probabilities, near)


def load_shares(folder: Path) -> tuple[FloatArray, FloatArray] | None:
    """Predicted shares (n, 7) and real votes (n, 8) of the same images as `load_predictions`.

    None for a model that learned no votes.

    Raises:
        ModelError: if the file is damaged.
    """
    stored = _stored(folder)
    if stored is None or "shares" not in stored:
        return None
    return stored["shares"].astype(np.float32), stored["votes"].astype(np.float32)


def _stored(folder: Path) -> dict[str, NDArray[Any]] | None:
    """All arrays of `predictions.npz`; raises ModelError where it is damaged."""
    file = folder / "predictions.npz"
    if not file.exists():
        return None
    with damage_is(_damaged(folder)), file.open("rb") as opened, np.load(opened) as stored:
        return dict(stored)


def _damaged(folder: Path) -> ModelError:
    return ModelError(
        f"predictions.npz of model {folder.name!r} is damaged; run `mien publish` again."
    )


def confusion_counts(labels: Labels, predicted: Labels) -> NDArray[np.int64]:
    """Counts (7, 7): rows true, columns judged."""
    k = len(EMOTIONS)
    return np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)


def summary_of(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """The figures named in `SUMMARY` from confusion counts (..., 7, 7): (..., 5).

    Means over classes count those that occur; a class that is never judged has precision 0.
    """
    counts = confusion.astype(np.float64)
    true, judged = counts.sum(axis=-1), counts.sum(axis=-2)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    n = counts.sum(axis=(-2, -1))
    occurs = true > 0
    n_classes = occurs.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(occurs, hits / np.maximum(true, 1), 0).sum(axis=-1) / n_classes
        precision = np.where(occurs, hits / np.maximum(judged, 1), 0).sum(axis=-1) / n_classes
        f1_each = np.where(occurs, 2 * hits / np.maximum(true + judged, 1), 0)
        f1 = f1_each.sum(axis=-1) / n_classes
        accuracy = hits.sum(axis=-1) / n
    return np.stack([accuracy, recall, precision, recall, f1], axis=-1)


def summary_with_intervals(
    labels: Labels, predicted: Labels, *, n_bootstrap: int = N_BOOTSTRAP
) -> pd.DataFrame:
    """`SUMMARY` with 95 % intervals: columns `value, low, high`, one row a figure.

    Accuracy has Wilson's interval. The others have the percentile bootstrap over images; drawing
    the cells of the confusion matrix from a multinomial is the same as drawing images with
    replacement, since the figures depend on the cells alone.
    """
    counts = confusion_counts(labels, predicted)
    n = len(labels)
    frame = pd.DataFrame({"value": summary_of(counts)}, index=list(SUMMARY))
    if n == 0:
        return frame.assign(low=math.nan, high=math.nan)
    draws = np.random.default_rng(0).multinomial(n, counts.ravel() / n, size=n_bootstrap)
    samples = summary_of(draws.reshape(n_bootstrap, *counts.shape))
    low, high = np.percentile(samples, (2.5, 97.5), axis=0)
    frame = frame.assign(low=low, high=high)
    frame.loc["accuracy", ["low", "high"]] = wilson_interval(int(np.trace(counts)), n)
    return frame


def roc_curves(labels: Labels, probabilities: FloatArray) -> tuple[pd.DataFrame, dict[str, float]]:
    """One-against-rest ROC of each expression, and the area under each.

    Returns:
        Columns `expression, threshold, false_positive_rate, true_positive_rate`; areas by name,
        NaN for an expression that is never or always true (its curve is left out).
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    parts, areas = [], dict.fromkeys(EMOTIONS, math.nan)
    for index, name in enumerate(EMOTIONS):
        true = labels == index
        if true.all() or not true.any():
            continue
        false_positive, true_positive, threshold = roc_curve(true, probabilities[:, index])
        areas[name] = float(roc_auc_score(true, probabilities[:, index]))
        columns = (np.minimum(threshold, 1.0), false_positive, true_positive)
        parts.append(
            _part(name, ("threshold", "false_positive_rate", "true_positive_rate"), columns)
        )
    return _joined(parts), areas


def precision_recall_curves(
    labels: Labels, probabilities: FloatArray
) -> tuple[pd.DataFrame, dict[str, float]]:
    """One-against-rest precision and recall of each expression, and average precision.

    Returns:
        Columns `expression, threshold, recall, precision`; average precision by name, NaN for
        an expression that never occurs.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    parts, averages = [], dict.fromkeys(EMOTIONS, math.nan)
    for index, name in enumerate(EMOTIONS):
        true = labels == index
        if not true.any():
            continue
        precision, recall, threshold = precision_recall_curve(true, probabilities[:, index])
        averages[name] = float(average_precision_score(true, probabilities[:, index]))
        columns = (threshold, recall[:-1], precision[:-1])  # (0, 1) belongs to no threshold
        parts.append(_part(name, ("threshold", "recall", "precision"), columns))
    return _joined(parts), averages


def reliability(labels: Labels, probabilities: FloatArray) -> pd.DataFrame:
    """Confidence against accuracy in bins of equal width (Guo et al. 2017, arXiv 1706.04599).

    Returns:
        Columns `bin_low, bin_high, n, confidence, accuracy, low, high` (Wilson, 95 %), one row
        a bin that is not empty.
    """
    rows = [
        (at / ECE_BINS, (at + 1) / ECE_BINS, n, mean, n_right / n, *wilson_interval(n_right, n))
        for at, n, n_right, mean in confidence_bins(labels, probabilities)
    ]
    names = ["bin_low", "bin_high", "n", "confidence", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def coverage_accuracy(
    labels: Labels, probabilities: FloatArray, thresholds: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """What is left and how right it is where faces under a threshold are called uncertain.

    Returns:
        Columns `threshold, n, coverage, accuracy, low, high` (Wilson, 95 %; NaN for none left),
        one row a threshold, by default 0, 0.01 … 0.99.
    """
    values = np.arange(100) / 100 if thresholds is None else thresholds
    confidence = probabilities.max(axis=1, initial=0)
    right = probabilities.argmax(axis=1) == labels if len(labels) else np.empty(0, bool)
    rows = []
    for threshold in values:
        kept = confidence >= threshold
        n, n_right = int(kept.sum()), int(right[kept].sum())
        accuracy = n_right / n if n else math.nan
        coverage = n / len(labels) if len(labels) else math.nan
        rows.append((float(threshold), n, coverage, accuracy, *wilson_interval(n_right, n)))
    return pd.DataFrame(rows, columns=["threshold", "n", "coverage", "accuracy", "low", "high"])


def _part(name: str, titles: Sequence[str], columns: Sequence[NDArray[Any]]) -> pd.DataFrame:
    """One expression's curve with at most `_MAX_POINTS` points, both ends among them."""
    n = len(columns[0])
    kept = np.unique(np.linspace(0, n - 1, min(n, _MAX_POINTS)).round().astype(np.int64))
    table = {title: column[kept] for title, column in zip(titles, columns, strict=True)}
    return pd.DataFrame({"expression": name, **table})


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
