"""Photos on their side and on their head, and very small faces."""

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.analyzer import Analyzer, create_analyzer
from core.detection import FaceDetector, create_detector, for_photos
from core.detection.tiles import TiledDetector, without_doubles
from core.detection.upright import UprightDetector
from core.errors import InvalidImageArrayError
from core.pictures.quarter_turns import turn_back, turn_box, turn_points, turned_size, upright
from core.types import Box, Face
from tests.helpers.faces import a_face
from tests.paths import ROOT

Image = NDArray[np.uint8]
QUARTERS = (0, 90, 180, 270)


@cache
def photo_detector(*, tiles: bool = False) -> FaceDetector:
    return for_photos(create_detector("yunet", ROOT / "models"), tiles=tiles)


@cache
def photo_analyzer() -> Analyzer:
    return create_analyzer(ROOT / "models", model_id="mien-fast", detector="yunet")


def clockwise(image: Image, degrees: int) -> Image:
    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return image if degrees == 0 else np.asarray(cv2.rotate(image, codes[degrees]), np.uint8)


def painted(box: Box, size_wh: tuple[int, int], degrees: int) -> tuple[int, int, int, int]:
    """Where a box lies after the picture was turned clockwise: painted, turned, looked up."""
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    x_min, y_min, x_max, y_max = (round(value) for value in box.xyxy)
    mask[max(y_min, 0) : y_max, max(x_min, 0) : x_max] = 1
    rows, columns = np.nonzero(clockwise(mask, degrees))
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


class Watched:
    """YuNet, and how often it was asked."""

    def __init__(self) -> None:
        self._inner = create_detector("yunet", ROOT / "models")
        self.name, self.threshold = self._inner.name, self._inner.threshold
        self.box_geometry, self.calls = self._inner.box_geometry, 0

    def detect(self, image_rgb: Image) -> tuple[Face, ...]:
        self.calls += 1
        return self._inner.detect(image_rgb)


class Counting:
    """A detector that gives the same answers again and counts how often it was asked."""

    name, threshold = "counting", 0.5

    def __init__(self, *confidences_by_call: tuple[float, ...]) -> None:
        self.box_geometry = create_detector("yunet", ROOT / "models").box_geometry
        self.answers = list(confidences_by_call)
        self.calls = 0

    def detect(self, image_rgb: Image) -> tuple[Face, ...]:
        answer = self.answers[self.calls % len(self.answers)]
        self.calls += 1
        return tuple(Face(Box(1, 2, 5, 8), c, np.empty((0, 2)), self.name) for c in answer)


# --- Turned photos ------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", QUARTERS)
def test_boxes_and_points_turn_as_the_pixels_do(degrees: int) -> None:
    size_wh, box = (40, 25), Box(3, 4, 10, 20)
    turned_photo = clockwise(np.zeros((25, 40), np.uint8), degrees)
    assert turned_size(size_wh, degrees) == turned_photo.shape[::-1]
    expected = painted(box, size_wh, degrees)
    # Clockwise by so much is counter-clockwise by the rest.
    assert turn_box(box, size_wh, (360 - degrees) % 360).xyxy == expected
    corner = turn_points(np.array([box.xyxy[:2]]), size_wh, (360 - degrees) % 360)[0]
    assert tuple(corner) in {(x, y) for x in expected[::2] for y in expected[1::2]}


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("sample", ["astronaut", "grace_hopper"])
def test_a_turned_photo_has_its_face_where_it_is_and_says_how_it_stands(
    sample: str, degrees: int, request: pytest.FixtureRequest
) -> None:
    photo: Image = request.getfixturevalue(sample)
    (straight,) = photo_detector().detect(photo)
    (turned,) = photo_detector().detect(clockwise(photo, degrees))
    assert (straight.turned_degrees, turned.turned_degrees) == (0, degrees)
    expected = Box(*painted(straight.box, photo.shape[1::-1], degrees))
    assert turned.box.iou(expected) > 0.9


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_expression_in_a_turned_photo_is_that_of_the_upright_one(
    degrees: int, astronaut: Image
) -> None:
    (straight,) = photo_analyzer().analyze(astronaut).faces
    turned_photo = clockwise(astronaut, degrees)
    found = photo_analyzer().analyze(turned_photo)
    assert found.turned_degrees == degrees
    assert found.size_wh == turned_photo.shape[1::-1]
    (face,) = found.faces
    assert face.scores is not None
    assert straight.scores is not None
    assert np.abs(face.scores.probabilities - straight.scores.probabilities).max() < 0.15
    # For people: picture and analysis upright again, points on the face.
    picture, shown = upright(turned_photo, found)
    assert np.array_equal(picture, astronaut)
    assert shown.turned_degrees == 0
    assert shown.faces[0].face.box.iou(straight.face.box) > 0.9
    assert shown.faces[0].landmarks is not None
    assert straight.landmarks is not None
    apart = shown.faces[0].landmarks.points_xy - straight.landmarks.points_xy
    assert np.abs(apart).max() < 0.1 * straight.face.box.size_wh[1]


