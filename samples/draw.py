"""Draws the sample faces of nobody: `.venv/bin/python samples/draw.py`.

For five expressions no photo in the public domain was found, so these are drawings of our own, and
are called so. A face is built from what facial coding (FACS) calls action units; `FACES` says
which ones an expression has, as EMFACS lists them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
SIDE = 480  # pixels of a finished drawing
_FINER = 3  # drawn so many times larger, for smooth edges
Canvas = NDArray[np.float32]
Points = Sequence[tuple[float, float]]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Units:
    """How strongly each action unit acts, 0 (at rest) to 1.

    Attributes are named by what moves: AU1, AU2, AU4, AU5, AU7, AU6, AU9, AU10, AU12, AU15, AU20,
    AU23, AU26 in this order.
    """

    brow_inner_up: float = 0
    brow_outer_up: float = 0
    brow_down: float = 0
    lid_up: float = 0
    lid_tight: float = 0
    cheek_up: float = 0
    nose_wrinkled: float = 0
    upper_lip_up: float = 0
    corner_up: float = 0
    corner_down: float = 0
    lips_stretched: float = 0
    lips_tight: float = 0
    jaw_down: float = 0


@dataclass(frozen=True)
class Looks:
    """What a drawn person looks like."""

    skin: Colour
    hair: Colour
    iris: Colour
    long_hair: bool = False
    brow: float = 1.0
    ground: Colour = (196, 205, 212)


class Drawing:
    """A canvas that paints soft or sharp shapes; coordinates are 0..100 of its sides."""

    def __init__(self, ground: Colour, *, fade: bool = True) -> None:
        """A ground that is a little lighter above."""
        side = SIDE * _FINER
        light = np.linspace(1.06, 0.9, side, dtype=np.float32) if fade else np.ones(side, "f4")
        ground_rgb = np.array(ground, np.float32) * light[:, None, None]
        self.canvas: Canvas = np.clip(ground_rgb, 0, 255).repeat(side, 1)

    def shape(
        self, points: Points, colour: Colour, *, alpha: float = 1.0, soft: float = 0.0
    ) -> None:
        """Fill a smooth closed shape through `points`; `soft` is the width of its border."""
        outline = _smooth(points, closed=True)
        self._blend([outline], colour, alpha, soft, thickness=-1)

    def line(
        self, points: Points, colour: Colour, width: float, *, alpha: float = 1.0, soft: float = 0
    ) -> None:
        """A smooth line through `points`."""
        thickness = max(round(width * SIDE * _FINER / 100), 1)
        self._blend([_smooth(points, closed=False)], colour, alpha, soft, thickness=thickness)

    def dot(
        self, x: float, y: float, r: float, colour: Colour, *, alpha: float = 1, soft: float = 0
    ) -> None:
        """A disc."""
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        points = [(x + r * float(np.cos(a)), y + r * float(np.sin(a))) for a in angle]
        self.shape(points, colour, alpha=alpha, soft=soft)

    def finished(self) -> NDArray[np.uint8]:
        """The drawing at its size, with the grain of paper; RGB."""
        small = cv2.resize(self.canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        grain = np.random.default_rng(1).normal(0, 2.5, (SIDE, SIDE, 1))
        return np.asarray(np.clip(small + grain, 0, 255), np.uint8)

    def _blend(
        self, outlines: list[NDArray[np.float32]], colour: Colour, alpha: float, soft: float,
        *, thickness: int,
    ) -> None:  # fmt: skip
        side = SIDE * _FINER
        border = round(3 * soft * side / 100) + max(thickness, 0) + 2
        pixels = [np.round(outline * side / 100).astype(np.int32) for outline in outlines]
        every = np.concatenate(pixels)
        x_min, y_min = np.clip(every.min(axis=0) - border, 0, side)
        x_max, y_max = np.clip(every.max(axis=0) + border, 0, side)
        part = self.canvas[y_min:y_max, x_min:x_max]
        if not part.size:
            return
        mask = np.zeros(part.shape[:2], np.float32)
        pixels = [outline - (x_min, y_min) for outline in pixels]
        if thickness < 0:
            cv2.fillPoly(mask, pixels, 1.0)
        else:
            cv2.polylines(mask, pixels, False, 1.0, thickness)
        if soft:
            mask = cv2.GaussianBlur(mask, (0, 0), soft * side / 100)
        part += (alpha * mask)[..., None] * (np.array(colour, np.float32) - part)


def _smooth(points: Points, *, closed: bool) -> NDArray[np.float32]:
    """Catmull-Rom through the points, (n, 2)."""
    given = np.array(points, np.float32)
    ends = (given[-1:], given[:2]) if closed else (given[:1], given[-1:])
    padded = np.concatenate([ends[0], given, ends[1]])
    pieces = []
    t = np.linspace(0, 1, 14, endpoint=False, dtype=np.float32)[:, None]
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(
            b
            + 0.5 * (c - a) * t
            + 0.5 * (2 * a - 5 * b + 4 * c - d) * t**2
            + 0.5 * (3 * b - a - 3 * c + d) * t**3
        )
    return np.concatenate([*pieces, padded[-2:-1]])


def _points(text: str) -> Points:
    """Points from "x,y x,y", as in a path of SVG."""
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def darker(colour: Colour, share: float) -> Colour:
    """The colour with `share` of its light."""
    red, green, blue = (round(share * value) for value in colour)
    return red, green, blue


def draw(units: Units, looks: Looks, *, plain: bool = False) -> NDArray[np.uint8]:
    """One face, RGB (SIDE, SIDE, 3); `plain` leaves the ground of one colour."""
    page = Drawing(looks.ground, fade=not plain)
    _head(page, units, looks)
    for side in (-1, 1):
        _eye(page, units, looks, side)
        _brow(page, units, looks, side)
    _nose(page, units, looks)
    _mouth(page, units, looks)
    return page.finished()


def _mirrored(points: Points, side: int) -> Points:
    return [(50 + side * x, y) for x, y in points]


def _head(page: Drawing, units: Units, looks: Looks) -> None:
    skin, jaw = looks.skin, 3.2 * units.jaw_down
    if looks.long_hair:
        page.shape(_points("50,8 24,17 17,45 20,82 50,88 80,82 83,45 76,17"), looks.hair)
    page.shape(_points("10,108 20,93 40,88 60,88 80,93 90,108"), (70, 88, 110))
    page.shape(_points("40,70 60,70 61,92 50,96 39,92"), darker(skin, 0.78))
    for side in (-1, 1):
        page.shape(_mirrored(_points("27,44 31,42 32,50 29,58 26,55"), side), darker(skin, 0.86))
    outline = _points(f"50,14 36,16 26,28 23.5,46 26,62 34,{76 + jaw} 44,{84 + 1.2 * jaw} "
f"50,{85 + 1.3 * jaw}")  # fmt: skip
    face = [*outline, *[(100 - x, y) for x, y in reversed(outline[1:-1])]]
    page.shape(face, skin)
    for side in (-1, 1):  # light from the front
        page.shape(
            _mirrored(_points(f"17,24 26,30 27,60 20,74 12,{83 + jaw} 19,68 21,45"), side),
            darker(skin, 0.72), alpha=0.6, soft=2.2,
        )  # fmt: skip
        page.dot(50 + side * 15, 60 - 2 * units.cheek_up, 5, (214, 120, 104), alpha=0.25, soft=3)
        page.dot(50 + side * 14, 57 - 2 * units.cheek_up, 4, darker(skin, 1.08), alpha=0.5, soft=2)
    page.dot(50, 27, 9, darker(skin, 1.07), alpha=0.5, soft=4)
    page.shape(
        _points(f"44,{80 + jaw} 56,{80 + jaw} 53,{83 + 1.2 * jaw} 47,{83 + 1.2 * jaw}"),
        darker(skin, 1.06),
        alpha=0.5,
        soft=1.5,
    )
    fringe = _points(
        "50,9 34,10 23,22 21,44 25,40 28,28 36,21 48,22 62,20 72,28 75,40 79,44 77,22 66,10"
    )
    page.shape(fringe, looks.hair)
    page.line(_points("30,18 42,12 56,12"), darker(looks.hair, 1.6), 1.4, alpha=0.25, soft=1)


def _eye(page: Drawing, units: Units, looks: Looks, side: int) -> None:
    skin = looks.skin
    x, y = 11.5, 45.0
    opening = 2.15 + 2.3 * units.lid_up - 0.8 * units.lid_tight - 0.9 * units.cheek_up
    below = 1.75 + 0.7 * units.lid_up - 0.9 * units.lid_tight - 1.3 * units.cheek_up
    page.dot(50 + side * x, y - 2, 7, darker(skin, 0.72), alpha=0.42, soft=2)
    almond = _points(
        f"{x - 6.2},{y + 0.6} {x - 2.5},{y - 0.85 * opening} {x + 1},{y - opening} "
        f"{x + 4.5},{y - 0.5 * opening} {x + 6.4},{y} {x + 3},{y + below} "
        f"{x - 2},{y + 1.05 * below}"
    )
    white = Drawing((238, 234, 228))
    white.dot(50 + side * x, y - 0.2, 3.1, darker(looks.iris, 0.6))
    white.dot(50 + side * x, y - 0.2, 2.6, looks.iris)
    white.dot(50 + side * x, y - 0.2, 1.35, (16, 14, 14))
    white.dot(50 + side * x - 1.0, y - 1.2, 0.7, (255, 255, 255))
    white.line(
        _mirrored(_points(f"{x - 6},{y - 0.6} {x},{y - opening + 0.7} {x + 6},{y - 0.4}"), side),
        (90, 70, 60),
        1.6,
        alpha=0.5,
        soft=0.6,
    )
    mask = Drawing((0, 0, 0))
    mask.shape(_mirrored(almond, side), (255, 255, 255))
    weight = mask.canvas[..., :1] / 255
    page.canvas += weight * (white.canvas - page.canvas)
    upper, lower = almond[:5], [almond[4], *almond[5:], almond[0]]
    page.line(_mirrored(upper, side), (38, 26, 22), 0.95)
    page.line(_mirrored(lower, side), darker(skin, 0.5), 0.35, alpha=0.8)
    crease = [(px, py - 1.7 - 0.6 * units.lid_up) for px, py in upper[:4]]
    page.line(_mirrored(crease, side), darker(skin, 0.5), 0.45, alpha=0.75, soft=0.15)
    bag = 0.35 + 0.5 * max(units.cheek_up, units.lid_tight)
    page.line(
        _mirrored(
            _points(f"{x - 5},{y + 4.2} {x},{y + 5.4 - units.cheek_up} {x + 5},{y + 4}"), side
        ),
        darker(skin, 0.6),
        0.6,
        alpha=bag * 0.7,
        soft=0.4,
    )
    if units.cheek_up > 0.3:
        for slope in (-1.4, 0.2, 1.8):
            page.line(
                _mirrored([(x + 7.5, y + 0.5), (x + 10.5, y + 0.5 + slope)], side),
                darker(skin, 0.6),
                0.4,
                alpha=0.6,
                soft=0.1,
            )


def _brow(page: Drawing, units: Units, looks: Looks, side: int) -> None:
    skin = looks.skin
    inner = 38.9 - 5.6 * units.brow_inner_up + 4.4 * units.brow_down
    middle = (
        37.0
        - 3.2 * (units.brow_inner_up + units.brow_outer_up) / 2
        - 1.0 * units.brow_outer_up
        + 3.2 * units.brow_down
    )
    outer = (
        39.4
        - 4.8 * units.brow_outer_up
        + 1.4 * units.brow_down
        + 1.2 * units.brow_inner_up * (1 - units.brow_outer_up)
    )
    x_inner = 4.6 - 1.8 * units.brow_down
    hair = darker(looks.hair, 0.85)
    page.shape(
        _mirrored(
            _points(
                f"{x_inner},{inner - 1.2 * looks.brow} 12,{middle - 1.3 * looks.brow} "
                f"19.5,{outer} 12,{middle + looks.brow} "
                f"{x_inner - 0.2},{inner + 1.5 * looks.brow}"
            ),
            side,
        ),
        hair,
        alpha=0.93,
        soft=0.25,
    )
    if units.brow_down > 0.2:
        page.line(
            _mirrored(_points(f"2.0,{inner - 3.2} 1.7,{inner + 1.5} 2.4,{inner + 4}"), side),
            darker(skin, 0.5),
            0.7,
            alpha=0.8 * units.brow_down,
            soft=0.25,
        )
        page.shape(
            _mirrored(
                _points(f"3,{inner + 2} 12,{middle + 2} 16,{middle + 5} 6,{inner + 5}"), side
            ),
            darker(skin, 0.5),
            alpha=0.5 * units.brow_down,
            soft=1.2,
        )
    raised = max(units.brow_inner_up, units.brow_outer_up)
    if raised > 0.2 and side == 1:
        width = 16 if units.brow_outer_up > 0.3 else 8
        for n in range(3):
            level = 31.5 - 3.1 * n - 1.5 * raised
            page.line(
                _points(
                    f"{50 - width},{level + 1} {50 - width / 2},{level - 0.3} 50,{level + 0.5} "
                    f"{50 + width / 2},{level - 0.3} {50 + width},{level + 1}"
                ),
                darker(skin, 0.62),
                0.5,
                alpha=0.65 * raised,
                soft=0.2,
            )


def _nose(page: Drawing, units: Units, looks: Looks) -> None:
    skin, up = looks.skin, 1.6 * units.nose_wrinkled
    page.shape(
        _points("48.6,40 51.4,40 52.2,55 50,58 47.8,55"), darker(skin, 1.1), alpha=0.5, soft=1
    )
    page.dot(50, 58 - up, 2.4, darker(skin, 1.12), alpha=0.5, soft=1.2)
    for side in (-1, 1):
        page.line(
            _mirrored(_points(f"3.6,41 3.0,50 5.4,{57 - up}"), side),
            darker(skin, 0.62),
            1.2,
            alpha=0.35,
            soft=0.9,
        )
        wing = _points(
            f"4.6,{56 - up} {6.6 + 0.7 * units.nose_wrinkled},{59 - up} 5.2,{61.2 - up} "
            f"3.4,{60.6 - up}"
        )
        page.line(_mirrored(wing, side), darker(skin, 0.55), 0.7, alpha=0.8, soft=0.2)
        page.shape(
            _mirrored(
                _points(f"1.2,{61.4 - up} 3.4,{60.4 - up} 4.4,{61.4 - up} 2.6,{62.1 - up}"), side
            ),
            darker(skin, 0.35),
            alpha=0.85,
            soft=0.2,
        )
        if units.nose_wrinkled > 0.2:
            for n in range(3):
                page.line(
                    _mirrored(
                        _points(f"0.6,{45.5 + 2.4 * n} 3.2,{44.2 + 2.4 * n} 5.4,{45.5 + 2.4 * n}"),
                        side,
                    ),
                    darker(skin, 0.5),
                    0.5,
                    alpha=0.8 * units.nose_wrinkled,
                    soft=0.15,
                )
        deep = max(
            units.corner_up, units.upper_lip_up, units.nose_wrinkled, 0.5 * units.corner_down
        )
        spread = 3.2 * units.corner_up + 1.4 * units.lips_stretched
        page.line(
            _mirrored(_points(f"6.8,{59 - up} {10.6 + 0.6 * spread},{63 - units.corner_up} "
f"{12.2 + spread},{69 - units.corner_up} {12 + spread},73"), side),
            darker(skin, 0.55), 0.8, alpha=0.25 + 0.55 * deep, soft=0.3,
        )  # fmt: skip


def _mouth(page: Drawing, units: Units, looks: Looks) -> None:
    skin, lip = looks.skin, (168, 88, 84)
    half = (
        9.0
        + 3.4 * units.corner_up
        + 3.0 * units.lips_stretched
        - 2.4 * units.jaw_down
        - 1.2 * units.lips_tight
    )
    y = 70.5 + 0.6 * units.jaw_down
    corner = y - 3.4 * units.corner_up + 3.6 * units.corner_down + 1.0 * units.lips_stretched
    gap_up = (
        0.9 * units.corner_up
        + 2.4 * units.jaw_down
        + 1.6 * units.upper_lip_up
        + 0.6 * units.lips_stretched
    )
    gap_down = (
        1.6 * units.corner_up
        + 7.0 * units.jaw_down
        + 0.8 * units.upper_lip_up
        + 1.4 * units.lips_stretched
    )
    thick = 1.0 - 0.62 * units.lips_tight - 0.25 * units.corner_up
    top_y, low_y = y - gap_up - 1.2 * units.upper_lip_up, y + gap_down
    inner_top = _points(
        f"{50 - half},{corner} {50 - half / 2},{top_y + 0.1 * (corner - y)} "
        f"50,{top_y} {50 + half / 2},{top_y + 0.1 * (corner - y)} "
        f"{50 + half},{corner}"
    )
    inner_low = _points(
        f"{50 + half},{corner} {50 + half / 2},{low_y + 0.25 * (corner - y)} "
        f"50,{low_y} {50 - half / 2},{low_y + 0.25 * (corner - y)} "
        f"{50 - half},{corner}"
    )
    upper = [
        *inner_top,
        (50 + half / 2, top_y - 1.7 * thick),
        (51.5, top_y - 2.4 * thick),
        (50, top_y - 1.9 * thick),
        (48.5, top_y - 2.4 * thick),
        (50 - half / 2, top_y - 1.7 * thick),
    ]
    lower = [
        *inner_low,
        (50 - half / 2, low_y + 2.2 * thick),
        (50, low_y + 3.0 * thick),
        (50 + half / 2, low_y + 2.2 * thick),
    ]
    page.shape(lower, lip, soft=0.15)
    page.shape(upper, darker(lip, 0.86), soft=0.15)
    page.line(
        _points(
            f"{50 - half / 3},{low_y + 1.6 * thick} 50,{low_y + 1.9 * thick} "
            f"{50 + half / 3},{low_y + 1.6 * thick}"
        ),
        (226, 160, 152),
        0.9,
        alpha=0.5,
        soft=0.5,
    )
    if gap_up + gap_down > 0.8:
        hole = [*inner_top, *inner_low[1:-1]]
        page.shape(hole, (52, 18, 20))
        inside = Drawing((52, 18, 20))
        if (
            units.corner_up + units.upper_lip_up + units.lips_stretched > 0.25
            or units.jaw_down > 0.5
        ):
            depth = 2.8 if units.jaw_down < 0.5 else 1.8
            inside.shape(
                _points(
                    f"{50 - half},{top_y - 2} {50 + half},{top_y - 2} "
                    f"{50 + 0.86 * half},{top_y + depth} 50,{top_y + depth + 0.8} "
                    f"{50 - 0.86 * half},{top_y + depth}"
                ),
                (236, 232, 224),
            )
            for n in range(-3, 4):
                inside.line(
                    [(50 + n * 2.5, top_y - 1), (50 + n * 2.4, top_y + depth + 0.4)],
                    (170, 160, 152),
                    0.14,
                    alpha=0.6,
                )
        if units.jaw_down > 0.4:
            inside.dot(50, low_y + 0.5, 4, (150, 70, 70), soft=0.4)
        mask = Drawing((0, 0, 0))
        mask.shape(hole, (255, 255, 255))
        weight = mask.canvas[..., :1] / 255
        page.canvas += weight * (inside.canvas - page.canvas)
    page.line(inner_top, (70, 28, 28), 0.5, alpha=0.85, soft=0.1)
    for side in (-1, 1):
        page.dot(50 + side * (half + 0.5), corner, 1.1, darker(skin, 0.5), alpha=0.5, soft=0.5)
    page.line(
        _points(
            f"45,{low_y + 4.6 * thick + 1} 50,{low_y + 4.2 * thick + 1} "
            f"55,{low_y + 4.6 * thick + 1}"
        ),
        darker(skin, 0.66),
        1,
        alpha=0.45 + 0.3 * units.lips_tight,
        soft=0.5,
    )


DARK, LIGHT, BROWN = (148, 98, 70), (232, 190, 164), (196, 146, 112)
BLACK_HAIR, BROWN_HAIR, FAIR_HAIR = (28, 23, 22), (70, 46, 32), (150, 104, 60)
BROWN_EYES, GREY_EYES = (70, 50, 36), (84, 120, 140)
FACES = {
    "angry": (
        Units(brow_down=1.35, lid_up=0.75, lid_tight=0.58, lips_tight=0.58, corner_down=0.13),
        Looks(BROWN, BLACK_HAIR, BROWN_EYES, long_hair=True),
    ),
    "disgust": (
        Units(
            brow_down=0.6,
            lid_tight=0.8,
            cheek_up=0.4,
            nose_wrinkled=1,
            upper_lip_up=1,
            corner_down=0.5,
        ),
        Looks(LIGHT, BROWN_HAIR, BROWN_EYES),
    ),
    "fear": (
        Units(
            brow_inner_up=1,
            brow_outer_up=0.6,
            brow_down=0.25,
            lid_up=1,
            lips_stretched=0.9,
            jaw_down=0.25,
        ),
        Looks(LIGHT, FAIR_HAIR, GREY_EYES, long_hair=True),
    ),
    "happy": (
        Units(corner_up=1, cheek_up=0.7, jaw_down=0.15),
        Looks(DARK, BLACK_HAIR, BROWN_EYES, long_hair=True),
    ),
    "sad": (
        Units(brow_inner_up=1, brow_down=0.45, corner_down=1, lid_tight=0.55, cheek_up=0.1),
        Looks(BROWN, BROWN_HAIR, BROWN_EYES),
    ),
    "surprise": (
        Units(brow_inner_up=1, brow_outer_up=1, lid_up=1, jaw_down=1),
        Looks(DARK, BLACK_HAIR, BROWN_EYES),
    ),
    "neutral": (
        Units(lid_tight=0.32, brow_down=0.03, lips_tight=0.14, corner_up=0.1),
        Looks(DARK, BLACK_HAIR, BROWN_EYES, brow=1.7),
    ),
}
# Back row, front row: an expression and whose face it is on.
GROUP = (
    (("neutral", "neutral"), ("happy", "disgust"), ("surprise", "fear")),
    (("happy", "sad"), ("sad", "angry"), ("happy", "happy")),
)


def group() -> NDArray[np.uint8]:
    """Six people in two rows, the front row before the back row; RGB."""
    side, ground = 300, np.array(Looks(LIGHT, LIGHT, LIGHT).ground)
    page = np.full((int(1.82 * side), 3 * side, 3), ground, np.uint8)
    for row, people in enumerate(GROUP):
        for place, (expression, person) in enumerate(people):
            drawn = draw(FACES[expression][0], FACES[person][1], plain=True)
            face = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA)
            top, left = round(0.82 * side * row), side * place
            part = page[top : top + side, left : left + side]
            there = np.abs(face.astype(int) - ground).max(axis=2) > 12
            part[there[: part.shape[0]]] = face[: part.shape[0]][there[: part.shape[0]]]
    return page


def main() -> None:
    """Write one file an expression that no photo shows, and the group."""
    shown = {name: draw(*FACES[name]) for name in FACES if name not in ("happy", "neutral")}
    for name, image_rgb in {**shown, "group": group()}.items():
        image = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(HERE / f"drawn_{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
