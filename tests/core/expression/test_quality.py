import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.analyzer import Analyzer, create_analyzer
from core.detection import create_detector
from core.errors import ModelError
from core.expression.quality import (
    FEATURES,
    QualityModel,
    features,
    load_quality_model,
    measure_face,
    measure_grey,
    nose_offset,
)
from core.measures.corruptions import corrupt
from core.types import Box, Face, FaceQuality
from tests.helpers.faces import a_face
from tests.paths import ROOT

Image = NDArray[np.uint8]
FITTED = sorted(file.parent.name for file in (ROOT / "models").glob("*/quality.json"))

each_fit = pytest.mark.parametrize("model_id", FITTED)


@cache
def analyzer(model_id: str) -> Analyzer:
    return create_analyzer(
        ROOT / "models", model_id=model_id, detector="yunet", with_landmarks=False
    )


def quality(image: Image, model_id: str) -> FaceQuality:
    (face,) = analyzer(model_id).analyze(image).faces
    assert face.quality is not None
    return face.quality


# --- What is measured -------------------------------------------------------------------------


def test_noise_is_measured_in_grey_levels() -> None:
    rng = np.random.default_rng(0)
    for sigma in (4, 12):
        grey = np.clip(rng.normal(128, sigma, (48, 48)), 0, 255).round().astype(np.uint8)
        measured = measure_grey(grey, side_px=48, inside_share=1, turn=None).noise
        assert measured == pytest.approx(sigma, rel=0.1)


def test_blur_is_measured_in_pixels_whatever_is_blurred(astronaut: Image) -> None:
    rng = np.random.default_rng(0)
    edges = np.zeros((48, 48), np.float32)
    for _ in range(40):  # rectangles at random, whose edges are as sharp as pixels
        (x, y), (w, h) = rng.integers(0, 40, 2), rng.integers(4, 24, 2)
        edges[y : y + h, x : x + w] = rng.uniform(40, 220)
    grey = cv2.cvtColor(astronaut[60:190, 160:290], cv2.COLOR_RGB2GRAY)
    face = cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)
    for picture in (edges, face):
        for sigma in (1.5, 2.0, 3.0, 4.0):
            blurred = cv2.GaussianBlur(picture, (0, 0), sigma).round().astype(np.uint8)
            measured = measure_grey(blurred, side_px=48, inside_share=1, turn=None).blur_px
            assert measured == pytest.approx(sigma, rel=0.25)


def test_blur_is_seen_and_light_is_not(astronaut: Image) -> None:
    grey = cv2.resize(cv2.cvtColor(astronaut[60:190, 160:290], cv2.COLOR_RGB2GRAY), (48, 48))

    def blur_px(pixels: Image) -> float:
        return measure_grey(pixels, side_px=48, inside_share=1, turn=None).blur_px

    blurred = [corrupt(grey, "out of focus", level) for level in (1, 3, 5)]
    values = [blur_px(np.asarray(g, np.uint8)) for g in (grey, *blurred)]
    assert values == sorted(values)
    assert blur_px((grey // 2 + 60).astype(np.uint8)) == pytest.approx(values[0], rel=0.15)


def test_a_flat_square_is_measured_without_a_warning() -> None:
    for level in (0, 128, 255):
        flat = np.full((48, 48), level, np.uint8)
        measured = measure_grey(flat, side_px=1, inside_share=0, turn=None)
        assert measured.clipped_share == (level != 128)
        assert np.isfinite(features(measured)).all()


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([(0, 0), (10, 0)], None),
        ([(0, 0), (10, 0), (5, 6)], 0),
        ([(0, 0), (10, 0), (8, 6)], 0.3),
        ([(0, 0), (0, 10), (6, 8)], 0.3),  # the same face, turned by a quarter
        ([(3, 3), (3, 3), (8, 6)], None),
    ],
)
def test_the_nose_says_how_far_a_face_is_turned(
    points: list[tuple[float, float]], expected: float | None
) -> None:
    face = Face(Box(0, 0, 20, 20), 0.9, np.array(points).reshape(-1, 2), "x")
    assert nose_offset(face) == (None if expected is None else pytest.approx(expected))


