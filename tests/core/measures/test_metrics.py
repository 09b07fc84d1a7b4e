import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

from core.emotions import EMOTIONS
from core.measures import accuracy
from core.measures.accuracy import (
    expected_calibration_error,
    measure,
    near_duplicates,
    wilson_interval,
)
from tests.helpers.pictures import encode, grey_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def random_predictions(n: int, seed: int, skill: float = 2.0) -> tuple[Ints, Floats]:
    """Labels of all classes, and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(7, n, p=[0.2, 0.03, 0.1, 0.3, 0.1, 0.07, 0.2])
    logits = rng.normal(0, 1, (n, 7)) + skill * np.eye(7)[labels]
    exponentials = np.exp(logits)
    return labels, (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


# --- Wilson's interval ------------------------------------------------------------------------


def test_of_nothing_there_is_no_interval() -> None:
    assert all(math.isnan(end) for end in wilson_interval(0, 0))


@pytest.mark.parametrize(
    ("n_right", "n"),
    [(0, 1), (1, 1), (0, 10), (10, 10), (5, 10), (70, 100), (2541, 3589), (1, 9999)],
)
def test_the_interval_is_that_of_scipy(n_right: int, n: int) -> None:
    expected = binomtest(n_right, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(n_right, n) == pytest.approx((expected.low, expected.high), abs=1e-7)


@pytest.mark.parametrize(("n_right", "n"), [(0, 1), (1, 1), (0, 10**6), (10**6, 10**6)])
def test_the_interval_holds_the_share_and_stays_within_0_and_1(n_right: int, n: int) -> None:
    low, high = wilson_interval(n_right, n)
    assert 0 <= low <= n_right / n + 1e-12
    assert n_right / n - 1e-12 <= high <= 1


# --- Calibration error ------------------------------------------------------------------------


def naive_ece(labels: Ints, probabilities: Floats) -> float:
    """One image after another, into fifteen lists."""
    bins: list[list[tuple[float, float]]] = [[] for _ in range(15)]
    for label, row in zip(labels.tolist(), probabilities.tolist(), strict=True):
        confidence = max(row)
        place = min(int(confidence * 15), 14)
        bins[place].append((confidence, float(row.index(confidence) == label)))
    error = 0.0
    for images in bins:
        if images:
            confidence = sum(c for c, _ in images) / len(images)
            accuracy = sum(r for _, r in images) / len(images)
            error += len(images) / len(labels) * abs(accuracy - confidence)
    return error


def test_of_nothing_there_is_no_calibration_error() -> None:
    empty = np.empty(0, np.int64)
    assert math.isnan(expected_calibration_error(empty, np.empty((0, 7), np.float32)))


@pytest.mark.parametrize("n", [1, 2, 50, 3000])
def test_the_calibration_error_is_that_of_a_plain_loop(n: int) -> None:
    labels, probabilities = random_predictions(n, seed=n)
    expected = naive_ece(labels, probabilities)
    assert expected_calibration_error(labels, probabilities) == pytest.approx(expected, abs=1e-5)


def test_certain_and_right_is_calibrated_and_certain_and_wrong_is_not() -> None:
    labels = np.array([0, 1, 2, 3])
    assert expected_calibration_error(labels, np.eye(7, dtype=np.float32)[labels]) == 0
    assert expected_calibration_error(labels, np.eye(7, dtype=np.float32)[labels + 1]) == 1


def test_errors_of_one_bin_that_cancel_are_no_error() -> None:
    """Ten faces at 0.7, seven of them right."""
    row = np.array([0.7, 0.3, 0, 0, 0, 0, 0], np.float32)
    labels = np.array([0] * 7 + [1] * 3)
    assert expected_calibration_error(labels, np.tile(row, (10, 1))) == pytest.approx(0, abs=1e-6)


# --- All figures ------------------------------------------------------------------------------


def test_of_no_faces_every_share_is_nan_and_every_count_zero() -> None:
    figures = measure(np.empty(0, np.int64), np.empty((0, 7), np.float32))
    assert figures.n == 0
    for share in (figures.accuracy, figures.balanced_accuracy, figures.macro_f1, figures.ece):
        assert math.isnan(share)
    assert all(math.isnan(end) for end in figures.accuracy_ci95)
    assert figures.confusion == [[0] * 7] * 7
    assert list(figures.per_class) == list(EMOTIONS)
    for scores in figures.per_class.values():
        assert scores.support == 0
        assert math.isnan(scores.precision)
        assert math.isnan(scores.recall)
        assert math.isnan(scores.f1)


@pytest.mark.parametrize("n", [40, 500])
def test_the_figures_are_those_of_masks_and_scikit_learn(n: int) -> None:
    labels, probabilities = random_predictions(n, seed=n)
    predicted = probabilities.argmax(axis=1)
    figures = measure(labels, probabilities)
    present = sorted(set(labels.tolist()))
    assert figures.n == n
    assert figures.accuracy == pytest.approx((labels == predicted).mean())
    expected = binomtest(int((labels == predicted).sum()), n).proportion_ci(0.95, "wilson")
    assert figures.accuracy_ci95 == pytest.approx((expected.low, expected.high), abs=1e-7)
    recalls = [(predicted[labels == i] == i).mean() for i in present]
    assert figures.balanced_accuracy == pytest.approx(np.mean(recalls))
    f1s = f1_score(labels, predicted, labels=present, average=None, zero_division=0)
    assert figures.macro_f1 == pytest.approx(np.mean(f1s))
    for i in range(7):
        for j in range(7):
            assert figures.confusion[i][j] == ((labels == i) & (predicted == j)).sum()


def test_the_scores_of_a_class_are_those_of_one_class_against_the_rest() -> None:
    labels, probabilities = random_predictions(600, seed=9)
    predicted = probabilities.argmax(axis=1)
    for index, emotion in enumerate(EMOTIONS):
        scores = measure(labels, probabilities).per_class[emotion]
        truth, guess = labels == index, predicted == index
        assert scores.support == truth.sum()
        assert scores.precision == pytest.approx(precision_score(truth, guess))
        assert scores.recall == pytest.approx(recall_score(truth, guess))
        assert scores.f1 == pytest.approx(f1_score(truth, guess))


def test_perfect_predictions() -> None:
    labels = np.arange(7).repeat(3)
    figures = measure(labels, np.eye(7, dtype=np.float32)[labels])
    assert figures.accuracy == figures.balanced_accuracy == figures.macro_f1 == 1
    assert figures.ece == 0
    assert np.array_equal(figures.confusion, 3 * np.eye(7, dtype=int))


def test_one_answer_to_everything_is_found_out_by_the_balanced_accuracy() -> None:
    """Eight of ten faces are happy; saying happy always is right in 80 %."""
    labels = np.array([3] * 8 + [0, 6])
    always_happy = np.tile(np.eye(7, dtype=np.float32)[3], (10, 1))
    figures = measure(labels, always_happy)
    assert figures.accuracy == pytest.approx(0.8)
    assert figures.balanced_accuracy == pytest.approx(1 / 3)
    assert figures.balanced_accuracy == pytest.approx(
        balanced_accuracy_score(labels, always_happy.argmax(axis=1))
    )
    assert figures.macro_f1 == pytest.approx((2 * 0.8 / 1.8 + 0 + 0) / 3)
    happy, angry, fear = (figures.per_class[name] for name in ("happy", "angry", "fear"))
    assert (happy.precision, happy.recall) == pytest.approx((0.8, 1))
    assert angry.recall == 0
    assert math.isnan(angry.precision)  # never said, so never right or wrong
    assert angry.f1 == 0
    assert math.isnan(fear.recall)  # never there
    assert math.isnan(fear.f1)


def test_a_class_that_does_not_occur_but_is_said_has_precision_and_no_recall() -> None:
    figures = measure(np.array([0, 0]), np.eye(7, dtype=np.float32)[[0, 5]])
    surprise = figures.per_class["surprise"]
    assert surprise.precision == 0
    assert math.isnan(surprise.recall)
    assert surprise.f1 == 0
    assert figures.balanced_accuracy == pytest.approx(0.5)  # over what occurs


# --- Near-duplicates --------------------------------------------------------------------------


def faces(n: int, seed: int) -> NDArray[np.uint8]:
    """Unlike pictures (n, 48, 48): smoothed noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 9, 9), dtype=np.uint8)
    return np.stack([cv2.resize(c, (48, 48), interpolation=cv2.INTER_CUBIC) for c in coarse])


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 4), (4, 0)])
def test_without_images_or_references_there_are_no_duplicates(n: int, m: int) -> None:
    found = near_duplicates(faces(9, 0)[:n], faces(9, 1)[:m])
    assert found.shape == (n,)
    assert not found.any()


