"""Refitting the last step with images weighted by group and expression.

A multinomial logistic regression over the seven log-probabilities takes the place of the model's
own verdict. Groups are needed for fitting alone, so that nobody's group has to be guessed where
the model is used; this is what makes it allowed on predicted groups, too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from core.types import FloatArray

# What a smaller gap may cost on the images that choose, as a share.
ACCEPTED_LOSS: Final = 0.005
WEIGHTINGS: Final = ("all alike", "groups independent of expressions", "all cells alike")
_N_FOLDS: Final = 5

Indices = NDArray[np.int64]


def cell_weights(groups: Indices, labels: Indices, weighting: str) -> NDArray[np.float64]:
    """Weights (n,) with mean 1 for groups (n,) and labels (n,).

    "groups independent of expressions" is reweighing after Kamiran and Calders (2012): the share
    of the group times that of the expression over the share of both together. "all cells alike"
    gives each pair of group and expression the same sum.

    Raises:
        ValueError: for a weighting that is not in `WEIGHTINGS`.
    """
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting {weighting!r} is not one of {', '.join(WEIGHTINGS)}")
    weights = np.ones(len(labels))
    if weighting != WEIGHTINGS[0]:
        table = np.zeros((int(groups.max()) + 1, int(labels.max()) + 1))
        np.add.at(table, (groups, labels), 1)
        weights = 1 / table[groups, labels]
        if weighting == WEIGHTINGS[1]:
            weights *= table.sum(axis=1)[groups] * table.sum(axis=0)[labels]
    return np.asarray(weights / weights.mean())


def refit(
    probabilities: FloatArray, labels: Indices, weights: NDArray[np.float64]
) -> LogisticRegression:
    """The regression, fitted on probabilities (n, 7)."""
    return LogisticRegression(C=1.0, max_iter=500).fit(
        log_probabilities(probabilities), labels, sample_weight=weights
    )


def log_probabilities(probabilities: FloatArray) -> NDArray[np.float64]:
    """What the regression sees, (n, 7)."""
    return np.asarray(np.log(np.maximum(probabilities.astype(float), 1e-7)))


def choose_weighting(probabilities: FloatArray, labels: Indices, groups: Indices) -> str:
    """The weighting with the smallest cross-validated gap that costs next to no accuracy.

    Where each costs more than `ACCEPTED_LOSS` against the model's own verdicts, the one that is
    right most often.
    """
    features = log_probabilities(probabilities)
    own = float((probabilities.argmax(axis=1) == labels).mean())
    gaps: dict[str, float] = {}
    accuracies: dict[str, float] = {}
    for weighting in WEIGHTINGS:
        judged = cross_val_predict(
            LogisticRegression(C=1.0, max_iter=500),
            features,
            labels,
            cv=StratifiedKFold(_N_FOLDS, shuffle=True, random_state=0),
            params={"sample_weight": cell_weights(groups, labels, weighting)},
        )
        right = judged == labels
        sizes = np.bincount(groups)
        gaps[weighting] = float(np.ptp(np.bincount(groups, weights=right) / sizes))
        accuracies[weighting] = float(right.mean())
    cheap = [name for name in WEIGHTINGS if accuracies[name] >= own - ACCEPTED_LOSS]
    if not cheap:
        return max(accuracies, key=accuracies.__getitem__)
    return min(cheap, key=gaps.__getitem__)
