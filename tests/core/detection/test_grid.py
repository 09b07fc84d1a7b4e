"""What the cells of our detector say, in pixels."""

import numpy as np
import pytest

from core.detection.boxes import ious
from core.detection.detectors.grid import (
    BOX_UNIT,
    STRIDES,
    cell_centres,
    decode_level,
    faces_from_maps,
    suppress,
)
from core.types import FloatArray


def silent_maps(height_px: int = 128, width_px: int = 192) -> list[FloatArray]:
    """Maps in which no cell is sure of anything."""
    maps: list[FloatArray] = []
    for stride in STRIDES:
        size = (height_px // stride, width_px // stride)
        maps.append(np.full((*size, 1), -20, np.float32))
        maps.append(np.zeros((*size, 4), np.float32))
        maps.append(np.zeros((*size, 10), np.float32))
    return maps


def test_silent_cells_hold_no_face() -> None:
    boxes, points, confidences = faces_from_maps(silent_maps(), 0.01)
    assert boxes.shape == (0, 4)
    assert points.shape == (0, 5, 2)
    assert confidences.shape == (0,)


@pytest.mark.parametrize("level", range(len(STRIDES)))
def test_a_cell_of_zeros_says_a_box_of_one_unit_about_its_middle(level: int) -> None:
    maps, stride = silent_maps(), STRIDES[level]
    maps[3 * level][2, 1] = 0.0  # third row, second column
    boxes, points, confidences = faces_from_maps(maps, 0.4)
    middle = np.array([1.5 * stride, 2.5 * stride])
    half = stride * BOX_UNIT / 2
    assert boxes == pytest.approx(np.array([[*(middle - half), *(middle + half)]]))
    assert points == pytest.approx(np.tile(middle, (1, 5, 1)))
    assert confidences == pytest.approx([0.5])


def test_shifts_are_in_strides_sizes_in_powers_of_e_points_in_units() -> None:
    boxes, points = decode_level(
        np.array([[0.5, -1, np.log(2), 0]], np.float32),
        np.array([[1, 0, 0, 1, -1, 0, 0, -1, 0.5, 0.5]], np.float32),
        np.array([[100, 200]], np.float32),
        8,
    )
    # Middle (104, 192), width 2 * 24, height 24.
    assert boxes == pytest.approx(np.array([[80, 180, 128, 204]]), abs=1e-3)
    expected = [[124, 200], [100, 224], [76, 200], [100, 176], [112, 212]]
    assert points[0] == pytest.approx(np.array(expected, np.float32))


def test_a_wild_size_stays_finite() -> None:
    maps = silent_maps()
    maps[0][0, 0], maps[1][0, 0] = 5, 1e4
    boxes, _, _ = faces_from_maps(maps, 0.5)
    assert np.isfinite(boxes).all()


def test_of_neighbours_that_mean_one_face_the_surest_stays() -> None:
    maps = silent_maps()
    maps[0][5, 5], maps[0][5, 6], maps[0][5, 20] = 1, 3, 2
    boxes, _, confidences = faces_from_maps(maps, 0.5)
    assert confidences == pytest.approx(1 / (1 + np.exp([-3, -2])))
    assert (boxes[:, 0] + boxes[:, 2]) / 2 == pytest.approx([6.5 * 8, 20.5 * 8])


@pytest.mark.parametrize("seed", range(5))
def test_kept_boxes_are_those_that_greedy_suppression_by_hand_keeps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 60, (40, 2)), rng.uniform(10, 40, (40, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    confidences = rng.permutation(np.linspace(0.05, 0.95, 40)).astype(np.float32)
    overlaps = ious(boxes.astype(np.float64), boxes.astype(np.float64))
    expected: list[int] = []
    for row in np.argsort(-confidences):
        if all(overlaps[row, other] <= 0.4 for other in expected):
            expected.append(int(row))
    assert suppress(boxes, confidences, 0.4).tolist() == expected


def test_centres_are_x_before_y() -> None:
    centres = cell_centres(2, 3, 16)
    assert centres.shape == (2, 3, 2)
    assert centres[1, 2].tolist() == [40.0, 24.0]