def test_a_photo_with_a_sure_face_is_looked_at_once() -> None:
    detector = Counting((0.95, 0.6))
    assert len(UprightDetector(detector).detect(np.zeros((50, 60, 3), np.uint8))) == 2
    assert detector.calls == 1


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        # upright, then 90, 180 and 270 degrees; the photo itself is asked first
        (((0.7,), (0.9,), (), ()), 90),
        (((0.7,), (), (), (0.9,)), 270),
        (((0.7,), (0.71,), (), ()), 0),  # no clear lead
        (((), (0.54,), (), ()), 0),  # too little evidence to turn a photo
        (((), (), (0.7,), ()), 180),
        (((0.7, 0.7), (0.8,), (), ()), 0),  # two faces upright against one
        (((), (), (), ()), 0),
    ],
)
def test_in_doubt_all_four_positions_are_compared(
    probes: tuple[tuple[float, ...], ...], expected: int
) -> None:
    detector = Counting((0.7,), *probes, (0.9,))
    faces = UprightDetector(detector).detect(np.zeros((50, 60, 3), np.uint8))
    assert detector.calls == (6 if expected else 5)
    assert [face.turned_degrees for face in faces] == [expected]


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (240, 320), (20_000, 50)])
def test_in_a_blank_photo_no_position_has_a_face(size: tuple[int, int]) -> None:
    for tiles in (False, True):
        assert photo_detector(tiles=tiles).detect(np.full((*size, 3), 90, np.uint8)) == ()


@pytest.mark.parametrize(
    "image",
    [None, np.zeros((9, 9)), np.zeros((9, 0, 3), np.uint8), np.zeros((9, 9, 3), np.float32)],
    ids=["nothing", "grey", "empty", "float"],
)
def test_what_is_no_image_is_refused_by_the_wrappers_too(image: object) -> None:
    for tiles in (False, True):
        with pytest.raises(InvalidImageArrayError, match="an image must"):
            photo_detector(tiles=tiles).detect(image)


def test_only_quarter_turns_exist() -> None:
    with pytest.raises(ValueError, match="quarter turn"):
        Face(Box(0, 0, 1, 1), 0.5, np.empty((0, 2)), "x", turned_degrees=45)


def test_turning_back_by_nothing_copies_nothing(astronaut: Image) -> None:
    assert turn_back(astronaut, 0) is astronaut


# --- Very small faces ---------------------------------------------------------------------------


