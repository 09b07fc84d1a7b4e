import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.pictures.face_input import FULL_SQUARE, EyesMouth, FaceInput
from core.types import Box
from tests.helpers.faces import a_face
from tests.helpers.pictures import colourful

TIGHT = EyesMouth(eyes_xy=(0.5, 0.35), mouth_xy=(0.52, 0.75), eye_mouth=0.4)

coordinates = st.integers(-3000, 3000).map(float)
sides = st.integers(1, 1500).map(float)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x_min, y_min = draw(coordinates), draw(coordinates)
    return Box(x_min, y_min, x_min + draw(sides), y_min + draw(sides))


@st.composite
def upright_geometries(draw: st.DrawFn) -> EyesMouth:
    """Eyes straight above the mouth, so that the distance is the difference in height."""
    x, eyes_y = draw(st.floats(0.3, 0.7)), draw(st.floats(0.2, 0.5))
    mouth_y = eyes_y + draw(st.floats(0.1, 0.5))
    return EyesMouth(eyes_xy=(x, eyes_y), mouth_xy=(x, mouth_y), eye_mouth=mouth_y - eyes_y)


def points_in(box: Box, geometry: EyesMouth) -> NDArray[np.float64]:
    """Eyes and mouth in pixels, where `geometry` says they lie in `box`."""
    return np.array(
        [
            np.array(box.xyxy[:2]) + np.array(point) * box.size_wh
            for point in (geometry.eyes_xy, geometry.mouth_xy)
        ]
    )


# --- Where to cut -----------------------------------------------------------------------------


def test_the_same_geometry_on_both_sides_gives_back_a_square_box() -> None:
    square = FaceInput(geometry=FULL_SQUARE).square(Box(10, 20, 58, 68), FULL_SQUARE)
    assert square.xyxy == pytest.approx((10, 20, 58, 68))


def test_the_square_of_one_face_by_hand() -> None:
    """Box 100 wide, 200 high at (10, 20); detector's eye-mouth 0.2 of the height is 40 px.

    In the model's square 40 px are 0.4 of the side: it is 100. The middle between eyes and mouth
    is at (10 + 0.5 * 100, 20 + 0.6 * 200) = (60, 140) and at (0.5, 0.6) of the square.
    """
    detector = EyesMouth(eyes_xy=(0.5, 0.5), mouth_xy=(0.5, 0.7), eye_mouth=0.2)
    model = EyesMouth(eyes_xy=(0.5, 0.4), mouth_xy=(0.5, 0.8), eye_mouth=0.4)
    square = FaceInput(geometry=model).square(Box(10, 20, 110, 220), detector)
    assert square.xyxy == pytest.approx((60 - 50, 140 - 60, 60 + 50, 140 + 40))


@given(boxes(), upright_geometries(), upright_geometries())
def test_the_detectors_eyes_and_mouth_fall_on_the_models(
    box: Box, detector: EyesMouth, model: EyesMouth
) -> None:
    square = FaceInput(geometry=model).square(box, detector)
    assert square.size_wh[0] == pytest.approx(square.size_wh[1])
    found, wanted = points_in(box, detector), points_in(square, model)
    assert np.abs(found - wanted).max() < 1e-6 * (1 + np.abs(box.xyxy).max())


@given(boxes(), st.sampled_from([0.25, 0.5, 2.0, 8.0]), coordinates, coordinates)
def test_the_square_moves_and_grows_with_the_box(
    box: Box, factor: float, dx: float, dy: float
) -> None:
    face_input = FaceInput(geometry=FULL_SQUARE)
    moved = Box(
        box.x_min * factor + dx,
        box.y_min * factor + dy,
        box.x_max * factor + dx,
        box.y_max * factor + dy,
    )
    x_min, y_min, x_max, y_max = face_input.square(box, TIGHT).xyxy
    expected = (x_min * factor + dx, y_min * factor + dy, x_max * factor + dx, y_max * factor + dy)
    assert face_input.square(moved, TIGHT).xyxy == pytest.approx(expected, abs=1e-6, rel=1e-9)


# --- Cutting ----------------------------------------------------------------------------------


def cut_by_index(image: NDArray[np.uint8], x_min: int, y_min: int, side: int) -> NDArray[np.uint8]:
    """The square at its own size; a pixel outside is the nearest one inside."""
    height, width = image.shape[:2]
    rows = np.clip(np.arange(y_min, y_min + side), 0, height - 1)
    columns = np.clip(np.arange(x_min, x_min + side), 0, width - 1)
    return image[rows][:, columns]


@pytest.mark.parametrize(
    "x_min", [0, 10, -1, -20, -47, -48, -49, -500, 16, 17, 40, 63, 64, 65, 500]
)
@pytest.mark.parametrize("y_min", [0, 5, -30, -48, -300, 2, 30, 49, 50, 51, 300])
def test_where_the_square_leaves_the_picture_the_border_is_repeated(
    x_min: int, y_min: int
) -> None:
    image = colourful(50, 64)
    crop = FaceInput(size_px=48, channels=3).crop(image, Box(x_min, y_min, x_min + 48, y_min + 48))
    assert np.array_equal(crop, cut_by_index(image, x_min, y_min, 48))


