"""How often a planted gap is found, and how often chance raises an alarm, over many seeds."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from core.measures.groups.breakdown import (
    CROSSED,
    PRIMARY,
    Attribute,
    AttributeReport,
    Outcome,
    corrected,
    intersect,
)
from core.measures.groups.gaps import ALPHA, gap_between, holm, permutation_p

N_SEEDS = 500


def planted(rng: np.random.Generator, accuracies: list[float], n: int = 300) -> tuple:
    events = np.concatenate([rng.random(n) < accuracy for accuracy in accuracies])
    return events, np.repeat([f"g{i}" for i in range(len(accuracies))], n)


def reported(
    attribute: Attribute, family: str, events: NDArray[np.bool_], n_permutations: int, seed: int
) -> AttributeReport:
    gap = gap_between(events, attribute.groups, n_permutations=n_permutations, seed=seed)
    outcome = Outcome(
        key="accuracy", title="judged right", family=family, better="high", n=len(events),
        overall=None, groups=[], gap=gap,
    )  # fmt: skip
    return AttributeReport(
        name=attribute.name, source="declared", note="", outcomes=[outcome], further=[]
    )


def found_in(
    events: NDArray[np.bool_], columns: list[NDArray[np.str_]], seed: int, *, n_permutations: int
) -> list[bool]:
    """Whether each attribute, then each intersection, would be called beyond chance."""
    attributes = [Attribute(str(i), groups, "declared") for i, groups in enumerate(columns)]
    reports = [reported(one, PRIMARY, events, n_permutations, seed) for one in attributes]
    reports += [reported(pair, CROSSED, events, 200, seed) for pair in intersect(attributes)]
    gaps = [report.outcomes[0].gap for report in corrected(reports)]
    return [gap is not None and gap.beyond_chance for gap in gaps]


@pytest.mark.parametrize(
    ("better", "n_others"), [(0.70, 0), (0.70, 1), (0.70, 3), (0.75, 3), (0.85, 3)]
)
def test_a_planted_gap_of_15_points_is_found_in_at_least_90_percent_of_seeds(
    better: float, n_others: int
) -> None:
    """Also where Holm makes room for further attributes, none of which has a gap."""
    found = 0
    for seed in range(N_SEEDS):
        rng = np.random.default_rng(seed)
        events, groups = planted(rng, [better, better - 0.15])
        columns = [groups, *(rng.permutation(groups) for _ in range(n_others))]
        found += found_in(events, columns, seed, n_permutations=2000)[0]
    assert found / N_SEEDS >= 0.90


@pytest.mark.parametrize("n_attributes", [1, 4])
def test_shuffled_labels_raise_an_alarm_in_at_most_7_percent_of_seeds(n_attributes: int) -> None:
    """Any alarm counts, of attributes and of intersections."""
    alarms = 0
    for seed in range(N_SEEDS):
        rng = np.random.default_rng(10_000 + seed)
        events, groups = planted(rng, [0.70, 0.70])
        columns = [rng.permutation(groups) for _ in range(n_attributes)]
        alarms += any(found_in(events, columns, seed, n_permutations=500))
    assert alarms / N_SEEDS <= 0.07


def test_attributes_are_corrected_alone_and_intersections_with_them() -> None:
    rng = np.random.default_rng(1)
    events, groups = planted(rng, [0.70, 0.60])
    attributes = [Attribute(str(i), rng.permutation(groups), "declared") for i in range(3)]
    reports = [reported(one, PRIMARY, events, 500, 0) for one in attributes]
    pairs = [reported(pair, CROSSED, events, 500, 0) for pair in intersect(attributes)]
    raw = [r.outcomes[0].gap.p_value for r in [*reports, *pairs] if r.outcomes[0].gap]
    found = [r.outcomes[0].gap for r in corrected([*reports, *pairs])]
    expected = [*holm(raw[:3]), *holm([*raw[3:], *raw[:3]])[:3]]
    assert [gap.p_holm for gap in found if gap] == expected


def test_ties_count_by_half() -> None:
    """Of 9 draws two are larger and four equal: (1 + 2 + 4 / 2) / 10."""
    null = np.array([0.0, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.3, 0.4])
    assert permutation_p(0.2, null) == pytest.approx(0.5)
    assert permutation_p(0.9, null) == pytest.approx(0.1)
    assert permutation_p(0.1, null) == pytest.approx((1 + 6 + 2 / 2) / 10)
    assert permutation_p(0.0, null) == 1


def test_the_level_is_kept_exactly_for_two_groups() -> None:
    """Under the null the mid-p of two groups of 30 is under 5 % with at most that chance.

    All outcomes of two binomials are summed up, so that no seed can hide a liberal test.
    """
    from scipy.stats import binom, hypergeom

    n = 30
    for share in (0.5, 0.7, 0.9):
        weights = binom.pmf(np.arange(n + 1), n, share)
        chance = 0.0
        for first, second in itertools.product(range(n + 1), repeat=2):
            x = np.arange(max(0, first + second - n), min(n, first + second) + 1)
            dealt = hypergeom.pmf(x, 2 * n, first + second, n)
            distance = np.abs(2 * x - first - second)
            seen = abs(first - second)
            p = dealt[distance > seen].sum() + 0.5 * dealt[distance == seen].sum()
            chance += weights[first] * weights[second] * (p < ALPHA)
        assert chance <= 0.056, share
