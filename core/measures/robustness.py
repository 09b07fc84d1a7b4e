"""Accuracy of a model under the corruptions of `core.measures.corruptions`."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.measures.accuracy import Labels, wilson_interval
from core.measures.corruptions import CORRUPTIONS, LEVELS, corrupt
from core.types import FloatArray

Judge = Callable[[NDArray[np.uint8]], FloatArray]
Step = Callable[[], None]
N_CONDITIONS: Final = len(CORRUPTIONS) * len(LEVELS)


def robustness_rows(
    judge: Judge, crops: NDArray[np.uint8], labels: Labels, step: Step | None = None
) -> list[dict[str, Any]]:
    """One row a corruption and level: `corruption, level, accuracy, low, high` (Wilson, 95 %).

    Args:
        judge: uint8 crops in the shape of `crops` to probabilities (n, 7).
        crops: uint8 (n, h, w) or (n, h, w, 3), n at least 1.
        labels: true labels (n,).
        step: called after each of the `N_CONDITIONS` rows; what it raises stops the run.
    """
    rows = []
    for name in CORRUPTIONS:
        for level in LEVELS:
            corrupted = np.stack(
                [corrupt(crop, name, level, seed=number) for number, crop in enumerate(crops)]
            )
            n_right = int((judge(corrupted).argmax(axis=1) == labels).sum())
            low, high = wilson_interval(n_right, len(labels))
            rows.append(
                {
                    "corruption": name,
                    "level": level,
                    "accuracy": n_right / len(labels),
                    "low": low,
                    "high": high,
                }
            )
            if step:
                step()
    return rows


def sample_rows(n_all: int, n: int, *, seed: int = 0) -> NDArray[np.int64]:
    """`n` of the rows 0..n_all-1 in order, drawn without replacement; all if there are fewer."""
    return np.sort(np.random.default_rng(seed).permutation(n_all)[:n])


def mean_accuracy(study: dict[str, Any]) -> float:
    """Accuracy averaged over all corruptions and levels; 1 minus the mean corruption error.

    Args:
        study: content of a file that `mien bias robustness` writes.
    """
    return float(np.mean([row["accuracy"] for row in study["rows"]]))
