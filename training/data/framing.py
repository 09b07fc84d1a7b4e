"""Tight crops put into surroundings, which detectors and the landmark mesh expect."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Box, Face, ImageRGB

ENLARGED_PX: Final = 192  # side of the crop in the frame; the frame is twice as wide


def framed(crop_grey: NDArray[np.uint8]) -> tuple[ImageRGB, Face]:
    """A crop, uint8 (S, S), enlarged inside a frame of its mean grey, and a face that is the crop.

    Returns:
        uint8 (2 * ENLARGED_PX, 2 * ENLARGED_PX, 3), and a `Face` whose box is the crop's place.
    """
    large = cv2.resize(crop_grey, (ENLARGED_PX,) * 2, interpolation=cv2.INTER_CUBIC)
    edge = ENLARGED_PX // 2
    canvas = cv2.copyMakeBorder(
        large, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=float(large.mean())
    )
    box = Box(edge, edge, edge + ENLARGED_PX, edge + ENLARGED_PX)
    image_rgb = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_GRAY2RGB), np.uint8)
    return image_rgb, Face(box, 1.0, np.empty((0, 2), np.float32), "crop")
