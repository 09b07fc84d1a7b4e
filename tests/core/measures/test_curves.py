"""Every figure recomputed another way: scikit-learn on masks, loops, or arithmetic by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.metrics import (
    accuracy_score,
    auc,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from core.emotions import EMOTIONS
from core.errors import ModelError
from core.measures.accuracy import expected_calibration_error
from core.measures.curves import (
    Predictions,
    confusion_counts,
    coverage_accuracy,
    load_predictions,
    precision_recall_curves,
    reliability,
    roc_curves,
    summary_of,
    summary_with_intervals,
)
from core.measures.paired import mcnemar, pareto_front


def made_up(n: int = 900, seed: int = 0) -> Predictions:
    """A model that is right in about two thirds of the cases."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    logits = rng.normal(0, 1, (n, 7))
    logits[np.arange(n), labels] += 1.8
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(labels, probabilities.astype(np.float32), np.zeros(n, bool))


NOTHING = Predictions(np.empty(0, np.int64), np.empty((0, 7), np.float32), np.empty(0, bool))


def test_confusion_counts_are_what_a_loop_counts() -> None:
    predictions = made_up(60)
    expected = np.zeros((7, 7), int)
    for true, judged in zip(predictions.labels, predictions.predicted, strict=True):
        expected[true, judged] += 1
    assert (
        confusion_counts(predictions.labels, predictions.predicted).tolist() == expected.tolist()
    )


def test_summary_is_scikit_learns() -> None:
    p = made_up()
    value = summary_with_intervals(p.labels, p.predicted)["value"]
    arguments = (p.labels, p.predicted)
    assert value["accuracy"] == pytest.approx(accuracy_score(*arguments))
    assert value["macro_precision"] == pytest.approx(precision_score(*arguments, average="macro"))
    assert value["macro_recall"] == pytest.approx(recall_score(*arguments, average="macro"))
    assert value["balanced_accuracy"] == value["macro_recall"]
    assert value["macro_f1"] == pytest.approx(f1_score(*arguments, average="macro"))


def test_summary_counts_only_expressions_that_occur() -> None:
    labels, judged = np.array([3, 3, 4, 4]), np.array([3, 3, 3, 0])
    accuracy, balanced, precision, _, f1 = summary_of(confusion_counts(labels, judged))
    assert (accuracy, balanced) == (0.5, 0.5)
    assert precision == pytest.approx((2 / 3 + 0) / 2)
    assert f1 == pytest.approx((2 * 2 / 5 + 0) / 2)


def test_bootstrap_by_cells_agrees_with_a_bootstrap_by_images() -> None:
    p = made_up(400)
    quick = summary_with_intervals(p.labels, p.predicted, n_bootstrap=2000)
    rng = np.random.default_rng(1)
    slow = []
    for _ in range(1000):
        rows = rng.integers(0, len(p), len(p))
        slow.append(f1_score(p.labels[rows], p.predicted[rows], average="macro"))
    low, high = np.percentile(slow, (2.5, 97.5))
    assert quick.loc["macro_f1", "low"] == pytest.approx(low, abs=0.006)
    assert quick.loc["macro_f1", "high"] == pytest.approx(high, abs=0.006)


def test_intervals_are_the_same_every_time_and_hold_the_value() -> None:
    p = made_up()
    first = summary_with_intervals(p.labels, p.predicted)
    assert first.equals(summary_with_intervals(p.labels, p.predicted))
    assert (first["low"] < first["value"]).all()
    assert (first["value"] < first["high"]).all()


def test_roc_area_is_the_share_of_pairs_in_the_right_order() -> None:
    p = made_up(200)
    _, areas = roc_curves(p.labels, p.probabilities)
    for index, name in enumerate(EMOTIONS):
        score = p.probabilities[:, index]
        true, other = score[p.labels == index], score[p.labels != index]
        wins = (true[:, None] > other).mean() + 0.5 * (true[:, None] == other).mean()
        assert areas[name] == pytest.approx(wins)
        assert areas[name] == pytest.approx(roc_auc_score(p.labels == index, score))


def test_roc_curve_points_are_rates_at_their_thresholds() -> None:
    p = made_up(3000)
    curves, areas = roc_curves(p.labels, p.probabilities)
    part = curves[curves["expression"] == "fear"]
    assert len(part) <= 200
    for _, point in part.iloc[1::25].iterrows():
        called = p.probabilities[:, 2] >= point["threshold"] - 1e-9
        assert point["true_positive_rate"] == pytest.approx(called[p.labels == 2].mean())
        assert point["false_positive_rate"] == pytest.approx(called[p.labels != 2].mean())
    drawn = auc(part["false_positive_rate"], part["true_positive_rate"])
    assert drawn == pytest.approx(areas["fear"], abs=0.005)


def test_precision_recall_points_are_counts_at_their_thresholds() -> None:
    p = made_up()
    curves, averages = precision_recall_curves(p.labels, p.probabilities)
    part = curves[curves["expression"] == "sad"]
    for _, point in part.iloc[::20].iterrows():
        called = p.probabilities[:, 4] >= point["threshold"]
        assert point["precision"] == pytest.approx((p.labels[called] == 4).mean())
        assert point["recall"] == pytest.approx(called[p.labels == 4].mean())
    assert all(0 < value <= 1 for value in averages.values())


def test_an_expression_that_never_occurs_has_no_curve() -> None:
    p = made_up()
    without = p.keep(p.labels != 1)
    curves, areas = roc_curves(without.labels, without.probabilities)
    assert "disgust" not in set(curves["expression"])
    assert math.isnan(areas["disgust"])
    assert math.isnan(precision_recall_curves(without.labels, without.probabilities)[1]["disgust"])


