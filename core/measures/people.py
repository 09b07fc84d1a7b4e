"""How well a model predicts what people say of a face, and how often what is named holds it.

What people say are the votes of FER+'s ten taggers.

Barsoum et al. 2016, arXiv 1608.01041. A face is *clear* where more than half of its votes fall on
one outcome.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.emotions import EMOTIONS
from core.expression.conformal import ConformalFit, ranking
from core.measures.accuracy import Labels, mean_or_nan, wilson_interval
from core.types import MAX_NAMED, FloatArray

N_LABELS = len(EMOTIONS)
CLEAR_SHARE = 0.5
NONE_OF_THESE = -1


class PeopleMeasures(BaseModel, frozen=True):
    """A model beside people, on faces of which votes are known."""

    n: int  # faces with votes; `n_clear` of them have a majority
    n_clear: int
    # share of the clear faces on which the model's first label is the majority's; `clear_ci95` is
    # Wilson's 95 % interval
    clear_agreement: float
    clear_ci95: tuple[float, float]
    clear_balanced: float  # mean recall of the expressions that are some clear face's majority
    clear_recall: dict[str, float]  # expression -> recall on clear faces, NaN where no face has it
    clear_counts: dict[str, int] = {}  # expression -> clear faces that have it
    agreement: float  # as `clear_agreement`, on all faces, with the most frequent vote
    # expression -> of the faces for which the model names it first, the share of which it is the
    # most frequent vote; NaN where it never does
    precision: dict[str, float] = {}
    share_error: float  # mean absolute error of a predicted share, 0..1
    share_correlation: float  # Pearson's r of predicted and real shares, all together
    # expression -> mean predicted share less mean real share; 0 is calibrated
    share_bias: dict[str, float]


def majority_labels(votes: FloatArray) -> tuple[Labels, np.ndarray]:
    """Most frequent outcome of votes (n, 8), and whether it has a majority.

    Returns:
        labels (n,) in 0..7, where 7 is "none of these" and faces without votes have -1; and bool
        (n,), true where more than half of the votes fall on the label.

    Examples:
        >>> votes = np.array([[0, 0, 0, 0.8, 0, 0.2, 0, 0], [0.5, 0, 0, 0, 0.5, 0, 0, 0]])
        >>> labels, clear = majority_labels(votes)
        >>> labels.tolist(), clear.tolist()
        ([3, 0], [True, False])
    """
    labels = np.where(votes.sum(axis=1) > 0, votes.argmax(axis=1), -1).astype(np.int64)
    return labels, votes.max(axis=1) > CLEAR_SHARE


def measure_people(votes: FloatArray, probabilities: FloatArray) -> PeopleMeasures:
    """Compare shares of votes (n, 8) with predicted shares (n, 7).

    Faces without votes are left out. Agreement counts faces whose first vote is one of the seven.
    """
    known = votes[:, :N_LABELS].sum(axis=1) > 0
    votes, said = votes[known], probabilities[known]
    labels, clear = majority_labels(votes)
    among = labels < N_LABELS
    right = said.argmax(axis=1) == labels
    seen = clear & among
    n_right = int(right[seen].sum())
    numbers = dict(enumerate(EMOTIONS))
    recall = {name: mean_or_nan(right[seen & (labels == at)]) for at, name in numbers.items()}
    real = votes[:, :N_LABELS] / votes[:, :N_LABELS].sum(axis=1, keepdims=True)
    bias = (said - real).mean(axis=0)
    return PeopleMeasures(
        n=int(known.sum()),
        n_clear=int(seen.sum()),
        clear_agreement=n_right / max(int(seen.sum()), 1),
        clear_ci95=wilson_interval(n_right, int(seen.sum())),
        clear_balanced=float(np.nanmean(list(recall.values()))),
        clear_recall=recall,
        clear_counts={name: int((seen & (labels == at)).sum()) for at, name in numbers.items()},
        agreement=float(right[among].mean()),
        precision={n: mean_or_nan(right[said.argmax(axis=1) == at]) for at, n in numbers.items()},
        share_error=float(np.abs(said - real).mean()),
        share_correlation=float(np.corrcoef(said.ravel(), real.ravel())[0, 1]),
        share_bias={name: float(bias[at]) for at, name in numbers.items()},
    )


class Coverage(BaseModel, frozen=True):
    """Sets of labels beside what most people say; shares 0..1, NaN where nothing was counted."""

    n: int  # faces
    coverage: float  # share of them whose majority label is named; `ci95` is Wilson's interval
    ci95: tuple[float, float]
    mean_labels: float  # how many labels are named for a face
    one_label: float  # share of faces for which one label is named
    no_agreement: float  # share of faces for which more than three are, so that none is shown


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
    return Coverage(
        n=n,
        coverage=mean_or_nan(covered),
        ci95=wilson_interval(int(covered.sum()), n),
        mean_labels=mean_or_nan(sizes),
        one_label=mean_or_nan(sizes == 1),
        no_agreement=mean_or_nan(sizes > MAX_NAMED),
    )
