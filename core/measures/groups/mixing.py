"""How groups and expressions are mixed in a data set, before any model.

Representational bias: groups of unequal size. Stereotypical bias: groups tied to labels, which
hurts models far more (Dominguez-Catena et al. 2024, arXiv 2303.15889, 2406.17405).
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel


class Association(BaseModel, frozen=True):
    """Groups against expressions over a data set."""

    n: int
    counts: dict[str, dict[str, int]]  # group -> expression -> images
    # the same with normalised pointwise mutual information: -1 never together, 0 independent, 1
    # always together (Bouma 2009)
    npmi: dict[str, dict[str, float]]
    cramers_v: float  # 0 independent .. 1 determined (Cramér 1946)
    evenness: float  # Shannon entropy of the groups' shares over that of equal shares, 0..1
    effective_groups: float  # exp of that entropy: so many equal groups would be as diverse


def association(groups: NDArray[np.str_], labels: NDArray[np.str_]) -> Association:
    """All measures for group names (n,) and label names (n,).

    Raises:
        ValueError: if there is nothing to count.
    """
    if not len(groups):
        raise ValueError("an association needs at least one image")
    table = pd.crosstab(pd.Series(groups, name="group"), pd.Series(labels, name="label"))
    counts = table.to_numpy(np.float64)
    return Association(
        n=len(groups),
        counts=_nested(table, counts.astype(int)),
        npmi=_nested(table, npmi(counts)),
        cramers_v=cramers_v(counts),
        evenness=evenness(counts.sum(axis=1)),
        effective_groups=math.exp(entropy(counts.sum(axis=1))),
    )


def npmi(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(p(g, c) / (p(g) p(c))) / -ln p(g, c) for counts (groups, classes); -1 for no image."""
    joint = counts / counts.sum()
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    result = np.full(counts.shape, -1.0)
    seen = joint > 0
    certain = joint >= 1  # one group of one class: always together
    ordinary = seen & ~certain
    result[ordinary] = np.log(joint[ordinary] / expected[ordinary]) / -np.log(joint[ordinary])
    result[certain] = 1.0
    return result


def cramers_v(counts: NDArray[np.float64]) -> float:
    """sqrt(chi² / (n (min(rows, columns) - 1))); 0 where only one row or column is filled."""
    filled = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(filled.shape) < 2:
        return 0.0
    from scipy.stats import contingency

    return float(contingency.association(filled.astype(np.int64), method="cramer"))


def entropy(sizes: NDArray[np.float64]) -> float:
    """Shannon entropy in nats of the shares that `sizes` (k,) have."""
    from scipy import stats

    return float(stats.entropy(sizes))


def evenness(sizes: NDArray[np.float64]) -> float:
    """Entropy over the largest possible one, 0..1; 1 for a single group."""
    return entropy(sizes) / math.log(len(sizes)) if len(sizes) > 1 else 1.0


def _nested(table: pd.DataFrame, values: NDArray[np.generic]) -> dict[str, dict[str, float]]:
    return {
        str(group): {
            str(label): values[row, column].item() for column, label in enumerate(table.columns)
        }
        for row, group in enumerate(table.index)
    }
