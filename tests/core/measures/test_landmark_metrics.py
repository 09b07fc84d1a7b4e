import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.landmarks.mirror import mirror_index
from core.landmarks.schemes import IBUG, IBUG_REGIONS
from core.measures.landmarks import (
    NORMALISER,
    auc_of,
    bootstrap_mean_ci95,
    failure_rate,
    landmark_errors,
    nme,
    normaliser_length,
    point_errors,
)

Points = NDArray[np.float64]


def a_face(seed: int = 0) -> Points:
    points = np.random.default_rng(seed).uniform(0, 100, (68, 2))
    points[36], points[45] = (20, 40), (80, 40)
    return points


FACES = arrays(np.float64, (68, 2), elements=st.floats(-200, 200)).map(
    lambda noise: a_face() + 0.1 * noise
)


@given(FACES)
def test_identical_points_have_no_error(points: Points) -> None:
    assert nme(points, points) == 0


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_a_shift_by_d_is_d_over_the_normaliser(dx: float, dy: float) -> None:
    true = a_face()
    assert nme(true + np.array([dx, dy]), true) == pytest.approx(
        math.hypot(dx, dy) / 60, abs=1e-12
    )


@settings(max_examples=60)
@given(
    found=FACES,
    scale=st.floats(0.01, 100),
    turn=st.floats(-math.pi, math.pi),
    shift=st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)),
)
def test_scale_turn_and_shift_change_nothing(
    found: Points, scale: float, turn: float, shift: tuple[float, float]
) -> None:
    matrix = scale * np.array(
        [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    )
    true = a_face(1)
    moved = nme(found @ matrix.T + shift, true @ matrix.T + shift)
    assert moved == pytest.approx(nme(found, true), rel=1e-6, abs=1e-9)


@given(FACES)
def test_a_mirror_image_with_exchanged_points_changes_nothing(found: Points) -> None:
    true, index = a_face(2), mirror_index(IBUG)
    flipped = nme((found * (-1, 1))[index], (true * (-1, 1))[index])
    assert flipped == pytest.approx(nme(found, true), rel=1e-9)


def test_a_mirror_image_without_exchanged_points_does_change_it() -> None:
    """Otherwise the property above would hold for any index."""
    true = a_face(2)
    assert nme(true[mirror_index(IBUG)], true) > 0.1


def test_the_normaliser_is_the_distance_of_the_outer_corners() -> None:
    assert normaliser_length(a_face()) == 60
    assert "36 and 45" in NORMALISER


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((68, 2)), "outer eye corners fall on one point"),
        (np.zeros((5, 2)), r"must have shape \(68, 2\), got \(5, 2\)"),
    ],
)
def test_a_face_without_a_normaliser_is_refused(points: Points, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        normaliser_length(points)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected points of shape \(68, 2\), got \(5, 2\)"):
        point_errors(np.zeros((5, 2)), a_face())


@settings(max_examples=50)
@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=30))
def test_the_area_is_the_integral_of_the_curve(errors: list[float]) -> None:
    values = np.array(errors)
    grid = (np.arange(20_000) + 0.5) / 20_000 * 0.08
    curve = (values[None] <= grid[:, None]).mean(axis=1)
    assert auc_of(values) == pytest.approx(curve.mean(), abs=2e-4)


def test_missed_faces_count_as_failures_and_are_left_out_of_means() -> None:
    true = [a_face(), a_face(), a_face(), a_face()]
    found = [true[0], true[1] + (3, 0), None, true[3] + (6, 0)]
    result = landmark_errors(found, true)
    assert (result.n, result.n_missed) == (4, 1)
    assert result.mean == pytest.approx((0 + 0.05 + 0.1) / 3)
    assert result.median == pytest.approx(0.05)
    assert result.failure_rate == 0.5  # one missed, one above 8 %
    assert result.auc == pytest.approx((1 + (0.08 - 0.05) / 0.08 + 0 + 0) / 4)
    assert result.normaliser == NORMALISER
    assert result.mean_ci95[0] <= result.mean <= result.mean_ci95[1]
    assert result.failure_rate_ci95[0] < 0.5 < result.failure_rate_ci95[1]


def test_regions_are_averaged_by_themselves() -> None:
    true = a_face()
    found = true.copy()
    found[list(IBUG_REGIONS["jaw"])] += (0, 6)
    result = landmark_errors([found], [true])
    assert result.by_region["jaw"] == pytest.approx(0.1)
    assert all(result.by_region[name] == 0 for name in IBUG_REGIONS if name != "jaw")


@pytest.mark.parametrize("found", [[], [None]])
def test_nothing_found_has_no_mean(found: list[None]) -> None:
    result = landmark_errors(found, [a_face()] * len(found))
    assert result.n_missed == len(found)
    assert math.isnan(result.mean)
    assert all(math.isnan(value) for value in result.by_region.values())
    if found:
        assert (result.failure_rate, result.auc) == (1, 0)
    else:
        assert math.isnan(result.failure_rate)
        assert math.isnan(auc_of(np.empty(0)))
        assert math.isnan(failure_rate(np.empty(0)))


def test_other_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        landmark_errors([None, None], [a_face()])


def test_the_interval_of_a_mean_is_about_two_standard_errors() -> None:
    values = np.random.default_rng(0).normal(1, 0.5, 400)
    low, high = bootstrap_mean_ci95(values)
    assert low == pytest.approx(values.mean() - 1.96 * 0.5 / 20, abs=0.01)
    assert high == pytest.approx(values.mean() + 1.96 * 0.5 / 20, abs=0.01)