def test_reliability_bins_give_back_the_calibration_error() -> None:
    p = made_up()
    bins = reliability(p.labels, p.probabilities)
    gap = (bins["n"] * (bins["accuracy"] - bins["confidence"]).abs()).sum() / bins["n"].sum()
    assert gap == pytest.approx(expected_calibration_error(p.labels, p.probabilities), abs=1e-6)
    assert bins["n"].sum() == len(p)
    one = bins.iloc[-1]
    inside = (p.confidence >= one["bin_low"]) & (p.confidence <= one["bin_high"])
    assert one["accuracy"] == pytest.approx(p.right[inside].mean())


def test_coverage_falls_and_says_how_right_the_rest_is() -> None:
    p = made_up()
    table = coverage_accuracy(p.labels, p.probabilities)
    assert table["coverage"].is_monotonic_decreasing
    assert table.iloc[0][["coverage", "accuracy"]].tolist() == [1, pytest.approx(p.right.mean())]
    row = table.iloc[60]
    assert row["accuracy"] == pytest.approx(p.right[p.confidence >= 0.6].mean())
    assert table.iloc[99]["n"] == (p.confidence >= 0.99).sum()


def test_a_threshold_that_nothing_reaches_has_no_accuracy() -> None:
    p = made_up(20)
    row = coverage_accuracy(p.labels, p.probabilities, np.array([1.1])).iloc[0]
    assert row["n"] == 0
    assert math.isnan(row["accuracy"])


def test_nothing_in_nothing_out() -> None:
    assert summary_with_intervals(NOTHING.labels, NOTHING.predicted).isna().all(axis=None)
    assert roc_curves(NOTHING.labels, NOTHING.probabilities)[0].empty
    assert precision_recall_curves(NOTHING.labels, NOTHING.probabilities)[0].empty
    assert reliability(NOTHING.labels, NOTHING.probabilities).empty
    assert coverage_accuracy(NOTHING.labels, NOTHING.probabilities)["n"].sum() == 0


def rights(*cells: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both, only the first, only the second, neither: so many each."""
    both, first, second, neither = cells
    a = np.repeat([True, True, False, False], [both, first, second, neither])
    b = np.repeat([True, False, True, False], [both, first, second, neither])
    return a, b


def test_mcnemar_counts_and_exact_p_value() -> None:
    result = mcnemar(*rights(50, 15, 5, 30))
    assert (result.both, result.only_first, result.only_second, result.neither) == (50, 15, 5, 30)
    # Two-sided binomial by hand: twice the tail of 5 or fewer of 20.
    assert result.p_value == pytest.approx(2 * binom.cdf(5, 20, 0.5))
    assert result.difference == pytest.approx(0.10)
    low, high = result.difference_ci95
    assert low < 0.10 < high
    assert low > 0  # agrees with p < 0.05


def test_mcnemar_is_mirrored_when_the_models_change_places() -> None:
    first, second = rights(50, 15, 5, 30)
    there, back = mcnemar(first, second), mcnemar(second, first)
    assert there.p_value == back.p_value
    assert there.difference == -back.difference


def test_mcnemar_of_equals_is_one_and_of_nothing_is_refused() -> None:
    same = np.array([True, False])
    assert mcnemar(same, same).p_value == 1
    with pytest.raises(ValueError, match="same images"):
        mcnemar(np.empty(0, bool), np.empty(0, bool))


def test_mcnemar_with_many_discordant_images_uses_edwards_correction() -> None:
    result = mcnemar(*rights(100, 800, 700, 100))
    statistic = (abs(800 - 700) - 1) ** 2 / 1500
    assert not result.exact
    # chi-squared with one degree of freedom is a squared normal: P = erfc(sqrt(x / 2)).
    assert result.p_value == pytest.approx(math.erfc(math.sqrt(statistic / 2)))


@pytest.mark.parametrize(
    ("accuracy", "cost", "expected"),
    [
        ([], [], []),
        ([0.5], [3], [True]),
        ([0.7, 0.6, 0.65], [10, 5, 12], [True, True, False]),
        ([0.7, 0.7], [10, 10], [True, True]),
        ([0.7, 0.7], [10, 9], [False, True]),
    ],
)
def test_pareto_front(accuracy: list[float], cost: list[float], expected: list[bool]) -> None:
    assert pareto_front(accuracy, cost) == expected


def test_stored_predictions_come_back(tmp_path: Path) -> None:
    p = made_up(30)
    np.savez_compressed(
        tmp_path / "predictions.npz",
        labels=p.labels.astype(np.uint8),
        probabilities=p.probabilities.astype(np.float16),
        near_duplicate=p.near_duplicate,
    )
    back = load_predictions(tmp_path)
    assert back is not None
    assert back.labels.tolist() == p.labels.tolist()
    assert np.allclose(back.probabilities, p.probabilities, atol=1e-3)
    assert np.allclose(back.probabilities.sum(axis=1), 1)


def test_missing_predictions_are_none_and_damaged_ones_an_error(tmp_path: Path) -> None:
    assert load_predictions(tmp_path) is None
    (tmp_path / "predictions.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(ModelError, match="damaged"):
        load_predictions(tmp_path)


def test_predictions_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="for 2 labels"):
        Predictions(np.zeros(2, np.int64), np.zeros((3, 7), np.float32), np.zeros(2, bool))
