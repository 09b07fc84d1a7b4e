"""Shares, gaps, chance and corrections; each recomputed another way."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association as scipy_association
from sklearn.metrics import f1_score

from core.emotions import EMOTIONS
from core.measures.curves import Predictions
from core.measures.groups.breakdown import (
    Attribute,
    AttributeReport,
    expression_breakdown,
    expression_questions,
    further_figures,
    intersect,
)
from core.measures.groups.gaps import (
    gap_between,
    holm,
    label_sensitivity,
    permuted_shares,
    shares_by_group,
)
from core.measures.groups.mixing import association, cramers_v, evenness, npmi
from tests.core.measures.test_curves import made_up


def planted(rng: np.random.Generator, accuracies: list[float], n: int = 300) -> tuple:
    events = np.concatenate([rng.random(n) < accuracy for accuracy in accuracies])
    return events, np.repeat([f"g{i}" for i in range(len(accuracies))], n)


def test_shares_are_the_means_of_masks() -> None:
    rng = np.random.default_rng(0)
    events, groups = rng.random(500) < 0.4, rng.choice(["a", "b", "c"], 500)
    for row in shares_by_group(events, groups):
        assert row.n == (groups == row.group).sum()
        assert row.share == pytest.approx(events[groups == row.group].mean())
        assert row.low is not None
        assert row.high is not None
        assert row.low < row.share < row.high


@pytest.mark.parametrize(
    ("n", "status"), [(9, "hidden"), (10, "small"), (29, "small"), (30, "judged")]
)
def test_small_groups_are_greyed_or_hidden_but_counted(n: int, status: str) -> None:
    groups = np.array(["big"] * 50 + ["little"] * n)
    little = shares_by_group(np.ones(50 + n, bool), groups)[1]
    assert (little.n, little.status) == (n, status)
    assert (little.share is None) == (status == "hidden")


def test_no_images_no_groups() -> None:
    assert shares_by_group(np.empty(0, bool), np.empty(0, str)) == []


def test_small_groups_never_make_the_worst_group() -> None:
    groups = np.array(["a"] * 100 + ["b"] * 100 + ["tiny"] * 29)
    events = np.r_[np.ones(90), np.zeros(10), np.ones(80), np.zeros(20), np.zeros(29)] > 0
    gap = gap_between(events, groups)
    assert gap is not None
    assert (gap.highest, gap.lowest, gap.n_groups) == ("a", "b", 2)
    assert gap.difference == pytest.approx(0.10)
    assert gap.ratio == pytest.approx(8 / 9)
    assert gap.low < 0.10 < gap.high


def test_one_group_has_no_gap() -> None:
    assert gap_between(np.ones(100, bool), np.repeat("a", 100)) is None


def test_the_null_is_what_shuffling_gives() -> None:
    rng = np.random.default_rng(3)
    sizes = np.array([40, 60, 100])
    events = np.zeros(200, bool)
    events[:70] = True
    dealt = permuted_shares(sizes, 70, 4000, rng)
    codes = np.repeat(np.arange(3), sizes)
    shuffled = []
    for _ in range(4000):
        mixed = rng.permutation(events)
        shuffled.append(np.bincount(codes, weights=mixed) / sizes)
    by_hand = np.ptp(np.array(shuffled), axis=1)
    ours = np.ptp(dealt, axis=1)
    assert np.allclose(dealt @ sizes, 70)
    for percentile in (50, 90, 95):
        a, b = np.percentile(ours, percentile), np.percentile(by_hand, percentile)
        assert a == pytest.approx(b, abs=0.015)


def test_chance95_matches_published_arithmetic_for_four_groups_of_300() -> None:
    """EVALUATION B3: with equal accuracy of 70 %, the 95th percentile is 9.7 points."""
    rng = np.random.default_rng(0)
    null = np.ptp(permuted_shares(np.full(4, 300), 840, 20_000, rng), axis=1)
    assert np.percentile(null, 95) == pytest.approx(0.097, abs=0.004)


def test_bias_is_only_said_above_chance_and_after_correction() -> None:
    rng = np.random.default_rng(0)
    gap = gap_between(*planted(rng, [0.9, 0.5]))
    assert gap is not None
    assert not gap.beyond_chance  # not corrected yet
    assert gap.model_copy(update={"p_holm": 0.001}).beyond_chance
    assert not gap.model_copy(update={"p_holm": 0.2}).beyond_chance


def test_a_gap_that_the_mix_of_expressions_makes_vanishes_at_the_same_mix() -> None:
    """Both groups judge class 3 at 90 % and class 2 at 50 %, but have other shares of them."""
    strata = np.array([3] * 900 + [2] * 100 + [3] * 100 + [2] * 900)
    groups = np.repeat(["smiling", "afraid"], 1000)
    events = np.zeros(2000, bool)
    for group in ("smiling", "afraid"):
        for stratum, accuracy in ((3, 0.9), (2, 0.5)):
            rows = np.flatnonzero((groups == group) & (strata == stratum))
            events[rows[: round(accuracy * len(rows))]] = True
    gap = gap_between(events, groups, strata=strata)
    assert gap is not None
    assert gap.difference == pytest.approx(0.86 - 0.54)
    assert gap.same_mix == pytest.approx(0, abs=1e-9)
    assert gap.same_mix_p_value == 1


def test_same_mix_is_direct_standardisation() -> None:
    rng = np.random.default_rng(5)
    groups, strata = rng.choice(["a", "b"], 800), rng.integers(0, 3, 800)
    events = rng.random(800) < np.where(groups == "a", 0.8, 0.6)
    gap = gap_between(events, groups, strata=strata)
    frame = pd.DataFrame({"g": groups, "s": strata, "e": events})
    weights = frame["s"].value_counts(normalize=True)
    rates = frame.groupby(["g", "s"])["e"].mean().unstack()
    standard = (rates * weights).sum(axis=1)
    assert gap is not None
    assert gap.same_mix == pytest.approx(standard["a"] - standard["b"])


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(deadline=None)
def test_holm_is_what_stepping_down_by_hand_gives(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for index, p_value in enumerate(p_values):
        # Definition: the largest (m - rank) * p over all that are not larger.
        order = sorted(p_values)
        upto = order.index(p_value) if order.count(p_value) == 1 else None
        assert p_value <= corrected[index] <= 1
        if upto is not None:
            m = len(order)
            by_hand = max(min(1.0, (m - k) * order[k]) for k in range(upto + 1))
            assert corrected[index] == pytest.approx(by_hand)


def test_wrong_labels_shrink_a_gap() -> None:
    events, groups = planted(np.random.default_rng(0), [0.9, 0.6], n=1000)
    gap = gap_between(events, groups)
    right, flipped = (label_sensitivity(events, groups, share) for share in (0.0, 0.2))
    assert gap is not None
    assert right is not None
    assert flipped is not None
    assert right.low == right.high == pytest.approx(gap.difference)
    # Flipping a fifth of two equal groups leaves 1 - 2 * 0.2 of the gap.
    assert flipped.middle == pytest.approx(0.6 * gap.difference, abs=0.03)
    assert flipped.low < flipped.middle < flipped.high


def test_label_sensitivity_of_one_group_is_none() -> None:
    assert label_sensitivity(np.ones(50, bool), np.repeat("a", 50), 0.1) is None


def breakdown(groups: NDArray[np.str_], predictions: Predictions) -> AttributeReport:
    single, pairs = expression_breakdown(predictions, [Attribute("side", groups, "declared")], 0.5)
    assert pairs == []
    return single[0]


def test_outcomes_of_a_breakdown_are_masks_and_means() -> None:
    p = made_up(900)
    groups = np.random.default_rng(1).choice(["left", "right"], len(p))
    report = breakdown(groups, p)
    by_key = {outcome.key: outcome for outcome in report.outcomes}
    assert len(by_key) == 2 + 2 * len(EMOTIONS)
    for row in by_key["accuracy"].groups:
        assert row.share == pytest.approx(p.right[groups == row.group].mean())
    for row in by_key["hit_sad"].groups:
        inside = (groups == row.group) & (p.labels == 4)
        assert row.n == inside.sum()
        assert row.share == pytest.approx((p.predicted[inside] == 4).mean())
    for row in by_key["false_sad"].groups:
        inside = (groups == row.group) & (p.labels != 4)
        assert row.share == pytest.approx((p.predicted[inside] == 4).mean())
    for row in by_key["uncertain"].groups:
        assert row.share == pytest.approx((p.confidence[groups == row.group] < 0.5).mean())
    assert all(o.gap is None or o.gap.p_holm is not None for o in report.outcomes)


def test_further_figures_are_scikit_learns_on_masks() -> None:
    p = made_up(900)
    groups = np.array(["a"] * 600 + ["b"] * 295 + ["few"] * 5)
    rows = {row["group"]: row for row in further_figures(p, groups, 0.5)}
    inside = groups == "b"
    expected = f1_score(p.labels[inside], p.predicted[inside], average="macro")
    assert rows["b"]["macro_f1"] == pytest.approx(expected)
    assert rows["b"]["n"] == 295
    assert rows["few"] == {
        "group": "few", "n": 5, "balanced_accuracy": None, "macro_f1": None,
        "calibration_error": None, "uncertain": None,
    }  # fmt: skip


def test_images_without_a_value_are_left_out_and_counted() -> None:
    p = made_up(300)
    groups = np.array(["a"] * 100 + ["b"] * 150 + [""] * 50)
    report = breakdown(groups, p)
    assert report.n_without == 50
    assert [row.group for row in report.outcomes[0].groups] == ["a", "b"]
    assert report.outcomes[0].overall == pytest.approx(p.right[:250].mean())


def test_a_class_that_never_occurs_has_no_share() -> None:
    p = made_up(300)
    p = p.keep(p.labels == 3)
    report = breakdown(np.array(["a", "b"] * 200)[: len(p)], p)
    by_key = {outcome.key: outcome for outcome in report.outcomes}
    assert by_key["hit_sad"].overall is None
    assert by_key["hit_sad"].groups == []


def test_intersections_pair_every_two_attributes() -> None:
    sides = Attribute("side", np.array(["l", "r", "", "l"]), "declared")
    ages = Attribute("age", np.array(["old", "young", "old", ""]), "predicted")
    (pair,) = intersect([sides, ages])
    assert pair.name == "side × age"
    assert pair.groups.tolist() == ["l, old", "r, young", "", ""]
    assert pair.source == "predicted"  # the less certain source is the one that is named


def test_questions_hold_every_expression_twice() -> None:
    keys = [question.key for question in expression_questions(made_up(20), 0.5)]
    assert len(keys) == len(set(keys)) == 16


def test_association_measures_are_scipys_and_the_formulas() -> None:
    rng = np.random.default_rng(2)
    groups, labels = rng.choice(["a", "b", "c"], 600), rng.choice(["x", "y"], 600)
    labels[groups == "a"] = rng.choice(["x", "y"], (groups == "a").sum(), p=[0.8, 0.2])
    found = association(groups, labels)
    table = pd.crosstab(groups, labels).to_numpy()
    assert found.cramers_v == pytest.approx(scipy_association(table, method="cramer"))
    joint, pa, px = 0.0, (groups == "a").mean(), (labels == "x").mean()
    joint = ((groups == "a") & (labels == "x")).mean()
    assert found.npmi["a"]["x"] == pytest.approx(math.log(joint / (pa * px)) / -math.log(joint))
    assert found.counts["a"]["x"] == ((groups == "a") & (labels == "x")).sum()
    shares = np.unique(groups, return_counts=True)[1] / 600
    assert found.effective_groups == pytest.approx(np.prod(shares**-shares))
    assert chi2_contingency(table).pvalue < 0.05


def test_association_extremes() -> None:
    tied = np.array([[50.0, 0.0], [0.0, 50.0]])
    free = np.array([[25.0, 25.0], [25.0, 25.0]])
    assert cramers_v(tied) == pytest.approx(1)
    assert cramers_v(free) == pytest.approx(0)
    assert cramers_v(np.array([[10.0, 20.0]])) == 0
    assert npmi(tied).tolist() == [[1, -1], [-1, 1]]
    assert npmi(free) == pytest.approx(np.zeros((2, 2)))
    assert npmi(np.array([[7.0]])).tolist() == [[1]]
    assert evenness(np.array([5.0, 5.0])) == pytest.approx(1)
    assert evenness(np.array([5.0])) == 1
    with pytest.raises(ValueError, match="at least one image"):
        association(np.empty(0, str), np.empty(0, str))
