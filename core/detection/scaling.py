"""Making pictures smaller before a detector reads them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import ImageRGB


def shrink(image_rgb: ImageRGB, max_side_px: int) -> tuple[ImageRGB, NDArray[np.float64]]:
    """The image with no side over `max_side_px`, and what brings its pixels (x, y) to the full's.

    Images that are small enough come back as they are.
    """
    height, width = image_rgb.shape[:2]
    scale = min(1.0, max_side_px / max(height, width))
    if scale == 1:
        return image_rgb, np.ones(2)
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = np.asarray(cv2.resize(image_rgb, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return small, np.array([width / size_wh[0], height / size_wh[1]])