def test_planted_copies_are_found_and_nothing_else() -> None:
    references, images = faces(40, seed=0), faces(600, seed=1)  # more than one block of 512
    planted = {
        3: references[7],
        100: grey_of(encode(references[8], "JPEG", quality=80)),  # encoded once more
        511: np.clip(references[9] * 0.8 + 20, 0, 255).astype(np.uint8),  # other light
        512: references[10],
        599: references[39],
    }
    for row, image in planted.items():
        images[row] = image
    found = near_duplicates(images, references)
    assert found.dtype == bool
    assert np.flatnonzero(found).tolist() == sorted(planted)


def test_a_mirrored_and_a_shifted_copy_are_not_duplicates() -> None:
    references = faces(5, seed=0)
    assert not near_duplicates(references[:, :, ::-1], references).any()
    assert not near_duplicates(np.roll(references, 4, axis=2), references).any()


def test_a_blank_image_is_a_duplicate_of_nothing_not_even_of_a_blank_one() -> None:
    blank = np.stack([np.full((48, 48), level, np.uint8) for level in (0, 128, 255)])
    assert not near_duplicates(blank, np.concatenate([blank, faces(3, 0)])).any()
    assert not near_duplicates(faces(3, 0), blank).any()


def test_the_correlation_is_pearsons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold just under and just over the correlation that numpy computes."""
    reference = faces(1, seed=0)
    noise = np.random.default_rng(1).normal(0, 12, reference.shape)
    image = np.clip(reference + noise, 0, 255).astype(np.uint8)
    r = float(np.corrcoef(image.ravel(), reference.ravel())[0, 1])
    monkeypatch.setattr(accuracy, "NEAR_DUPLICATE", r - 1e-4)
    assert near_duplicates(image, reference).all()
    monkeypatch.setattr(accuracy, "NEAR_DUPLICATE", r + 1e-4)
    assert not near_duplicates(image, reference).any()
