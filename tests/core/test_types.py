import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.emotions import EMOTIONS
from core.errors import InvalidImageArrayError, MienError
from core.types import (
    TOO_SMALL,
    Analysis,
    Answer,
    Box,
    EmotionScores,
    Face,
    FaceAnalysis,
    Landmarks,
    check_image_rgb,
)
from tests.helpers.faces import a_box, a_face, one_hot

pixels = st.floats(-5000, 5000, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x_min, y_min = draw(pixels), draw(pixels)
    sides = st.floats(0.01, 5000).map(lambda value: round(value, 2))
    return Box(x_min, y_min, x_min + draw(sides), y_min + draw(sides))


# --- Box --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "xyxy",
    [
        (0, 0, 0, 0),
        (10, 10, 10, 20),
        (10, 10, 20, 10),
        (20, 10, 10, 20),
        (10, 20, 20, 10),
    ],
)
def test_a_box_without_area_is_refused(xyxy: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"x_min < x_max and y_min < y_max, got \("):
        Box(*xyxy)


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_box_must_be_finite(position: int, value: float) -> None:
    xyxy = [0.0, 0.0, 1.0, 1.0]
    xyxy[position] = value
    with pytest.raises(ValueError, match="a box must be finite, got"):
        Box(*xyxy)


def test_a_box_knows_its_measures() -> None:
    box = Box(-10, 20, 20, 60)
    assert box.xyxy == (-10, 20, 20, 60)
    assert box.size_wh == (30, 40)
    assert box.centre_xy == (5, 40)
    assert box.area == 1200


def test_boxes_are_equal_by_value_and_cannot_be_changed() -> None:
    assert a_box() == a_box()
    assert hash(a_box()) == hash(a_box())
    assert a_box() != a_box(x_min=11)
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_box().x_min = 0


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Box(100, 100, 110, 110), 0),  # apart
        (Box(10, 0, 20, 10), 0),  # touching at a side
        (Box(10, 10, 20, 20), 0),  # touching at a corner
        (Box(0, 0, 10, 10), 1),
        (Box(5, 0, 15, 10), 50 / 150),
        (Box(2, 2, 4, 4), 4 / 100),  # inside
        (Box(5, 5, 15, 15), 25 / 175),
    ],
)
def test_iou_is_what_counting_squares_gives(other: Box, expected: float) -> None:
    assert Box(0, 0, 10, 10).iou(other) == pytest.approx(expected)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_a_share(one: Box, other: Box) -> None:
    assert one.iou(other) == other.iou(one)
    assert 0 <= one.iou(other) <= 1


@given(boxes())
def test_iou_with_itself_is_one(box: Box) -> None:
    assert box.iou(box) == pytest.approx(1)


# --- Arrays -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image",
    [
        None,
        [[[0, 0, 0]]],
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.int64),
        np.zeros((4, 4, 3), np.int8),
        np.zeros((4, 4, 3), bool),
    ],
)
def test_an_image_must_be_uint8(image: Any) -> None:
    with pytest.raises(InvalidImageArrayError, match="must be a uint8 array, got"):
        check_image_rgb(image)


@pytest.mark.parametrize(
    "shape",
    [(0, 0, 3), (0, 4, 3), (4, 0, 3), (4, 4, 0), (4, 4), (4, 4, 1), (4, 4, 4), (1, 4, 4, 3)],
)
def test_an_image_must_be_rgb_with_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidImageArrayError, match=r"must have shape \(height, width, 3\)"):
        check_image_rgb(np.zeros(shape, np.uint8))


def test_a_wrong_image_is_both_our_error_and_a_value_error() -> None:
    assert issubclass(InvalidImageArrayError, MienError)
    assert issubclass(InvalidImageArrayError, ValueError)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 5, 3)])
def test_a_right_image_is_handed_back_as_it_is(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, np.uint8)
    assert check_image_rgb(image) is image


