"""A mitigation against the model as it is, on the same images: changes of gap and accuracy."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.measures.groups.gaps import ALPHA, holm
from core.types import FloatArray

WRONG, RIGHT, NOT_JUDGED = 0, 1, 2
N_BOOTSTRAP: Final = 2000


def states(
    probabilities: FloatArray, labels: NDArray[np.int64], thresholds: Any = 0.0
) -> NDArray[np.int64]:
    """`WRONG`, `RIGHT` or `NOT_JUDGED` (below its threshold) for each image (n,)."""
    right = (probabilities.argmax(axis=1) == labels).astype(np.int64)
    return np.where(probabilities.max(axis=1) < thresholds, NOT_JUDGED, right)


def before_after(
    method: str,
    attribute: str,
    among: str,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> dict[str, Any]:
    """One row: gap and accuracy before and after, their changes with a paired bootstrap.

    `before` and `after` are `states` (n,), `groups` (n,) numbers from 0; the texts name what was
    tried, what the groups are made of and which images count.
    """
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
        "gap_change_p": paired_p(drawn[1] - drawn[0]),
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


def paired_p(changes: NDArray[np.float64]) -> float:
    """Two-sided p of a change from its bootstrap draws (n,): twice the rarer sign's share."""
    n_rarer = min((changes >= 0).sum(), (changes <= 0).sum())
    return float(min(1.0, 2 * (1 + n_rarer) / (1 + len(changes))))


def with_verdicts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with Holm's correction over all of them, and in words what each shows."""
    corrected = holm([row["gap_change_p"] for row in rows])
    result = []
    for row, p_holm in zip(rows, corrected, strict=True):
        low, high = row["gap_change_ci95"]
        verdict = change_verdict(low, high, p_holm)
        result.append(row | {"gap_change_p_holm": p_holm, "verdict": verdict})
    return result


def change_verdict(low: float, high: float, p_holm: float) -> str:
    """In words, from the 95 % interval of a gap's change and its corrected p value."""
    if low <= 0 <= high:
        return "no change beyond chance"
    if p_holm >= ALPHA:
        return "no change beyond chance once all rows are tested"
    return "gap smaller, beyond chance" if high < 0 else "gap larger, beyond chance"