def test_a_square_around_the_whole_picture_repeats_all_four_borders() -> None:
    image = colourful(10, 12)
    crop = FaceInput(size_px=48, channels=3).crop(image, Box(-20, -15, 28, 33))
    assert np.array_equal(crop, cut_by_index(image, -20, -15, 48))


def test_grey_input_is_the_luma_of_the_cut() -> None:
    image = colourful(60, 60)
    crop = FaceInput(size_px=48, channels=1).crop(image, Box(5, 5, 53, 53))
    luma = image[5:53, 5:53] @ np.array([0.299, 0.587, 0.114])
    assert crop.shape == (48, 48, 1)
    assert np.abs(crop[..., 0] - luma).max() <= 1


def test_cutting_leaves_the_picture_alone_and_takes_read_only_ones() -> None:
    image = colourful(60, 60)
    before = image.copy()
    image.setflags(write=False)
    FaceInput().crop(image, Box(-5, -5, 30, 30))
    assert np.array_equal(image, before)


@given(boxes(), st.sampled_from([1, 3]))
@settings(max_examples=150, deadline=None)
def test_any_box_can_be_cut(box: Box, channels: int) -> None:
    image = np.full((37, 53, 3), 77, np.uint8)
    crop = FaceInput(size_px=48, channels=channels).crop(image, box)
    assert crop.shape == (48, 48, channels)
    assert crop.dtype == np.uint8
    assert (crop == 77).all()


@pytest.mark.parametrize("side", [0.01, 0.4, 0.6, 1, 1.4, 2])
def test_a_face_of_one_pixel_can_be_cut(side: float) -> None:
    image = colourful(9, 9)
    crop = FaceInput(size_px=48, channels=3).crop(image, Box(4, 4, 4 + side, 4 + side))
    assert crop.shape == (48, 48, 3)
    if side <= 1.4:
        assert (crop == image[4, 4]).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 30), (30, 1)])
def test_the_smallest_pictures_can_be_cut(height: int, width: int) -> None:
    image = np.full((height, width, 3), 9, np.uint8)
    assert (FaceInput(size_px=48, channels=3).crop(image, Box(-3, -3, 40, 40)) == 9).all()


def test_shrinking_averages_all_pixels() -> None:
    patch = colourful(96, 96)[..., 0]
    expected = patch.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    small = FaceInput(size_px=48, channels=1).resize(patch)
    assert small.shape == (48, 48, 1)
    assert np.abs(small[..., 0] - expected).max() <= 0.5


def test_enlarging_keeps_the_mean_and_the_order() -> None:
    patch = np.tile(np.linspace(20, 220, 12).astype(np.uint8), (12, 1))
    large = FaceInput(size_px=48, channels=1).resize(patch)[..., 0].astype(int)
    assert large.mean() == pytest.approx(patch.mean(), abs=1)
    assert (np.diff(large, axis=1) >= 0).all()


def test_its_own_size_passes_unchanged() -> None:
    patch = colourful(48, 48)
    assert np.array_equal(FaceInput(size_px=48, channels=3).resize(patch), patch)


# --- Normalising and batches ------------------------------------------------------------------


def test_normalising_nothing_gives_nothing() -> None:
    assert FaceInput().normalise(np.empty((0, 48, 48, 1), np.uint8)).shape == (0, 48, 48, 1)


@pytest.mark.parametrize(("scale", "offset"), [(1 / 64, -2.0), (1 / 127.5, -1.0), (1 / 255, 0.0)])
def test_normalising_can_be_undone(scale: float, offset: float) -> None:
    levels = np.arange(256, dtype=np.uint8)
    values = FaceInput(scale=scale, offset=offset).normalise(levels)
    assert values.dtype == np.float32
    assert values == pytest.approx(np.arange(256) * scale + offset, abs=1e-6)
    assert np.array_equal(np.round((values - offset) / scale), levels)


def test_normalising_leaves_its_argument_alone() -> None:
    levels = np.arange(256, dtype=np.uint8)
    FaceInput().normalise(levels)
    assert np.array_equal(levels, np.arange(256))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_of_no_faces_is_empty(channels: int) -> None:
    batch = FaceInput(channels=channels).batch(colourful(), [], TIGHT)
    assert batch.shape == (0, 48, 48, channels)
    assert batch.dtype == np.float32


def test_a_batch_is_its_faces_one_by_one() -> None:
    image = colourful(120, 160)
    face_input = FaceInput()
    faces = [
        a_face(Box(x, y, x + 40, y + 50)) for x, y in [(0, 0), (60, 30), (140, 100), (-30, 9)]
    ]
    batch = face_input.batch(image, faces, TIGHT)
    for row, face in zip(batch, faces, strict=True):
        crop = face_input.crop(image, face_input.square(face.box, TIGHT))
        assert np.array_equal(row, face_input.normalise(crop))
    assert len({row.tobytes() for row in batch}) == len(faces)
