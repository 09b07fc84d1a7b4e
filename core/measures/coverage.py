"""How often the labels that are named for a face hold the one that most people choose."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from core.emotions import EMOTIONS
from core.expression.conformal import ConformalFit, ranking
from core.measures.accuracy import Labels, wilson_interval
from core.measures.people import majority_labels
from core.types import MAX_NAMED, FloatArray

NONE_OF_THESE = -1


class Coverage(BaseModel):
    """Sets of labels beside what most people say; shares 0..1, NaN where nothing was counted.

    Attributes:
        n: faces.
        coverage: share of them whose majority label is named; `ci95` is Wilson's interval.
        mean_labels: how many labels are named for a face.
        one_label: share of faces for which one label is named.
        no_agreement: share of faces for which more than three are, so that none is shown.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    coverage: float
    ci95: tuple[float, float]
    mean_labels: float
    one_label: float
    no_agreement: float


def said_labels(votes: FloatArray | None, labels: Labels) -> Labels:
    """What most people say of faces (n,): 0..6, or `NONE_OF_THESE`.

    Args:
        votes: shares (n, 8) of FER+'s taggers, the last "none of these"; rows of zeros where
            they are not known, or None.
        labels: the set's own labels (n,), which hold there, and decide between equal votes.
    """
    if votes is None:
        return labels
    said, _ = majority_labels(votes)
    own = votes[np.arange(len(labels)), labels] >= votes.max(axis=1)
    said = np.where((said < 0) | own, labels, said)
    return np.where(said >= len(EMOTIONS), NONE_OF_THESE, said).astype(np.int64)


def measure_coverage(
    fit: ConformalFit, probabilities: FloatArray, said: Labels, quality: NDArray[np.float64]
) -> Coverage:
    """Name labels for shares (n, 7) and qualities (n,), and compare with `said_labels` (n,).

    Faces of which most people say none of these are left out.
    """
    known = said != NONE_OF_THESE
    return summarise(*held(fit, probabilities[known], said[known], quality[known]))


def held(
    fit: ConformalFit, probabilities: FloatArray, said: Labels, quality: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether the majority's label is named (n,), and how many labels are (n,)."""
    sizes = fit.sizes(probabilities, quality)
    places = (ranking(probabilities) == said[:, None]).argmax(axis=1)
    return places < sizes, sizes


def summarise(covered: NDArray[np.bool_], sizes: NDArray[np.int64]) -> Coverage:
    """The figures of some faces."""
    n = len(covered)

    def mean(values: NDArray[np.generic]) -> float:
        return float(values.mean()) if n else math.nan

    return Coverage(
        n=n,
        coverage=mean(covered),
        ci95=wilson_interval(int(covered.sum()), n),
        mean_labels=mean(sizes),
        one_label=mean(sizes == 1),
        no_agreement=mean(sizes > MAX_NAMED),
    )
