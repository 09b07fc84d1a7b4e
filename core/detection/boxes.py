"""Many boxes at once: areas, sizes, overlaps."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def areas(boxes_xyxy: Boxes) -> NDArray[np.float64]:
    """Areas (n,) of boxes (n, 4); 0 where right is left of left or bottom above top."""
    return np.asarray(np.prod(np.clip(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0, None), axis=1))


def sizes_px(boxes_xyxy: Boxes) -> NDArray[np.float64]:
    """Sides (n,) of the squares that have the boxes' areas: one length for narrow and wide."""
    return np.asarray(np.sqrt(areas(boxes_xyxy)))


def intersections(boxes_xyxy: Boxes, others_xyxy: Boxes) -> NDArray[np.float64]:
    """Shared areas (n, m) of boxes (n, 4) and (m, 4)."""
    top_left = np.maximum(boxes_xyxy[:, None, :2], others_xyxy[None, :, :2])
    bottom_right = np.minimum(boxes_xyxy[:, None, 2:], others_xyxy[None, :, 2:])
    return np.asarray(np.prod(np.clip(bottom_right - top_left, 0, None), axis=2))


def ious(boxes_xyxy: Boxes, others_xyxy: Boxes) -> NDArray[np.float64]:
    """Intersections over unions (n, m), 0..1; 0 for boxes without area.

    Examples:
        >>> ious(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 4], [5, 5, 6, 6]])).tolist()
        [[0.5, 0.0]]
    """
    shared = intersections(boxes_xyxy, others_xyxy)
    union = areas(boxes_xyxy)[:, None] + areas(others_xyxy)[None] - shared
    return np.asarray(shared / np.where(union > 0, union, 1.0))
