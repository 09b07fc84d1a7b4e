"""Random views and looks of photos, and what becomes of the boxes."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

from training.detector.looks import random_look, wear_mask
from training.detector.photos import Annotation, TrainingPhoto
from training.detector.views import (
    ViewOptions,
    clipped,
    moved,
    random_picture,
    random_view,
    view_matrix,
)

pytestmark = pytest.mark.train

SIDE_PX = 160


def marked_photo() -> TrainingPhoto:
    """A dark photo with a bright ellipse in the box, and a blue spot at each "right eye"."""
    image = np.full((200, 300, 3), 30, np.uint8)
    boxes = np.array([[40, 50, 100, 130], [180, 60, 230, 110]], np.float32)
    points = np.empty((2, 5, 2), np.float32)
    for row, (x0, y0, x1, y1) in enumerate(boxes):
        middle, half = (
            (int(x0 + x1) // 2, int(y0 + y1) // 2),
            (int(x1 - x0) // 2, int(y1 - y0) // 2),
        )
        cv2.ellipse(image, middle, half, 0, 0, 360, (220, 220, 220), -1)
        eye = (middle[0] - half[0] // 2, middle[1] - half[1] // 3)
        cv2.circle(image, eye, 6, (0, 0, 255), -1)
        points[row] = middle
        points[row, 0] = eye
    return TrainingPhoto(image, Annotation(boxes, points, np.empty((0, 4), np.float32)))


def bright_box(picture: NDArray[np.uint8], near: NDArray[np.float32]) -> NDArray[np.float64]:
    """The box of the bright (or blue) pixels around the middle of `near`."""
    bright = (picture.max(axis=2) > 100).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright)
    x, y = ((near[:2] + near[2:]) / 2).astype(int)
    left, top, width, height = stats[labels[y, x], :4]
    return np.array([left, top, left + width, top + height], np.float64)


OPTIONS = ViewOptions(face_px=(30, 60), mosaic_share=0, turn_share=1)


@pytest.mark.parametrize("seed", range(12))
def test_boxes_lie_where_the_faces_went(seed: int) -> None:
    """Read back from the pixels of the view."""
    rng = np.random.default_rng(seed)
    photo = marked_photo()
    picture, found = random_view(photo, (SIDE_PX, SIDE_PX), OPTIONS, rng)
    for box in found.boxes_xyxy:
        if box.min() < 2 or box.max() > SIDE_PX - 2:  # cut: the middle may lie elsewhere
            continue
        seen = bright_box(picture, box)
        assert seen == pytest.approx(box, abs=3.5), (seen, box)


def test_in_a_mirrored_view_the_persons_right_eye_is_the_other_one() -> None:
    photo = marked_photo()
    matrix = view_matrix(1.0, 0.0, np.array([150, 100]), (300, 200), mirror=True)
    mirrored = moved(photo.annotation, matrix, mirror=True)
    # The picture's blue spot, which was the right eye, is the left one now.
    spot = photo.annotation.points_xy[0, 0]
    assert mirrored.points_xy[0, 1] == pytest.approx([300 - spot[0], spot[1]], abs=1e-3)
    assert mirrored.boxes_xyxy[0] == pytest.approx([200, 50, 260, 130], abs=1e-3)


def test_a_face_half_outside_is_cut_and_one_nearly_outside_ignored() -> None:
    boxes = np.array([[-10, 10, 20, 40], [-25, 10, 5, 40], [50, 50, 54, 54]], np.float32)
    points = np.full((3, 5, 2), 15, np.float32)
    points[0, 0] = -5
    view = clipped(Annotation(boxes, points, np.empty((0, 4), np.float32)), (100, 100))
    assert view.boxes_xyxy.tolist() == [[0, 10, 20, 40]]
    assert np.isnan(view.points_xy).all()  # one of the eyes is outside
    assert view.ignored_xyxy.tolist() == [[0, 10, 5, 40], [50, 50, 54, 54]]


@pytest.mark.parametrize("seed", range(6))
def test_everything_known_of_a_mosaic_lies_inside_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    photo = marked_photo()
    options = ViewOptions(mosaic_share=1)
    picture, found = random_picture(lambda _: photo, photo, SIDE_PX, options, rng)
    assert picture.shape == (SIDE_PX, SIDE_PX, 3)
    for boxes in (found.boxes_xyxy, found.ignored_xyxy):
        assert (boxes >= 0).all()
        assert (boxes <= SIDE_PX).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert len(found.points_xy) == len(found.boxes_xyxy)


def test_the_same_seed_gives_the_same_picture() -> None:
    photo = marked_photo()
    one, other = (
        random_look(*random_view(photo, (96, 96), OPTIONS, rng), rng)
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )
    assert np.array_equal(one, other)


def test_a_photo_without_faces_is_background() -> None:
    none = np.empty((0, 4), np.float32)
    photo = TrainingPhoto(
        np.zeros((50, 70, 3), np.uint8), Annotation(none, np.empty((0, 5, 2), np.float32), none)
    )
    picture, found = random_view(photo, (64, 64), OPTIONS, np.random.default_rng(0))
    assert picture.shape == (64, 64, 3)
    assert len(found.boxes_xyxy) == len(found.ignored_xyxy) == 0


@pytest.mark.parametrize("known", [True, False])
def test_a_mask_covers_the_mouth_and_leaves_the_eyes(known: bool) -> None:
    rng = np.random.default_rng(1)
    box = np.array([30, 20, 90, 100], np.float32)
    eyes_mouth = [[45, 48], [75, 48], [60, 64], [48, 82], [72, 82]]
    points = np.array(eyes_mouth, np.float32) if known else np.full((5, 2), np.nan, np.float32)
    for _ in range(10):
        image = np.full((120, 120, 3), 128, np.uint8)
        wear_mask(image, box, points, rng)
        changed = (image != 128).any(axis=2)
        assert changed[82, 48:72].mean() > 0.9
        assert not changed[:50].any()
        assert not changed[:, :20].any()
        assert not changed[:, 100:].any()


def test_a_look_leaves_the_photo_as_it_was() -> None:
    photo = marked_photo()
    before = photo.image_rgb.copy()
    changed = 0
    for seed in range(8):
        look = random_look(photo.image_rgb, photo.annotation, np.random.default_rng(seed))
        assert look.shape == before.shape
        assert look.dtype == np.uint8
        changed += not np.array_equal(look, before)
    assert np.array_equal(photo.image_rgb, before)
    assert changed >= 6
