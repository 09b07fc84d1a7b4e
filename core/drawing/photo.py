"""Draw an analysis on a copy of its image."""

from functools import cache
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.types import Analysis, FaceAnalysis, ImageRGB, check_image_rgb

# One colour an expression, the same in every picture and chart: Okabe and Ito's palette for
# colour-blind readers, their black replaced by a grey that can be seen on dark ground.
EMOTION_COLOURS: Final[dict[str, str]] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "neutral": "#999999",
}
# The same hues as lines and bars of charts: at least 3:1 on white and on the dark theme's ground.
CHART_COLOURS: Final[dict[str, str]] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#C0669B",
    "happy": "#9E7B00",
    "sad": "#0072B2",
    "surprise": "#2F93CC",
    "neutral": "#82878D",
}
UNCERTAIN_COLOUR: Final = "#BBBBBB"

Colour = tuple[int, int, int]


def draw_analysis(image_rgb: ImageRGB, analysis: Analysis) -> ImageRGB:
    """A copy of `image_rgb` (height, width, 3) with a box and a label for each face.

    Boxes of uncertain and of too small faces are grey. A label has the face's number, which is
    its place in `analysis.faces` counted from 1, so that picture and table can be matched.
    """
    canvas = check_image_rgb(image_rgb).copy()
    thickness = max(2, round(max(canvas.shape[:2]) / 400))
    for face in analysis.faces:
        x_min, y_min, x_max, y_max = (round(value) for value in face.face.box.xyxy)
        colour = face_colour(face)
        cv2.rectangle(canvas, (x_min, y_min), (x_max, y_max), (0, 0, 0), thickness + 2)
        cv2.rectangle(canvas, (x_min, y_min), (x_max, y_max), colour, thickness)
    drawing = Image.fromarray(canvas)
    pen = ImageDraw.Draw(drawing)
    for number, face in enumerate(analysis.faces, start=1):
        _draw_label(pen, drawing.size, face, face_label(number, face))
    return np.array(drawing, np.uint8)


def face_label(number: int, face: FaceAnalysis) -> str:
    """What stands at the box, such as "2 happy 93 %"."""
    if face.scores is None:
        return f"{number} too small"
    if face.uncertain:
        return f"{number} uncertain"
    return f"{number} {face.scores.top} {100 * face.scores.top_probability:.0f} %"


def face_colour(face: FaceAnalysis) -> Colour:
    """RGB of the face's box."""
    if face.scores is None or face.uncertain:
        return rgb(UNCERTAIN_COLOUR)
    return rgb(EMOTION_COLOURS[face.scores.top])


def rgb(colour_hex: str) -> Colour:
    """`rgb("#FF8000")` is (255, 128, 0)."""
    return (int(colour_hex[1:3], 16), int(colour_hex[3:5], 16), int(colour_hex[5:7], 16))


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def _draw_label(
    pen: ImageDraw.ImageDraw, size_wh: tuple[int, int], face: FaceAnalysis, text: str
) -> None:
    """Black on the box's colour, above the box or, where there is no room, inside it."""
    box = face.face.box
    # Legible on the whole picture, yet not wider than crowded faces allow.
    size_px = int(min(max(box.size_wh[0] / 5, 11), max(size_wh) / 25, 48))
    font = _font(max(size_px, 11))
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = right - left + 8, bottom - top + 6
    x_min = min(max(box.x_min, 0), max(size_wh[0] - width, 0))
    y_min = box.y_min - height if box.y_min >= height else box.y_min
    y_min = min(max(y_min, 0), max(size_wh[1] - height, 0))
    pen.rectangle((x_min, y_min, x_min + width, y_min + height), fill=face_colour(face))
    pen.text((x_min + 4 - left, y_min + 3 - top), text, fill=(0, 0, 0), font=font)
