import numpy as np
import pytest
from numpy.typing import NDArray

from core.expression.classify import softmax
from training.expression.calibrate import calibrate, fit_temperature, fit_threshold

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def honest(n: int, seed: int = 0) -> tuple[Floats, Ints]:
    """Logits whose softmax is the true distribution of the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 7)).astype(np.float32)
    cumulated = softmax(logits).cumsum(axis=1)
    labels = (rng.random((n, 1)) > cumulated[:, :-1]).sum(axis=1)
    return logits, labels


def cross_entropy(logits: Floats, labels: Ints, temperature: float) -> float:
    probabilities = softmax(logits / np.float32(temperature))
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 5.0])
def test_a_planted_temperature_is_recovered(temperature: float) -> None:
    logits, labels = honest(20_000)
    fitted = fit_temperature(logits * np.float32(temperature), labels)
    assert fitted == pytest.approx(temperature, rel=0.04)


def test_no_other_temperature_is_better() -> None:
    logits, labels = honest(2000, seed=1)
    logits = logits * np.float32(2.3)
    fitted = fit_temperature(logits, labels)
    best = cross_entropy(logits, labels, fitted)
    for factor in (0.8, 0.95, 1.05, 1.25):
        assert cross_entropy(logits, labels, fitted * factor) > best


def test_huge_logits_do_not_overflow() -> None:
    logits, labels = honest(500)
    assert np.isfinite(fit_temperature(logits * np.float32(1e4), labels))


def recount(probabilities: Floats, labels: Ints, threshold: float) -> tuple[float, float]:
    """Accuracy and share of the faces that the app would not call uncertain."""
    sure = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    return (float(right[sure].mean()) if sure.any() else float("nan")), float(sure.mean())


@pytest.mark.parametrize("target", [0.5, 0.7, 0.85, 0.95])
@pytest.mark.parametrize("seed", range(6))
def test_at_the_threshold_the_target_is_reached_by_recount(target: float, seed: int) -> None:
    logits, labels = honest(800, seed)
    probabilities = softmax(logits)
    threshold, coverage = fit_threshold(probabilities, labels, target)
    accuracy, share = recount(probabilities, labels, threshold)
    assert accuracy >= target
    assert share == pytest.approx(coverage)
    assert threshold == round(threshold, 4)


@pytest.mark.parametrize("seed", range(3))
def test_no_smaller_threshold_reaches_the_target(seed: int) -> None:
    logits, labels = honest(400, seed)
    probabilities = softmax(logits)
    threshold, coverage = fit_threshold(probabilities, labels, 0.8)
    right = probabilities.argmax(axis=1) == labels
    confidence = probabilities.max(axis=1)
    for low in np.unique(confidence[confidence < threshold]):
        assert (confidence >= low).mean() > coverage
        assert right[confidence >= low].mean() < 0.8


def rows(*pairs: tuple[float, bool]) -> tuple[Floats, Ints]:
    """Faces of the given top probability, judged right or wrong."""
    probabilities = np.array(
        [[top, *[(1 - top) / 6] * 6] for top, _ in pairs], np.float32
    ).reshape(-1, 7)
    return probabilities, np.array([0 if right else 1 for _, right in pairs], np.int64)


def test_by_hand() -> None:
    """At 0.6 three of four are right; at 0.5 three of five; at 0.4 four of six."""
    faces = rows((0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.5, False), (0.4, True))
    threshold, coverage = fit_threshold(*faces, 0.75)
    assert (threshold, coverage) == (pytest.approx(0.6, abs=1e-4), pytest.approx(4 / 6))


def test_faces_of_one_confidence_are_taken_or_left_together() -> None:
    """The first of ten is right, the others wrong: none of them is above a threshold alone."""
    same = [(0.5, True)] + [(0.5, False)] * 9
    assert fit_threshold(*rows(*same), 0.85) == (1, 0)
    threshold, coverage = fit_threshold(*rows((0.9, True), (0.8, True), *same), 0.85)
    assert threshold == pytest.approx(0.8, abs=1e-4)
    assert coverage == pytest.approx(2 / 12)


def test_a_target_out_of_reach_leaves_all_faces_uncertain() -> None:
    assert fit_threshold(*rows((0.9, False), (0.5, True)), 0.9) == (1, 0)


def test_where_all_is_right_nothing_is_uncertain() -> None:
    faces = rows((0.9, True), (0.3, True))
    threshold, coverage = fit_threshold(*faces, 0.9)
    assert coverage == 1
    assert recount(*faces, threshold) == (1, 1)


def test_calibrating_gives_both_for_the_calibrated_probabilities() -> None:
    logits, labels = honest(5000, seed=2)
    logits = logits * np.float32(2)
    calibration = calibrate(logits, labels, target_accuracy=0.8)
    assert calibration.temperature == pytest.approx(2, rel=0.06)
    assert calibration.target_accuracy == 0.8
    probabilities = softmax(logits / np.float32(calibration.temperature))
    accuracy, share = recount(probabilities, labels, calibration.uncertain_threshold)
    assert accuracy >= 0.8
    assert share == pytest.approx(calibration.coverage, abs=1e-4)
