"""From the maps of `mien-face` to boxes and points: the arithmetic, without a runtime."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray

# Pixels between neighbouring cells on each of the network's three levels.
STRIDES = (8, 16, 32)
# A box of this many strides is what a cell says with zeros.
BOX_UNIT = 3.0
_LARGEST_LOG = 4.0  # of a size in units; keeps exp finite, whatever the network says


def cell_centres(height: int, width: int, stride: int) -> FloatArray:
    """Centres of a level's cells in pixels: (height, width, 2), x before y.

    Examples:
        >>> cell_centres(1, 2, 8).tolist()
        [[[4.0, 4.0], [12.0, 4.0]]]
    """
    x = (np.arange(width, dtype=np.float32) + 0.5) * stride
    y = (np.arange(height, dtype=np.float32) + 0.5) * stride
    return np.stack(np.meshgrid(x, y), axis=-1)


def decode_level(
    boxes: FloatArray, points: FloatArray, centres: FloatArray, stride: int
) -> tuple[FloatArray, FloatArray]:
    """What n cells of one level say: boxes (n, 4) and points (n, 5, 2), in the network's pixels.

    `boxes` are (n, 4), shift of the middle in strides, log of width and height in units; `points`
    (n, 10), shifts of five points from the cell's centre in units; `centres` are of
    `cell_centres`.
    """
    unit = stride * BOX_UNIT
    middle = centres + boxes[:, :2] * stride
    half = np.exp(np.clip(boxes[:, 2:], -_LARGEST_LOG, _LARGEST_LOG)) * (unit / 2)
    boxes_xyxy = np.concatenate([middle - half, middle + half], axis=1)
    points_xy = centres[:, None] + points.reshape(-1, 5, 2) * unit
    return boxes_xyxy.astype(np.float32), points_xy.astype(np.float32)


def faces_from_maps(
    maps: Sequence[FloatArray], threshold: float, overlap: float = 0.4
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Boxes (n, 4), points (n, 5, 2), confidences (n,) in a picture's pixels, surest first.

    `maps` has for each stride logits (h, w, 1), boxes (h, w, 4) and points (h, w, 10). Of two
    boxes that share more than `overlap` (IoU), the less sure one goes.
    """
    boxes, points, confidences = [], [], []
    for level, stride in enumerate(STRIDES):
        logits, box_map, point_map = maps[3 * level : 3 * level + 3]
        confidence = 1 / (1 + np.exp(-np.clip(logits[..., 0], -60, 60)))
        sure = confidence >= threshold
        height, width = confidence.shape
        centres = cell_centres(height, width, stride)[sure]
        level_boxes, level_points = decode_level(box_map[sure], point_map[sure], centres, stride)
        boxes.append(level_boxes)
        points.append(level_points)
        confidences.append(confidence[sure])
    boxes_xyxy, points_xy = np.concatenate(boxes), np.concatenate(points)
    all_confidences = np.concatenate(confidences).astype(np.float32)
    kept = suppress(boxes_xyxy, all_confidences, overlap)
    return boxes_xyxy[kept], points_xy[kept], all_confidences[kept]


def suppress(boxes_xyxy: FloatArray, confidences: FloatArray, overlap: float) -> NDArray[np.int64]:
    """Rows of the boxes (n, 4) that stay, surest first: one for each face, not one a cell."""
    if not len(boxes_xyxy):
        return np.empty(0, np.int64)
    xywh = boxes_xyxy.copy()
    xywh[:, 2:] -= xywh[:, :2]
    kept = cv2.dnn.NMSBoxes(xywh.tolist(), confidences.tolist(), 0.0, overlap)
    return np.asarray(kept, np.int64).reshape(-1)