def test_what_lies_beyond_the_border_is_measured(astronaut: Image) -> None:
    detector = create_detector("yunet", ROOT / "models")
    (face,) = detector.detect(astronaut)
    whole = measure_face(astronaut, face, detector.box_geometry)
    assert whole.inside_share == 1
    half = np.ascontiguousarray(astronaut[:, 225:])  # cut through her nose
    moved = a_face(Box(face.box.x_min - 225, face.box.y_min, face.box.x_max - 225, face.box.y_max))
    measured = measure_face(half, moved, detector.box_geometry)
    assert 0.35 < measured.inside_share < 0.65
    assert measured.side_px == pytest.approx(whole.side_px)


# --- What is made of it -----------------------------------------------------------------------


@each_fit
def test_a_clear_face_is_good_and_a_spoilt_one_worse(model_id: str, astronaut: Image) -> None:
    clear = quality(astronaut, model_id)
    assert clear.score > 0.85
    tiny = cv2.resize(astronaut, (64, 64), interpolation=cv2.INTER_AREA)  # a face of 14 px
    coarse = cv2.resize(tiny, (512, 512), interpolation=cv2.INTER_LINEAR)
    blurred = np.asarray(cv2.GaussianBlur(astronaut, (0, 0), 7), np.uint8)
    for spoilt in (np.asarray(coarse, np.uint8), blurred):
        assert quality(spoilt, model_id).score < clear.score - 0.05
    assert quality(blurred, model_id).flaw == "blurred"


def test_a_very_dark_face_is_not_called_blurred(astronaut: Image) -> None:
    assert quality(np.asarray(astronaut // 8, np.uint8), "mien-fast").flaw == "too dark"


@each_fit
def test_the_fit_was_checked_on_other_images_and_the_number_means_what_it_says(
    model_id: str, models_dir: Path
) -> None:
    """In each band of quality with enough faces, as many are judged right as it says."""
    stored = json.loads((models_dir / model_id / "quality.json").read_text())
    assert "validation" in stored["data"]
    for band in stored["check"]["by_quality"]:
        if band["n"] >= 200:
            expected = band["mean_quality_times_reference"]
            assert band["accuracy_of_all"] == pytest.approx(expected, abs=0.06)


def model(**changes: object) -> QualityModel:
    content = {
        "centre": [0.0] * len(FEATURES),
        "weights": [0.0] * 2 * len(FEATURES),
        "intercept": 0.0,
        "reference": 0.5,
        **changes,
    }
    return QualityModel.model_validate(content)


def test_quality_and_flaw_by_hand() -> None:
    """Only size counts: log-odds 1 a halving; a quarter of 48 px costs 2."""
    weights = [1.0] + [0.0] * (2 * len(FEATURES) - 1)
    grey = np.full((48, 48), 100, np.uint8)
    small = measure_grey(grey, side_px=12, inside_share=1, turn=None)
    judged = model(weights=weights).judge(small)
    assert judged.score == pytest.approx(1 / (1 + np.exp(2)) / 0.5)
    assert judged.flaw == "small"
    large = measure_grey(grey, side_px=480, inside_share=1, turn=None)
    assert model(weights=weights).judge(large).score == 1
    assert model(weights=weights).judge(large).flaw is None


def test_a_model_without_a_fit_has_no_quality(tmp_path: Path) -> None:
    assert load_quality_model("none", tmp_path) is None
    (tmp_path / "bad").mkdir()
    for content in (b"{", b"{}", b"\xff"):
        (tmp_path / "bad" / "quality.json").write_bytes(content)
        with pytest.raises(ModelError, match=r"quality\.json of 'bad' is damaged"):
            load_quality_model("bad", tmp_path)
