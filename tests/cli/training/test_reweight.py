"""Weights by group and expression, and the refit that uses them."""

import numpy as np
import pytest

from tests.core.measures.test_curves import made_up
from training.studies.bias.reweight import (
    WEIGHTINGS,
    cell_weights,
    choose_weighting,
    log_probabilities,
    refit,
)

RNG = np.random.default_rng(0)
GROUPS = RNG.integers(0, 2, 600)
LABELS = np.where(RNG.random(600) < 0.3 + 0.4 * GROUPS, 1, 0)  # the second group has more of 1


def test_reweighing_makes_groups_independent_of_expressions() -> None:
    weights = cell_weights(GROUPS, LABELS, WEIGHTINGS[1])
    assert weights.mean() == pytest.approx(1)
    shares = [
        weights[(g == GROUPS) & (LABELS == 1)].sum() / weights[g == GROUPS].sum() for g in (0, 1)
    ]
    assert shares[0] == pytest.approx(shares[1]) == pytest.approx(LABELS.mean())


def test_all_cells_alike_gives_each_cell_the_same_sum() -> None:
    weights = cell_weights(GROUPS, LABELS, WEIGHTINGS[2])
    sums = [weights[(g == GROUPS) & (c == LABELS)].sum() for g in (0, 1) for c in (0, 1)]
    assert sums == pytest.approx([150] * 4)


def test_no_weighting_is_ones_and_others_are_refused() -> None:
    assert cell_weights(GROUPS, LABELS, WEIGHTINGS[0]).tolist() == [1] * 600
    with pytest.raises(ValueError, match="is not one of"):
        cell_weights(GROUPS, LABELS, "heavy")


def test_weights_are_as_good_as_so_many_copies() -> None:
    """A weight of two does what the image twice does."""
    p = made_up(210)
    twice = np.where(np.arange(210) < 60, 2.0, 1.0)
    rows = np.r_[np.arange(210), np.arange(60)]
    weighted = refit(p.probabilities, p.labels, twice)
    copied = refit(p.probabilities[rows], p.labels[rows], np.ones(270))
    seen = log_probabilities(p.probabilities)
    assert weighted.predict_proba(seen) == pytest.approx(copied.predict_proba(seen), abs=0.02)


def test_the_choice_is_one_of_the_weightings() -> None:
    p = made_up(400)
    groups = np.random.default_rng(1).integers(0, 2, 400)
    assert choose_weighting(p.probabilities, p.labels, groups) in WEIGHTINGS
