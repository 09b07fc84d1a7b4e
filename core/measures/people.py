"""How well a model predicts what people say of a face: the votes of FER+'s ten taggers.

Barsoum et al. 2016, arXiv 1608.01041. A face is *clear* where more than half of its votes fall on
one outcome.
"""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.emotions import EMOTIONS
from core.measures.accuracy import Labels, wilson_interval
from core.types import FloatArray

N_LABELS = len(EMOTIONS)
CLEAR_SHARE = 0.5


class PeopleMeasures(BaseModel):
    """A model beside people, on faces of which votes are known.

    Attributes:
        n: faces with votes; `n_clear` of them have a majority.
        clear_agreement: share of the clear faces on which the model's first label is the
            majority's; `clear_ci95` is Wilson's 95 % interval.
        clear_balanced: mean recall of the expressions that are some clear face's majority.
        clear_recall: expression -> recall on clear faces, NaN where no face has it.
        agreement: as `clear_agreement`, on all faces, with the most frequent vote.
        precision: expression -> of the faces for which the model names it first, the share of
            which it is the most frequent vote; NaN where it never does.
        share_error: mean absolute error of a predicted share, 0..1.
        share_correlation: Pearson's r of predicted and real shares, all together.
        share_bias: expression -> mean predicted share less mean real share; 0 is calibrated.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    n_clear: int
    clear_agreement: float
    clear_ci95: tuple[float, float]
    clear_balanced: float
    clear_recall: dict[str, float]
    agreement: float
    precision: dict[str, float] = {}
    share_error: float
    share_correlation: float
    share_bias: dict[str, float]


def majority_labels(votes: FloatArray) -> tuple[Labels, np.ndarray]:
    """Most frequent outcome of votes (n, 8), and whether it has a majority.

    Returns:
        labels (n,) in 0..7, where 7 is "none of these" and faces without votes have -1; and bool
        (n,), true where more than half of the votes fall on the label.

    Example:
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
    first = said.argmax(axis=1)
    right = first == labels
    seen = clear & among
    n_right = int(right[seen].sum())
    recall = {
        name: float(right[seen & (labels == index)].mean())
        if (seen & (labels == index)).any()
        else math.nan
        for index, name in enumerate(EMOTIONS)
    }
    real = votes[:, :N_LABELS] / votes[:, :N_LABELS].sum(axis=1, keepdims=True)
    bias = (said - real).mean(axis=0)
    return PeopleMeasures(
        n=int(known.sum()),
        n_clear=int(seen.sum()),
        clear_agreement=n_right / max(int(seen.sum()), 1),
        clear_ci95=wilson_interval(n_right, int(seen.sum())),
        clear_balanced=float(np.nanmean(list(recall.values()))),
        clear_recall=recall,
        agreement=float(right[among].mean()),
        precision={
            name: float(right[first == index].mean()) if (first == index).any() else math.nan
            for index, name in enumerate(EMOTIONS)
        },
        share_error=float(np.abs(said - real).mean()),
        share_correlation=float(np.corrcoef(said.ravel(), real.ravel())[0, 1]),
        share_bias={name: float(bias[index]) for index, name in enumerate(EMOTIONS)},
    )