def crowd(astronaut: Image, side_px: int, size_wh: tuple[int, int]) -> tuple[Image, list[Box]]:
    """Her picture so small at four places of a large photo, two of them on borders of tiles."""
    small = cv2.resize(astronaut, (side_px, side_px), interpolation=cv2.INTER_AREA)
    canvas = np.full((size_wh[1], size_wh[0], 3), 120, np.uint8)
    places = [(40, 50), (630, 300), (1230, 600), (size_wh[0] - side_px, size_wh[1] - side_px)]
    for x, y in places:
        canvas[y : y + side_px, x : x + side_px] = small
    factor = side_px / 512
    face = [value * factor for value in (174, 63, 271, 183)]  # read off the sample
    return canvas, [Box(x + face[0], y + face[1], x + face[2], y + face[3]) for x, y in places]


def test_tiles_find_faces_that_the_whole_photo_hides(astronaut: Image) -> None:
    """Faces of 21 px in a photo of 2400: YuNet sees the whole at a third of its size."""
    photo, truth = crowd(astronaut, 90, (2400, 1500))
    plain = create_detector("yunet", ROOT / "models").detect(photo)
    tiled = photo_detector(tiles=True).detect(photo)
    hits = [sum(f.box.iou(box) > 0.4 for f in tiled) for box in truth]
    assert hits == [1, 1, 1, 1]
    assert len(tiled) == 4
    assert sum(any(f.box.iou(box) > 0.4 for f in plain) for box in truth) < 4


def test_a_crowd_is_looked_at_closer_by_itself_and_a_portrait_is_not(astronaut: Image) -> None:
    photo, truth = crowd(astronaut, 180, (4000, 3000))
    found = photo_detector().detect(photo)
    assert [sum(f.box.iou(box) > 0.4 for f in found) for box in truth] == [1] * len(truth)
    blank = Watched()
    for_photos(blank).detect(np.zeros((5000, 5000, 3), np.uint8))
    assert blank.calls <= 1 + 16 + 4, "a landscape costs a bounded number of looks"
    portrait = Watched()
    large = np.asarray(cv2.resize(astronaut, (3000, 3000)), np.uint8)
    assert len(for_photos(portrait).detect(large)) == 1
    assert portrait.calls == 1


@pytest.mark.parametrize("side_px", [48, 96])
def test_a_face_crop_is_found_to_be_a_face(astronaut: Image, side_px: int) -> None:
    # Nothing but eyes, nose and mouth, as data sets of faces have them.
    crop = np.asarray(cv2.resize(astronaut[88:180, 176:268], (side_px, side_px)), np.uint8)
    (face,) = photo_detector().detect(crop)
    assert face.box.area > 0.5 * side_px**2
    assert photo_detector().detect(np.full((side_px, side_px, 3), 90, np.uint8)) == ()


def test_tiles_give_a_large_face_once(astronaut: Image) -> None:
    """Her badge, which looks like a face when it is large enough, is none."""
    enlarged = cv2.resize(astronaut, (2048, 2048), interpolation=cv2.INTER_CUBIC)
    large = np.asarray(enlarged, np.uint8)
    (plain,) = photo_detector().detect(large)
    (tiled,) = photo_detector(tiles=True).detect(large)
    assert tiled.box.iou(plain.box) > 0.8


def test_of_faces_on_one_another_the_surest_stays() -> None:
    def at(x: float, confidence: float, side: float = 10) -> Face:
        return Face(Box(x, 0, x + side, side), confidence, np.empty((0, 2)), "x")

    sure, part, apart = at(0, 0.9), at(2, 0.95, side=5), at(30, 0.6)
    assert without_doubles([sure, part, apart]) == (part, apart)
    assert without_doubles([]) == ()
    assert without_doubles([apart, sure]) == (sure, apart)


def test_the_wrappers_pass_for_the_detector_they_wrap() -> None:
    inner = create_detector("yunet", ROOT / "models")
    for wrapped in (TiledDetector(inner), UprightDetector(inner)):
        assert (wrapped.name, wrapped.threshold) == (inner.name, inner.threshold)
        assert wrapped.box_geometry == inner.box_geometry
    assert a_face().turned_degrees == 0
