import numpy as np
import pytest

from core.drawing.photo import EMOTION_COLOURS, draw_analysis, face_colour, face_label, rgb
from core.emotions import EMOTIONS
from core.errors import InvalidImageArrayError
from core.types import Analysis, Box, FaceAnalysis
from tests.helpers.faces import a_face, one_hot
from tests.helpers.pictures import colourful


def analysis(*faces: FaceAnalysis) -> Analysis:
    return Analysis((160, 120), faces, "toy", "test", {})


def happy(box: Box, uncertain: bool = False) -> FaceAnalysis:
    return FaceAnalysis(a_face(box), None, one_hot("happy"), uncertain)


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


def test_the_label_says_number_expression_and_percent() -> None:
    box = Box(0, 0, 30, 30)
    assert face_label(2, happy(box)) == "2 happy 100 %"
    assert face_label(1, happy(box, uncertain=True)) == "1 uncertain"
    assert face_label(12, FaceAnalysis(a_face(box), None, None, True)) == "12 too small"


def test_what_is_not_known_has_no_expressions_colour() -> None:
    box = Box(0, 0, 30, 30)
    colours = {rgb(colour) for colour in EMOTION_COLOURS.values()}
    assert face_colour(happy(box)) in colours
    assert face_colour(happy(box, uncertain=True)) not in colours
    assert face_colour(FaceAnalysis(a_face(box), None, None, True)) not in colours


def test_every_expression_has_a_colour_of_its_own() -> None:
    assert tuple(EMOTION_COLOURS) == EMOTIONS
    assert len(set(EMOTION_COLOURS.values())) == len(EMOTIONS)
    assert rgb("#FF8000") == (255, 128, 0)
