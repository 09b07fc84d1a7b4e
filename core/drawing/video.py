"""Draw tracked faces into a frame, fast enough for live video.

Only the labels go through Pillow, and only when their text changes: a frame costs 0.1 ms.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from core.drawing.photo import Colour, answer_colour, draw_box, font, font_px, ink, labels
from core.stream.frames import TrackedFace
from core.types import ImageRGB

_MAX_LABELS: Final = 512


def draw_faces(image_rgb: ImageRGB, faces: tuple[TrackedFace, ...]) -> ImageRGB:
    """Draw a box and a label for each face into `image_rgb` itself, and return it."""
    height, width = image_rgb.shape[:2]
    thickness = max(2, round(max(height, width) / 320))
    for face in faces:
        draw_box(image_rgb, face.box, answer_colour(face.answer), thickness)
    size_px = font_px((width, height))
    for label in labels([(face.id, face.answer, face.box) for face in faces], (width, height)):
        size_wh = (round(label.box.size_wh[0]), round(label.box.size_wh[1]))
        x, y = round(label.box.x_min), round(label.box.y_min)
        patch = _patch(label.text, label.colour, size_px, size_wh)
        target = image_rgb[y : y + patch.shape[0], x : x + patch.shape[1]]
        target[:] = patch[: target.shape[0], : target.shape[1]]
    return image_rgb


@lru_cache(maxsize=_MAX_LABELS)
def _patch(text: str, colour: Colour, size_px: int, size_wh: tuple[int, int]) -> ImageRGB:
    """`text` on `colour` as pixels (height, width, 3)."""
    picture = Image.new("RGB", size_wh, colour)
    middle = (size_wh[0] / 2, size_wh[1] / 2)
    ImageDraw.Draw(picture).text(middle, text, fill=ink(colour), font=font(size_px), anchor="mm")
    return np.array(picture, np.uint8)
