"""Pictures for the screen, encoded once: a photo with its boxes, and each of its faces."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from core.drawing.photo import draw_analysis
from core.pictures.quarter_turns import upright
from core.types import Analysis, FaceAnalysis, ImageRGB

SHOWN_SIDE_PX: Final = 1280  # what a screen shows, and a tenth of the bytes to send
_FACE_SIDE_PX: Final = 160  # twice what a card shows, for screens of two pixels a point
_FACE_MARGIN: Final = 0.15
_QUALITY: Final = 85


@dataclass(frozen=True, eq=False)
class Shown:
    """What a page shows: the photo, upright with boxes, if at all, and a picture a face."""

    picture_jpeg: bytes | None
    faces_jpeg: tuple[bytes, ...]


def shown_of(image_rgb: ImageRGB, analysis: Analysis, *, faces_only: bool = False) -> Shown:
    """Draw and encode what is shown of an analysis of `image_rgb`, (height, width, 3).

    With `faces_only` the photo itself is left out, as for one of thousands.
    """
    standing_rgb, standing = upright(image_rgb, analysis)
    return Shown(
        None
        if faces_only
        else jpeg(draw_analysis(standing_rgb, standing, max_side_px=SHOWN_SIDE_PX)),
        tuple(jpeg(_cut(face, standing_rgb)) for face in standing.faces),
    )


def jpeg(image_rgb: ImageRGB, *options: int) -> bytes:
    """Encode (height, width, 3 or 1) as people look at it: no difference is seen, half the bytes.

    `options` are further ones of `cv2.imencode`.
    """
    grey = image_rgb.shape[-1] == 1
    pixels = image_rgb if grey else cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    done, data = cv2.imencode(".jpg", pixels, [*quality, *options])
    if not done:
        raise ValueError(f"an image of shape {image_rgb.shape} cannot be encoded")
    return data.tobytes()


def address(data_jpeg: bytes) -> str:
    """An address for HTML that carries the picture itself, so that nothing is served twice."""
    return "data:image/jpeg;base64," + base64.b64encode(data_jpeg).decode()


def square_of(image_rgb: ImageRGB, side_px: int) -> ImageRGB:
    """The upper middle of a picture as a square of `side_px`."""
    height, width = image_rgb.shape[:2]
    side = min(height, width)
    left = (width - side) // 2
    return _resized(image_rgb[:side, left : left + side], (side_px, side_px))


def _cut(face: FaceAnalysis, image_rgb: ImageRGB) -> ImageRGB:
    """The face with a little around it, `_FACE_SIDE_PX` wide."""
    height, width = image_rgb.shape[:2]
    box = face.face.box
    margin = _FACE_MARGIN * max(box.size_wh)
    x_min, y_min = max(int(box.x_min - margin), 0), max(int(box.y_min - margin), 0)
    x_max = max(min(int(box.x_max + margin), width), x_min + 1)
    y_max = max(min(int(box.y_max + margin), height), y_min + 1)
    cut = image_rgb[y_min:y_max, x_min:x_max]
    scale = _FACE_SIDE_PX / max(cut.shape[1], 1)
    return _resized(cut, (_FACE_SIDE_PX, max(round(cut.shape[0] * scale), 1)))


def fitted(image_rgb: ImageRGB, side_px: int, *, enlarge: bool = True) -> ImageRGB:
    """The picture in a size at which its longer side has `side_px`, at most if not enlarged."""
    height, width = image_rgb.shape[:2]
    scale = side_px / max(height, width)
    if not enlarge:
        scale = min(scale, 1.0)
    return _resized(image_rgb, (max(round(width * scale), 1), max(round(height * scale), 1)))


def _resized(image_rgb: ImageRGB, size_wh: Sequence[int]) -> ImageRGB:
    method = cv2.INTER_AREA if size_wh[0] < image_rgb.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image_rgb, tuple(size_wh), interpolation=method), np.uint8)
