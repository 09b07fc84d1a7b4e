import numpy as np
import pytest

from core.drawing.photo import (
    EMOTION_COLOURS,
    Colour,
    answer_colour,
    draw_analysis,
    ink,
    labels,
    rgb,
)
from core.emotions import EMOTIONS
from core.errors import InvalidImageArrayError
from core.types import TOO_SMALL, Analysis, Answer, Box, EmotionScores, FaceAnalysis, ImageRGB
from tests.helpers.faces import a_face, one_hot
from tests.helpers.pictures import colourful


def analysis(*faces: FaceAnalysis) -> Analysis:
    return Analysis((160, 120), faces, "toy", "test", {})


def happy(box: Box) -> FaceAnalysis:
    return FaceAnalysis(a_face(box), None, Answer(one_hot("happy"), ("happy",)))


def test_without_faces_the_copy_is_the_picture() -> None:
    image = colourful(120, 160)
    drawn = draw_analysis(image, analysis())
    assert np.array_equal(drawn, image)
    assert drawn is not image


def test_the_picture_itself_is_left_alone() -> None:
    image = colourful(120, 160)
    image.setflags(write=False)
    before = image.copy()
    drawn = draw_analysis(image, analysis(happy(Box(20, 30, 80, 100))))
    assert np.array_equal(image, before)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8


def test_the_box_is_drawn_in_the_expressions_colour_and_the_face_stays_free() -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    drawn = draw_analysis(image, analysis(happy(Box(40, 50, 120, 110))))
    colour = rgb(EMOTION_COLOURS["happy"])
    for x, y in ((40, 80), (120, 80), (80, 110)):
        assert tuple(drawn[y, x]) == colour
    assert (drawn[56:104, 46:114] == 0).all()


@pytest.mark.parametrize(
    "box",
    [
        Box(-50, -50, 10, 10),
        Box(150, 110, 400, 400),
        Box(-500, -500, 900, 900),
        Box(-90, 20, -30, 60),
        Box(300, 300, 301, 301),
        Box(5, 5, 5.2, 5.2),
        Box(-1e6, -1e6, 1e6, 1e6),
    ],
)
@pytest.mark.parametrize(("height", "width"), [(120, 160), (1, 1), (3, 2000), (2000, 3)])
def test_any_box_on_any_picture_can_be_drawn(box: Box, height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    assert draw_analysis(image, analysis(happy(box))).shape == image.shape


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(InvalidImageArrayError, match="an image must"):
        draw_analysis(np.zeros((5, 5), np.uint8), analysis())


SPLIT = Answer(
    EmotionScores(np.float32([0, 0, 0, 0, 0.4, 0, 0.6])),
    ("neutral", "sad"),
)


def texts(*marks: tuple[Answer, Box], size_wh: tuple[int, int] = (1280, 960)) -> list[str]:
    numbered = [(number, *mark) for number, mark in enumerate(marks, start=1)]
    return [label.text for label in labels(numbered, size_wh)]


def test_a_label_says_as_much_as_there_is_room_for() -> None:
    far, near = Box(800, 300, 900, 400), Box(330, 300, 430, 400)
    here = (SPLIT, Box(50, 300, 150, 400))
    assert texts(here, (SPLIT, far), (TOO_SMALL, Box(50, 700, 90, 740))) == [
        "1: neutral or sad", "2: neutral or sad", "3: too small",
    ]  # fmt: skip
    assert texts(here, (SPLIT, near)) == ["1: neutral?", "2: neutral?"]
    crowd = [(SPLIT, Box(x, y, x + 60, y + 60)) for y in (200, 500) for x in range(0, 1200, 80)]
    assert texts(*crowd) == [str(number) for number in range(1, len(crowd) + 1)]


def letters_px(drawn: ImageRGB, shown_width_px: int, box: Box) -> float:
    """Height of the ink above a happy face's box once a browser shows the picture so wide."""
    above = drawn[: int(box.y_min), int(box.x_min) :]
    yellow = (above == rgb(EMOTION_COLOURS["happy"])).all(axis=2)
    rows = np.flatnonzero(yellow.any(axis=1))
    plate = above[rows.min() : rows.max() + 1, np.flatnonzero(yellow.any(axis=0))[0] + 2 :]
    inked = np.flatnonzero((plate.max(axis=2) < 100).any(axis=1))
    return float((inked.max() - inked.min() + 1) * shown_width_px / drawn.shape[1])


@pytest.mark.parametrize("size_wh", [(4000, 3000), (3000, 4000), (1280, 720), (640, 480)])
@pytest.mark.parametrize("max_side_px", [None, 1280])
def test_labels_can_be_read_on_a_phone_whatever_the_photos_size(
    size_wh: tuple[int, int], max_side_px: int | None
) -> None:
    """ "happy" from the top of h to the bottom of p, in a picture shown 358 pixels wide."""
    width, height = size_wh
    box = Box(0.3 * width, 0.4 * height, 0.4 * width, 0.55 * height)
    image = np.full((height, width, 3), 255, np.uint8)
    drawn = draw_analysis(image, analysis(happy(box)), max_side_px=max_side_px)
    scale = drawn.shape[1] / width
    assert max(drawn.shape[:2]) == min(max_side_px or max(size_wh), max(size_wh))
    shown = Box(*(value * scale for value in box.xyxy))
    assert letters_px(drawn, 358, shown) >= 9


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_ink_stands_out_from_every_expressions_colour(emotion: str) -> None:
    ground = rgb(EMOTION_COLOURS[emotion])

    def luminance(colour: Colour) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                  for c in (value / 255 for value in colour)]  # fmt: skip
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(ground), luminance(ink(ground))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, AA


def test_a_box_has_the_colour_of_its_first_label_where_people_would_agree_at_all() -> None:
    colours = {rgb(colour) for colour in EMOTION_COLOURS.values()}
    assert answer_colour(SPLIT) == rgb(EMOTION_COLOURS["neutral"])
    many = EmotionScores(np.full(7, 1 / 7, np.float32))
    assert answer_colour(Answer(many, EMOTIONS)) not in colours
    assert answer_colour(TOO_SMALL) not in colours


def test_every_expression_has_a_colour_of_its_own() -> None:
    assert tuple(EMOTION_COLOURS) == EMOTIONS
    assert len(set(EMOTION_COLOURS.values())) == len(EMOTIONS)
    assert rgb("#FF8000") == (255, 128, 0)
