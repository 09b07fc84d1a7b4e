"""Shares by group, gaps between groups, and how large a gap chance alone would give.

Every figure here is a share of events in a group: right judgements among all, hits among the
faces of one class, faces found among pictures. A gap is the highest share less the lowest; it is
biased upwards (with equal truth, six groups of 100 differ by 12 points on average), so it is
never shown without its 95th percentile under permutation of the group labels.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.measures.accuracy import wilson_interval

MIN_JUDGED: Final = 30  # smaller groups are greyed and left out of gaps
MIN_SHOWN: Final = 10  # smaller groups have their count shown and nothing else
N_PERMUTATIONS: Final = 2000
_N_REDRAWN: Final = 200  # times of labels of which some are wrong
ALPHA: Final = 0.05

Events = NDArray[np.bool_]
Groups = NDArray[np.str_]
Status = Literal["judged", "small", "hidden"]


class GroupShare(BaseModel, frozen=True):
    """One group: shares 0..1 with Wilson's 95 % interval, None where the group is hidden.

    Attributes:
        group: its name.
        n: images in it.
        share: of them with the event; `low`, `high` its interval.
        status: "judged"; "small", under `MIN_JUDGED`; "hidden", under `MIN_SHOWN`.

    Examples:
        >>> groups = np.repeat(["day", "dusk", "night"], [40, 20, 5])
        >>> shown: list[GroupShare] = shares_by_group(np.arange(65) % 2 == 0, groups)
        >>> [(row.group, row.share, row.status) for row in shown]
        [('day', 0.5, 'judged'), ('dusk', 0.5, 'small'), ('night', None, 'hidden')]
    """

    group: str
    n: int
    share: float | None
    low: float | None
    high: float | None
    status: Status


class Gap(BaseModel, frozen=True):
    """Distance between the groups with the highest and the lowest share.

    Attributes:
        difference: highest less lowest, 0..1; `low`, `high` its bootstrap 95 % interval.
        ratio: lowest over highest, None where the highest is 0.
        chance95: 95th percentile of the difference if the group labels are permuted.
        p_value: share of permutations with a larger difference, ties by half (mid-p).
        p_holm: the same, corrected by Holm, see `core.measures.groups.breakdown.corrected`; None
            until then.
        same_mix: the difference once every group has the same mix of expressions.
        same_mix_chance95: as `chance95`, permuting within each expression.
        same_mix_p_value: as `p_value`, likewise.
    """

    highest: str
    lowest: str
    n_groups: int
    difference: float
    low: float
    high: float
    ratio: float | None
    chance95: float
    p_value: float
    p_holm: float | None = None
    same_mix: float | None = None
    same_mix_chance95: float | None = None
    same_mix_p_value: float | None = None

    @property
    def beyond_chance(self) -> bool:
        """Whether chance is an unlikely explanation; only then may "bias" be said."""
        return self.p_holm is not None and self.p_holm < ALPHA and self.difference > self.chance95


def shares_by_group(events: Events, groups: Groups) -> list[GroupShare]:
    """Share of events (n,) in each group (n,), sorted by name; empty for n = 0."""
    names, codes = np.unique(groups, return_inverse=True)
    n_events = np.bincount(codes, weights=events, minlength=len(names)).astype(int)
    sizes = np.bincount(codes, minlength=len(names))
    return [
        group_share(str(name), int(hits), int(n))
        for name, hits, n in zip(names, n_events, sizes, strict=True)
    ]


def group_share(group: str, n_events: int, n: int) -> GroupShare:
    """One group's row, with what is too few to be shown left out."""
    if n < MIN_SHOWN:
        return GroupShare(group=group, n=n, share=None, low=None, high=None, status="hidden")
    low, high = wilson_interval(n_events, n)
    status: Status = "judged" if n >= MIN_JUDGED else "small"
    return GroupShare(group=group, n=n, share=n_events / n, low=low, high=high, status=status)


def gap_between(
    events: Events,
    groups: Groups,
    *,
    strata: NDArray[np.int64] | None = None,
    n_permutations: int = N_PERMUTATIONS,
    seed: int = 0,
) -> Gap | None:
    """The gap over groups of at least `MIN_JUDGED`; None where fewer than two are.

    Events and names are (n,); with `strata`, true expressions (n,), the gap at the same mix of
    them is added.

    Examples:
        >>> groups = np.repeat(["day", "night"], 50)
        >>> right = np.r_[np.ones(50, bool), np.arange(50) < 25]  # at night every second one
        >>> gap: Gap | None = gap_between(right, groups)
        >>> gap.lowest, gap.difference, gap.difference > gap.chance95
        ('night', 0.5, True)
    """
    names, codes = np.unique(groups, return_inverse=True)
    sizes = np.bincount(codes, minlength=len(names))
    eligible = sizes >= MIN_JUDGED
    if eligible.sum() < 2:
        return None
    kept = eligible[codes]
    names = names[eligible]
    codes = (np.cumsum(eligible) - 1)[codes[kept]]
    events = events[kept]
    sizes = np.bincount(codes)
    shares = np.bincount(codes, weights=events) / sizes
    rng = np.random.default_rng(seed)
    null = spread_of(permuted_shares(sizes, int(events.sum()), n_permutations, rng))
    resampled = spread_of(rng.binomial(sizes, shares, (n_permutations, len(sizes))) / sizes)
    low, high = np.percentile(resampled, (2.5, 97.5))
    highest, lowest = int(shares.argmax()), int(shares.argmin())
    difference = float(shares[highest] - shares[lowest])
    return Gap(
        highest=str(names[highest]),
        lowest=str(names[lowest]),
        n_groups=len(names),
        difference=difference,
        low=float(low),
        high=float(high),
        ratio=float(shares[lowest] / shares[highest]) if shares[highest] else None,
        chance95=float(np.percentile(null, 95)),
        p_value=permutation_p(difference, null),
        **({} if strata is None else _same_mix(events, codes, strata[kept], n_permutations, rng)),
    )


