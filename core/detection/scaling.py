"""Making pictures smaller or larger before a detector reads them."""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Box, Face, ImageRGB

# Detectors shrink a photo whose longest side is beyond this: that bounds the time.
LONGEST_SIDE_PX: Final = 800


def rescale(image_rgb: ImageRGB, scale: float) -> tuple[ImageRGB, NDArray[np.float64]]:
    """The image `scale` times as large, and what brings its pixels (x, y) to those of the given.

    Sides are rounded to whole pixels, at least one; an image whose size stays comes back as it is.
    """
    height, width = image_rgb.shape[:2]
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    if size_wh == (width, height):
        return image_rgb, np.ones(2)
    # Halving by interpolation is the average of four pixels: fine patterns do not turn into coarse
    # ones, and it takes an eighth of the time of OpenCV's averaging over other areas.
    smaller = image_rgb
    while smaller.shape[1] >= 2 * size_wh[0] and smaller.shape[0] >= 2 * size_wh[1]:
        smaller = _resized(smaller, (smaller.shape[1] // 2, smaller.shape[0] // 2))
    return _resized(smaller, size_wh), np.array([width / size_wh[0], height / size_wh[1]])


def _resized(image_rgb: ImageRGB, size_wh: tuple[int, int]) -> ImageRGB:
    return np.asarray(cv2.resize(image_rgb, size_wh, interpolation=cv2.INTER_LINEAR), np.uint8)


def shrink(image_rgb: ImageRGB, max_side_px: int) -> tuple[ImageRGB, NDArray[np.float64]]:
    """`rescale` so that no side is over `max_side_px`; smaller images stay as they are."""
    return rescale(image_rgb, min(1.0, max_side_px / max(image_rgb.shape[:2])))


def moved(face: Face, scale: float, start_xy: tuple[int, int] = (0, 0)) -> Face:
    """From pixels of a part that begins at `start_xy` of a picture `scale` times as large."""
    start = np.array(start_xy, np.float64)
    corners = (np.array(face.box.xyxy) + np.tile(start, 2)) / scale
    points = ((face.keypoints_xy + start) / scale).astype(np.float32)
    return replace(face, box=Box(*corners.tolist()), keypoints_xy=points)