@pytest.mark.parametrize("shape", [(0,), (2,), (2, 3), (1, 2, 2), (5, 0)])
def test_points_must_be_pairs(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"keypoints_xy must have shape \('n', 2\), got"):
        Face(a_box(), 0.5, np.zeros(shape, np.float32), "test")
    with pytest.raises(ValueError, match=r"points_xy must have shape \('n', 2\), got"):
        Landmarks(np.zeros(shape, np.float32), "five")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_points_must_be_finite(value: float) -> None:
    points = np.array([[1, 2], [3, value]], np.float32)
    with pytest.raises(ValueError, match="keypoints_xy must be finite"):
        Face(a_box(), 0.5, points, "test")
    with pytest.raises(ValueError, match="points_xy must be finite"):
        Landmarks(points, "five")


@pytest.mark.parametrize("confidence", [-0.001, 1.001, math.nan, math.inf])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence must lie in 0\.\.1, got"):
        a_face(confidence=confidence)


@pytest.mark.parametrize("confidence", [0, 0.5, 1])
def test_confidence_may_be_at_the_ends(confidence: float) -> None:
    assert a_face(confidence=confidence).confidence == confidence


@pytest.mark.parametrize("values", [[], [1], [1 / 6] * 6, [1 / 8] * 8, [[1 / 7] * 7], 1.0])
def test_probabilities_must_be_seven(values: Any) -> None:
    with pytest.raises(ValueError, match=r"probabilities must have shape \(7,\), got"):
        EmotionScores(values)


@pytest.mark.parametrize(
    "values",
    [
        [0] * 7,
        [1] * 7,
        [0.5, 0.6, -0.1, 0, 0, 0, 0],
        [0.9, 0, 0, 0, 0, 0, 0],
        [2, -1, 0, 0, 0, 0, 0],
    ],
)
def test_probabilities_must_be_shares_of_one(values: list[float]) -> None:
    with pytest.raises(ValueError, match="must be >= 0 and sum to 1, got"):
        EmotionScores(np.array(values, np.float32))


def test_probabilities_must_be_finite() -> None:
    with pytest.raises(ValueError, match="probabilities must be finite"):
        EmotionScores(np.array([math.nan, 1, 0, 0, 0, 0, 0], np.float32))


def test_arrays_are_copies_that_refuse_to_be_written() -> None:
    points = np.array([[1.0, 2.0]])
    probabilities = np.full(7, 1 / 7)
    face = Face(a_box(), 0.5, points, "test")
    landmarks = Landmarks(points, "five")
    scores = EmotionScores(probabilities)
    points[:] = probabilities[:] = 9
    for array, first in (
        (face.keypoints_xy, 1),
        (landmarks.points_xy, 1),
        (scores.probabilities, np.float32(1 / 7)),
    ):
        assert array.dtype == np.float32
        assert array.flat[0] == first
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("thing", "attribute"),
    [
        (a_face(), "confidence"),
        (Landmarks(np.zeros((0, 2), np.float32), "five"), "scheme"),
        (one_hot("happy"), "probabilities"),
        (FaceAnalysis(a_face(), None, None, True), "scores"),
        (Analysis((1, 1), (), "m", "d", {}), "faces"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_can_be_reassigned_and_equality_is_identity(thing: Any, attribute: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(thing, attribute, None)
    assert thing == thing
    assert thing != dataclasses.replace(thing)
    assert len({thing, dataclasses.replace(thing)}) == 2


# --- Scores -----------------------------------------------------------------------------------


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_top_is_the_most_probable(emotion: str) -> None:
    scores = one_hot(emotion)
    assert scores.top == emotion
    assert scores.top_probability == 1
    assert scores.as_dict() == {name: float(name == emotion) for name in EMOTIONS}


def test_of_equal_scores_the_first_is_the_top() -> None:
    scores = EmotionScores(np.full(7, 1 / 7, np.float32))
    assert scores.top == EMOTIONS[0]
    assert list(scores.as_dict()) == list(EMOTIONS)


def test_an_answer_has_scores_and_labels_or_neither() -> None:
    scores = one_hot("sad")
    assert TOO_SMALL.top is None
    assert not TOO_SMALL.agreed
    assert not TOO_SMALL.uncertain
    assert FaceAnalysis(a_face(), None, TOO_SMALL).scores is None
    assert FaceAnalysis(a_face(), None, Answer(scores, ("sad",))).scores is scores
    for wrong in ((None, ("sad",)), (scores, ()), (scores, ("sad", "sad")), (scores, ("bored",))):
        with pytest.raises(ValueError, match="labels"):
            Answer(*wrong)
