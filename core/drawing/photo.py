"""Draw an analysis on a copy of its image, so that it can be read at the size it is shown in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, product
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.expression.answer import short, shortest
from core.types import Analysis, Answer, Box, ImageRGB, check_image_rgb

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
# Of faces on which people would not agree, or that are too small.
UNCLEAR_COLOUR: Final = "#DDDDDD"

# A picture fills the width it is shown in, which is 360 pixels on a phone: letters have 11 there.
FONT_SHARE: Final = 1 / 33
_LEAST_FONT_PX: Final = 11

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Label:
    """Text in a rectangle; `box` in pixels of the picture that is drawn on."""

    text: str
    box: Box
    colour: Colour


def draw_analysis(
    image_rgb: ImageRGB, analysis: Analysis, *, max_side_px: int | None = None
) -> ImageRGB:
    """A copy of `image_rgb` (height, width, 3) with a box and a label for each face.

    Of several faces each label begins with the face's number, which is its place in
    `analysis.faces` counted from 1, so that picture and table can be matched; where labels would
    cover each other it is less.

    The copy is shrunk to `max_side_px` first, for letters and lines keep their size.

    Examples:
        >>> nobody = Analysis((200, 100), (), "mien-fast", "yunet", {})
        >>> draw_analysis(np.zeros((100, 200, 3), np.uint8), nobody, max_side_px=100).shape
        (50, 100, 3)
    """
    canvas, scale = _shrunk(check_image_rgb(image_rgb), max_side_px)
    thickness = max(2, round(max(canvas.shape[:2]) / 400))
    marks = [
        (number, face.answer, face.face.box.scaled(scale))
        for number, face in enumerate(analysis.faces, start=1)
    ]
    for _, answer, box in marks:
        draw_box(canvas, box, answer_colour(answer), thickness)
    drawing = Image.fromarray(canvas)
    pen = ImageDraw.Draw(drawing)
    letters = font(font_px(drawing.size))
    for label in labels(marks, drawing.size):
        pen.rectangle(label.box.xyxy, fill=label.colour)
        x, y = label.box.centre_xy
        pen.text((x, y), label.text, fill=ink(label.colour), font=letters, anchor="mm")
    return np.array(drawing, np.uint8)


def draw_box(canvas: ImageRGB, box: Box, colour: Colour, thickness: int) -> None:
    """A box with a dark edge, on `canvas` itself."""
    x_min, y_min, x_max, y_max = (round(value) for value in box.xyxy)
    cv2.rectangle(canvas, (x_min, y_min), (x_max, y_max), (0, 0, 0), thickness + 2)
    cv2.rectangle(canvas, (x_min, y_min), (x_max, y_max), colour, thickness)


def font_px(size_wh: tuple[int, int]) -> int:
    """Height of the letters in a picture of this size, in its pixels."""
    return max(round(size_wh[0] * FONT_SHARE), _LEAST_FONT_PX)


def labels(marks: Sequence[tuple[int, Answer, Box]], size_wh: tuple[int, int]) -> list[Label]:
    """What is written into a picture of `size_wh`, and where.

    In full where there is room; else one word a face; else, in a crowd, its number alone. Of each
    face `marks` has number, answer and its box in the picture that is drawn on. A first face that
    is alone has no number: "1 happy" would be read as a count.
    """
    alone = [number for number, _, _ in marks] == [1]
    ways: tuple[Callable[[Answer], str], ...] = (short, shortest, lambda _: "")
    placed: list[Label] = []
    for way in ways:
        placed = [
            _label(
                way(answer) if alone else f"{number}: {way(answer)}".removesuffix(": "),
                answer_colour(answer),
                box,
                size_wh,
            )
            for number, answer, box in marks
        ]
        if not _cover(placed, [box for _, _, box in marks]):
            break
    return placed


def _cover(placed: list[Label], faces: list[Box]) -> bool:
    """Whether a label lies on another one, or on another face."""
    return any(one.box.iou(other.box) > 0 for one, other in combinations(placed, 2)) or any(
        label.box.iou(face) > 0
        for (at, label), (of, face) in product(enumerate(placed), enumerate(faces))
        if at != of
    )


def answer_colour(answer: Answer) -> Colour:
    """RGB of the face's box: that of the label that most people would choose."""
    return rgb(EMOTION_COLOURS[str(answer.top)] if answer.agreed else UNCLEAR_COLOUR)


def rgb(colour_hex: str) -> Colour:
    """`rgb("#FF8000")` is (255, 128, 0)."""
    return (int(colour_hex[1:3], 16), int(colour_hex[3:5], 16), int(colour_hex[5:7], 16))


def ink(ground: Colour) -> Colour:
    """Black or white, whichever is read better on `ground` (WCAG's relative luminance)."""
    linear = [(c / 255) ** 2.2 for c in ground]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.18 else (255, 255, 255)


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The letters of all pictures."""
    return ImageFont.load_default(size_px)


def _label(text: str, colour: Colour, box: Box, size_wh: tuple[int, int]) -> Label:
    """Above the face's `box`, where there is no room below it, else inside."""
    size_px = font_px(size_wh)
    width, height = _text_width(text, size_px) + 0.6 * size_px, 1.4 * size_px
    x_min = min(max(box.x_min, 0), max(size_wh[0] - width, 0))
    y_min = box.y_min
    if box.y_min >= height:
        y_min = box.y_min - height
    elif box.y_max + height <= size_wh[1]:
        y_min = box.y_max
    y_min = min(max(y_min, 0), max(size_wh[1] - height, 0))
    return Label(text, Box(x_min, y_min, x_min + width, y_min + height), colour)


@lru_cache(maxsize=512)
def _text_width(text: str, size_px: int) -> float:
    left, _, right, _ = font(size_px).getbbox(text)
    return right - left


def _shrunk(image_rgb: ImageRGB, max_side_px: int | None) -> tuple[ImageRGB, float]:
    """A copy with no side over `max_side_px`, and by what it was scaled (at most 1)."""
    height, width = image_rgb.shape[:2]
    scale = min(1.0, max_side_px / max(height, width)) if max_side_px else 1.0
    if scale == 1:
        return image_rgb.copy(), 1.0
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(image_rgb, size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), scale
