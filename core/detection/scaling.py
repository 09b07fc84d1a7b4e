"""Making pictures smaller or larger before a detector reads them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import ImageRGB


def rescale(image_rgb: ImageRGB, scale: float) -> tuple[ImageRGB, NDArray[np.float64]]:
    """The image `scale` times as large, and what brings its pixels (x, y) to those of the given.

    Sides are rounded to whole pixels, at least one; an image whose size stays comes back as it is.
    """
    height, width = image_rgb.shape[:2]
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    if size_wh == (width, height):
        return image_rgb, np.ones(2)
    # Averaging keeps fine patterns from turning into coarse ones when pixels are merged.
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    rescaled = np.asarray(cv2.resize(image_rgb, size_wh, interpolation=method), np.uint8)
    return rescaled, np.array([width / size_wh[0], height / size_wh[1]])


def shrink(image_rgb: ImageRGB, max_side_px: int) -> tuple[ImageRGB, NDArray[np.float64]]:
    """`rescale` so that no side is over `max_side_px`; smaller images stay as they are."""
    return rescale(image_rgb, min(1.0, max_side_px / max(image_rgb.shape[:2])))
