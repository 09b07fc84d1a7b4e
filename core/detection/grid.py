"""From the maps of `mien-face` to boxes and points: the arithmetic, without a runtime."""

import numpy as np

from core.types import FloatArray

# Pixels between neighbouring cells on each of the network's three levels.
STRIDES = (8, 16, 32)
# A box of this many strides is what a cell says with zeros.
BOX_UNIT = 3.0
_LARGEST_LOG = 4.0  # of a size in units; keeps exp finite, whatever the network says


def cell_centres(height: int, width: int, stride: int) -> FloatArray:
    """Centres of a level's cells in pixels: (height, width, 2), x before y.

    Example:
        >>> cell_centres(1, 2, 8).tolist()
        [[[4.0, 4.0], [12.0, 4.0]]]
    """
    x = (np.arange(width, dtype=np.float32) + 0.5) * stride
    y = (np.arange(height, dtype=np.float32) + 0.5) * stride
    return np.stack(np.meshgrid(x, y), axis=-1)


def decode_level(
    boxes: FloatArray, points: FloatArray, centres: FloatArray, stride: int
) -> tuple[FloatArray, FloatArray]:
    """What n cells of one level say, in pixels of the network's picture.

    Args:
        boxes: (n, 4), shift of the middle in strides, log of width and height in units.
        points: (n, 10), shifts of five points from the cell's centre in units.
        centres: (n, 2), of `cell_centres`.
        stride: of the level.

    Returns:
        boxes_xyxy (n, 4) and points_xy (n, 5, 2).
    """
    unit = stride * BOX_UNIT
    middle = centres + boxes[:, :2] * stride
    half = np.exp(np.clip(boxes[:, 2:], -_LARGEST_LOG, _LARGEST_LOG)) * (unit / 2)
    boxes_xyxy = np.concatenate([middle - half, middle + half], axis=1)
    points_xy = centres[:, None] + points.reshape(-1, 5, 2) * unit
    return boxes_xyxy.astype(np.float32), points_xy.astype(np.float32)
