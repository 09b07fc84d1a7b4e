"""Two models on the same images: McNemar's test, and which models none beats in everything."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.measures.groups.gaps import holm

_EXACT_UP_TO = 1000


class McNemar(BaseModel, frozen=True):
    """McNemar's test of two models on the same images (McNemar 1947).

    Attributes:
        n: images.
        only_first, only_second: images that only this model judges right.
        both, neither: images that both, or none, judges right.
        difference: accuracy of the first less that of the second, -1..1.
        difference_ci95: Wald's interval for paired shares with Agresti and Min's correction
            (2005): half a case added to each of the four cells.
        p_value: two-sided; exact binomial up to 1,000 discordant images, else chi-squared with
            Edwards' correction.
        exact: which of the two.
    """

    n: int
    both: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    difference_ci95: tuple[float, float]
    p_value: float
    exact: bool


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> McNemar:
    """Compare two models by which of the same n images each judges right, both (n,).

    With no discordant image the p value is 1.

    Examples:
        >>> first_right, second_right = np.arange(100) < 80, np.arange(100) < 70
        >>> test: McNemar = mcnemar(first_right, second_right)
        >>> test.only_first, test.only_second, test.difference, round(test.p_value, 4)
        (10, 0, 0.1, 0.002)

    Raises:
        ValueError: if the two have other lengths or are empty.
    """
    if first_right.shape != second_right.shape or not len(first_right):
        raise ValueError(
            f"both must judge the same images, got {first_right.shape} and {second_right.shape}"
        )
    from scipy.stats import binomtest, chi2

    n = len(first_right)
    only_first = int((first_right & ~second_right).sum())
    only_second = int((~first_right & second_right).sum())
    discordant = only_first + only_second
    exact = discordant <= _EXACT_UP_TO
    if discordant == 0:
        p_value = 1.0
    elif exact:
        p_value = float(binomtest(only_first, discordant, 0.5).pvalue)
    else:
        statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / discordant
        p_value = float(chi2.sf(statistic, 1))
    return McNemar(
        n=n,
        both=int((first_right & second_right).sum()),
        only_first=only_first,
        only_second=only_second,
        neither=int((~first_right & ~second_right).sum()),
        difference=(only_first - only_second) / n,
        difference_ci95=_paired_interval(only_first, only_second, n),
        p_value=p_value,
        exact=exact,
    )


class PairedModels(BaseModel, frozen=True):
    """Two models by name, their test, and its p value (0..1) after Holm over all pairs.

    Examples:
        >>> right = {name: np.arange(100) < n for name, n in (("a", 80), ("b", 70), ("c", 71))}
        >>> pairs: list[PairedModels] = every_pair(right)
        >>> [(pair.first, pair.second, round(pair.p_holm, 3)) for pair in pairs]
        [('a', 'b', 0.006), ('a', 'c', 0.008), ('b', 'c', 1.0)]
    """

    first: str
    second: str
    test: McNemar
    p_holm: float


def every_pair(right: Mapping[str, NDArray[np.bool_]]) -> list[PairedModels]:
    """McNemar's test of each two models by which of the same n images each judges right."""
    pairs = list(itertools.combinations(right, 2))
    tests = [mcnemar(right[first], right[second]) for first, second in pairs]
    corrected = holm([test.p_value for test in tests])
    return [
        PairedModels(first=first, second=second, test=test, p_holm=p_holm)
        for (first, second), test, p_holm in zip(pairs, tests, corrected, strict=True)
    ]


def _paired_interval(only_first: int, only_second: int, n: int) -> tuple[float, float]:
    total = n + 2
    first, second = (only_first + 0.5) / total, (only_second + 0.5) / total
    spread = math.sqrt((first + second - (first - second) ** 2) / total)
    middle = first - second
    return (middle - 1.959964 * spread, middle + 1.959964 * spread)


def pareto_front(accuracy: Sequence[float], cost: Sequence[float]) -> list[bool]:
    """Which entries no other beats: none is at least as accurate and as cheap, and better in one.

    Examples:
        >>> pareto_front([0.7, 0.6, 0.65], [10, 5, 12])
        [True, True, False]
    """
    pairs = list(zip(accuracy, cost, strict=True))
    return [
        not any(a >= mine and c <= price and (a > mine or c < price) for a, c in pairs)
        for mine, price in pairs
    ]
