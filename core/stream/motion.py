"""Where a face has moved since the frame before: median flow.

Kalal, Mikolajczyk and Matas 2010, "Forward-Backward Error: Automatic Detection of Tracking
Failures" (ICPR): points are followed forwards and back again, those that do not return are
dropped, and the median of the rest moves and scales the box. It costs half a millisecond where
a detector costs five.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Box, FloatArray

Grey = NDArray[np.uint8]

_POINTS_PER_SIDE: Final = 6
_INNER_SHARE: Final = 0.8  # the corners of a box show background
_MAX_RETURN_ERROR_PX: Final = 1.0
_MIN_GOOD_SHARE: Final = 0.4
_MAX_SCALE_STEP: Final = 1.2
_WINDOW_WH: Final = (15, 15)
_PYRAMID_LEVELS: Final = 3


def follow(before: Grey, now: Grey, box: Box) -> Box | None:
    """The box in frame `now` of a face that was in `box` in frame `before`, both (height, width).

    None where too few points could be followed: hidden, blurred, or a cut of the film.
    """
    height, width = before.shape
    starts = _grid(box)
    inside = ((starts >= 0) & (starts < (width, height))).all(axis=1)
    starts = starts[inside]
    if len(starts) < 4:
        return None
    ends, good = _flow(before, now, starts)
    if good.mean() < _MIN_GOOD_SHARE or good.sum() < 4:
        return None
    return _moved(box, starts[good], ends[good])


def _grid(box: Box) -> FloatArray:
    """Points (36, 2) spread over the inner part of `box`."""
    steps = np.linspace(-_INNER_SHARE / 2, _INNER_SHARE / 2, _POINTS_PER_SIDE)
    x, y = np.meshgrid(steps, steps)
    offsets = np.stack([x.ravel(), y.ravel()], axis=1) * box.size_wh
    return (offsets + box.centre_xy).astype(np.float32)


def _flow(before: Grey, now: Grey, starts: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Where each point (n, 2) went, and whether it came back when followed backwards."""
    points = starts.reshape(-1, 1, 2)
    ends, found, _ = cv2.calcOpticalFlowPyrLK(
        before, now, points, points.copy(), winSize=_WINDOW_WH, maxLevel=_PYRAMID_LEVELS
    )
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(
        now, before, ends, ends.copy(), winSize=_WINDOW_WH, maxLevel=_PYRAMID_LEVELS
    )
    error_px = np.linalg.norm((back - points).reshape(-1, 2), axis=1)
    good = (found.ravel() == 1) & (found_back.ravel() == 1) & (error_px < _MAX_RETURN_ERROR_PX)
    return ends.reshape(-1, 2).astype(np.float32), np.asarray(good, np.bool_)


def _moved(box: Box, starts: FloatArray, ends: FloatArray) -> Box | None:
    """`box` shifted by the median and scaled by the median ratio of distances."""
    shift_xy = np.median(ends - starts, axis=0)
    first, second = np.triu_indices(len(starts), k=1)
    lengths_before = np.linalg.norm(starts[first] - starts[second], axis=1)
    lengths_now = np.linalg.norm(ends[first] - ends[second], axis=1)
    scale = float(np.median(lengths_now / np.maximum(lengths_before, 1e-6)))
    if not 1 / _MAX_SCALE_STEP < scale < _MAX_SCALE_STEP:
        return None
    half_wh = np.array(box.size_wh) * scale / 2
    centre_xy = np.array(box.centre_xy) + shift_xy
    x_min, y_min = (centre_xy - half_wh).tolist()
    x_max, y_max = (centre_xy + half_wh).tolist()
    return Box(x_min, y_min, x_max, y_max)