def permuted_shares(
    sizes: NDArray[np.int64], n_events: int, n_permutations: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Shares (n_permutations, groups) after shuffling the group labels.

    Shuffling labels over yes/no events deals `n_events` of them out without replacement, which
    is the multivariate hypergeometric distribution: exact, and far faster than shuffling.
    """
    dealt = rng.multivariate_hypergeometric(sizes, n_events, n_permutations)
    return np.asarray(dealt / sizes)


def spread_of(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Highest less lowest share along the last axis; groups that are NaN do not count."""
    return np.asarray(np.nanmax(shares, axis=-1) - np.nanmin(shares, axis=-1))


def permutation_p(difference: float, null: NDArray[np.float64]) -> float:
    """Share of draws beyond `difference`, ties by half, the observed one counted in.

    Counting it in keeps p above 0 (Phipson and Smyth 2010). Shares of small groups take few
    values, so ties are common; counted in full they would make the test miss gaps far more often
    than its level asks for (mid-p, Lancaster 1961). No gap at all has p = 1.
    """
    if difference <= 1e-12:
        return 1.0
    beyond = (null > difference + 1e-12).sum()
    ties = (null >= difference - 1e-12).sum() - beyond
    return float((1 + beyond + 0.5 * ties) / (1 + len(null)))


def _same_mix(
    events: Events,
    codes: NDArray[np.int64],
    strata: NDArray[np.int64],
    n_permutations: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """The gap of shares standardised to the mix of strata over all groups.

    Strata that a group lacks are left out for all, since nothing can be said of them there.
    """
    n_groups = int(codes.max()) + 1
    parts: list[tuple[float, NDArray[np.float64], NDArray[np.float64]]] = []
    for stratum in np.unique(strata):
        inside = strata == stratum
        sizes = np.bincount(codes[inside], minlength=n_groups)
        if (sizes == 0).any():
            continue
        observed = np.bincount(codes[inside], weights=events[inside], minlength=n_groups) / sizes
        null = permuted_shares(sizes, int(events[inside].sum()), n_permutations, rng)
        parts.append((float(inside.sum()), observed, null))
    if not parts:
        return {}
    total = sum(weight for weight, _, _ in parts)
    observed = np.sum([weight / total * shares for weight, shares, _ in parts], axis=0)
    null = spread_of(np.sum([weight / total * draws for weight, _, draws in parts], axis=0))
    difference = float(spread_of(observed))
    return {
        "same_mix": difference,
        "same_mix_chance95": float(np.percentile(null, 95)),
        "same_mix_p_value": permutation_p(difference, null),
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction (1979) of a family of p values, in their order.

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected


class Sensitivity(BaseModel, frozen=True):
    """The gap if a share of predicted group labels is wrong.

    Attributes:
        error_share: share of labels redrawn, the annotator's measured error.
        low, middle, high: 5th, 50th and 95th percentile of the gap over `n_draws`.

    Examples:
        >>> right = np.r_[np.ones(100, bool), np.arange(100) < 50]  # a gap of 0.5
        >>> groups = np.repeat(["day", "night"], 100)
        >>> found: Sensitivity | None = label_sensitivity(right, groups, error_share=0.2)
        >>> round(found.middle, 1)  # is all that is seen of it
        0.3
    """

    error_share: float
    low: float
    middle: float
    high: float
    n_draws: int


def label_sensitivity(events: Events, groups: Groups, error_share: float) -> Sensitivity | None:
    """Redraw `error_share` of the group labels from the other groups and measure the gap again.

    Wrong labels mix the groups, which hides gaps: the true gap is rather larger than the one
    seen, and this band shows how fast it shrinks. None where fewer than two groups are judged.
    """
    rng = np.random.default_rng(0)
    names, codes = np.unique(groups, return_inverse=True)
    sizes = np.bincount(codes, minlength=len(names))
    gaps = []
    for _ in range(_N_REDRAWN):
        wrong = rng.random(len(codes)) < error_share
        redrawn = codes.copy()
        for code in range(len(names)):
            others = np.where(np.arange(len(names)) == code, 0, sizes).astype(float)
            hit = wrong & (codes == code)
            if others.sum() and hit.any():
                redrawn[hit] = rng.choice(len(names), int(hit.sum()), p=others / others.sum())
        n = np.bincount(redrawn, minlength=len(names))
        judged = n >= MIN_JUDGED
        if judged.sum() < 2:
            continue
        shares = np.bincount(redrawn, weights=events, minlength=len(names))[judged] / n[judged]
        gaps.append(float(np.ptp(shares)))
    if not gaps:
        return None
    low, middle, high = np.percentile(gaps, (5, 50, 95)).tolist()
    return Sensitivity(
        error_share=error_share, low=low, middle=middle, high=high, n_draws=len(gaps)
    )
