"""What is fitted for detectors and for the quality of a face, on numbers with a known answer."""

import numpy as np
import pytest
import typer

from core.detection.detectors.fusion import Clusters
from core.expression.quality import FEATURES, features, measure_grey
from core.measures.detection.matching import PrecisionRecall, Truths
from training.fits.detector_calibration import app_threshold, fit
from training.fits.detector_effect import framed
from training.fits.detector_ensemble import cross_validated, parse_member
from training.fits.quality import check, cut, small
from training.fits.quality import fit as fit_quality


def test_the_logistic_curve_is_found_again() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(-2, 3, 20_000)
    is_face = rng.random(20_000) < 1 / (1 + np.exp(-(2 * scores - 1)))
    fitted = fit(scores, is_face)
    assert fitted.slope == pytest.approx(2, abs=0.1)
    assert fitted.intercept == pytest.approx(-1, abs=0.1)
    assert fitted.score(fitted.probability(0.7)) == pytest.approx(0.7)


def test_from_few_errors_no_slope_is_made_up() -> None:
    """One wrong box, the most certain of all, would turn the curve upside down."""
    scores = np.linspace(0.5, 1.1, 31)
    fitted = fit(scores, np.arange(31) < 30)
    assert fitted.slope > 0
    assert fitted.probability(float(np.median(scores))) == pytest.approx(31 / 33)


@pytest.mark.parametrize(
    ("precision", "recall", "expected"),
    [
        ([1.0, 0.97, 0.96, 0.8], [0.1, 0.3, 0.5, 0.9], 0.7),  # the last has the best F1
        ([0.9, 0.8, 0.7], [0.2, 0.6, 0.7], 0.7),  # none is precise enough: best F1
    ],
)
def test_the_apps_threshold_is_a_precise_one(
    precision: list[float], recall: list[float], expected: float
) -> None:
    thresholds = np.array([0.9, 0.8, 0.7, 0.6])[: len(precision)]
    curve = PrecisionRecall(100, thresholds, np.array(precision), np.array(recall))
    assert app_threshold(curve).threshold == expected


def test_members_are_named_with_their_enlargement() -> None:
    member = parse_member("yunet@1.38")
    assert (member.detector, member.enlarge) == ("yunet", 1.38)
    assert parse_member("haar").enlarge == 1
    for wrong in ("nobody@1", "yunet@0.5", "yunet@x"):
        with pytest.raises(typer.BadParameter):
            parse_member(wrong)


def test_a_photo_is_never_judged_by_a_fit_that_saw_it() -> None:
    """Labels by chance: a curve of seen photos would look better than chance."""
    rng = np.random.default_rng(1)
    clusters, truths = [], []
    for _ in range(80):
        x = np.arange(6) * 20.0
        boxes = np.stack([x, x * 0, x + 10, x * 0 + 10], axis=1)
        is_face = rng.random(6) < 0.5
        scores = rng.uniform(0.3, 0.9, (6, 2))
        clusters.append(Clusters(boxes, scores, np.zeros((6, 2), np.int64)))
        truths.append(Truths(boxes[is_face], np.zeros(is_face.sum(), bool)))
    seen = cross_validated(clusters, truths)
    assert seen.n_faces == sum(len(t.boxes_xyxy) for t in truths)
    assert seen.average_precision == pytest.approx(0.5, abs=0.1)


def test_a_framed_crop_stands_in_the_middle() -> None:
    crop = np.zeros((48, 48, 3), np.uint8)
    crop[:, 24:] = 200
    photo, _ = framed(crop)
    assert photo.shape == (384, 384, 3)
    assert (photo[:96] == 100).all()
    assert photo[192, 120, 0] == 0
    assert photo[192, 264, 0] == 200


def test_spoilt_faces_keep_their_size() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (48, 48)).astype(np.uint8)
    coarse = small(grey, 12)
    assert coarse.shape == (48, 48)
    assert coarse.std() < grey.std()
    cut_off = cut(grey, 0.25, rng)
    same = (cut_off == grey).all(axis=0).sum(), (cut_off == grey).all(axis=1).sum()
    assert 36 in same  # a quarter of the rows or columns is gone


def test_quality_learns_what_spoils_a_judgement() -> None:
    """Right answers depend on the size alone; the other measures vary by chance."""
    rng = np.random.default_rng(2)
    n = 6000
    sides = rng.choice([12.0, 24.0, 48.0], n)
    chance = {12.0: 0.2, 24.0: 0.5, 48.0: 0.8}
    right = rng.random(n) < np.array([chance[side] for side in sides])
    noise = [rng.normal(128, 30, (48, 48)).clip(0, 255).astype(np.uint8) for _ in range(40)]
    rows = np.stack(
        [
            features(measure_grey(noise[i % 40], side_px=side, inside_share=1, turn=None))
            for i, side in enumerate(sides)
        ]
    )
    facts = {
        "right": right,
        "kind": np.where(sides == 48, "clean", "size"),
    }
    model = fit_quality(rows, facts)
    for side, share in chance.items():
        quality = model.scores(rows[sides == side]).mean()
        assert quality == pytest.approx(share / 0.8, abs=0.06)
    assert len(model.weights) == 2 * len(FEATURES)
    found = [band for band in check(model, rows, facts)["by_quality"] if band["n"] > 200]
    assert len(found) >= 3
    for band in found:
        expected = band["mean_quality_times_reference"]
        assert band["accuracy_of_all"] == pytest.approx(expected, abs=0.05)
