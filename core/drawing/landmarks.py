"""Draw points, mesh, regions, pose and explanations on a copy of an image.

Every line has a dark edge, so that it is seen on light and dark skin alike.
"""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.detection.mediapipe_task import vision_tasks
from core.drawing.photo import EMOTION_COLOURS, rgb
from core.expression.explain import (
    SURROUNDINGS,
    TOGETHER,
    WEAK,
    Explanation,
    RegionEffect,
    region_outlines,
)
from core.landmarks.pose import HeadPose
from core.landmarks.schemes import IBUG, IBUG_FROM_MESH, IBUG_LINES, MESH
from core.types import ImageRGB, Landmarks

Colour = tuple[int, int, int]

FOR: Final = EMOTION_COLOURS["angry"]  # orange: speaks for the expression
AGAINST: Final = EMOTION_COLOURS["sad"]  # blue: speaks against it
POINT_COLOUR: Final = "#7DF9C9"
_DARK: Final[Colour] = (15, 20, 25)
# Axis of the head -> colour and the direction of it in the head's own axes.
_AXES: Final[dict[str, tuple[str, tuple[float, float, float]]]] = {
    "to the person's left": (EMOTION_COLOURS["angry"], (1, 0, 0)),
    "up": (EMOTION_COLOURS["disgust"], (0, -1, 0)),
    "forward": (EMOTION_COLOURS["surprise"], (0, 0, -1)),
}
_AXIS_CM: Final = 9.0
_SHIFT: Final = 4


def draw_points(image_rgb: ImageRGB, landmarks: Landmarks) -> ImageRGB:
    """A dot at each point; larger where there are few."""
    canvas = image_rgb.copy()
    few = len(landmarks.points_xy) < 100
    radius = max(_unit(canvas) * (1.6 if few else 0.8), 1.0)
    for point in _fixed(landmarks.points_xy):
        for reach, colour in ((radius + 1, _DARK), (radius, rgb(POINT_COLOUR))):
            cv2.circle(
                canvas, point, round(reach * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT
            )
    return canvas


def draw_mesh(image_rgb: ImageRGB, landmarks: Landmarks) -> ImageRGB:
    """The mesh's triangles, or the contours of 68 points; five points have no lines."""
    canvas = image_rgb.copy()
    if landmarks.scheme == IBUG:
        for line in (np.array(part) for parts in IBUG_LINES.values() for part in parts):
            _polyline(canvas, landmarks.points_xy[line], rgb(POINT_COLOUR), 1.2)
    elif landmarks.scheme == MESH:
        edges = vision_tasks().FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION
        layer = canvas.copy()
        points = _fixed(landmarks.points_xy)
        lines = [np.array([points[edge.start], points[edge.end]]) for edge in edges]
        cv2.polylines(layer, lines, False, (255, 255, 255), 1, cv2.LINE_AA, _SHIFT)
        canvas = np.asarray(cv2.addWeighted(layer, 0.45, canvas, 0.55, 0), np.uint8)
        for parts in IBUG_LINES.values():
            for part in parts:
                numbers = [IBUG_FROM_MESH[point] for point in part]
                _polyline(canvas, landmarks.points_xy[numbers], rgb(POINT_COLOUR), 1.2)
    return canvas


def draw_regions(image_rgb: ImageRGB, landmarks: Landmarks) -> ImageRGB:
    """Outlines of the regions that the explanation covers; needs the mesh.

    Raises:
        ValueError: if `landmarks` is no mesh.
    """
    if landmarks.scheme != MESH:
        raise ValueError(f"regions need {MESH} points, got {landmarks.scheme}")
    canvas = image_rgb.copy()
    for outline in region_outlines(landmarks.points_xy).values():
        _polyline(canvas, np.vstack([outline, outline[:1]]), (255, 255, 255), 1.2)
    return canvas


# Measure -> the ends of its lines among iBUG's 68 points, and its colour.
_MEASURES: Final[dict[str, tuple[str, tuple[tuple[int, int], ...]]]] = {
    "A": (EMOTION_COLOURS["surprise"], ((36, 45),)),
    "B": (EMOTION_COLOURS["happy"], ((37, 41), (38, 40), (43, 47), (44, 46))),
    "C": (EMOTION_COLOURS["angry"], ((61, 67), (62, 66), (63, 65))),
    "D": (EMOTION_COLOURS["fear"], ((48, 54),)),
}


def draw_measures(image_rgb: ImageRGB, ibug: Landmarks) -> ImageRGB:
    """Lines along what is measured, each with its letter: A eye corners, B eyes, C lips, D mouth.

    Raises:
        ValueError: if `ibug` does not have iBUG's 68 points.
    """
    if ibug.scheme != IBUG:
        raise ValueError(f"measures need {IBUG} points, got {ibug.scheme}")
    canvas, points = image_rgb.copy(), ibug.points_xy
    size = 0.62 * _unit(canvas)
    for letter, (colour, lines) in _MEASURES.items():
        for first, last in lines:
            _polyline(canvas, points[[first, last]], rgb(colour), 2.0)
        first, last = lines[-1]
        x, y = points[last] if letter in "AD" else points[[first, last]].mean(axis=0)
        place = (round(float(x) + 7 * _unit(canvas)), round(float(y) + 5 * _unit(canvas)))
        for thickness, ink in ((5, _DARK), (2, rgb(colour))):
            cv2.putText(
                canvas, letter, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, thickness, cv2.LINE_AA
            )
    return canvas


def draw_pose(
    image_rgb: ImageRGB, pose: HeadPose, origin_xy: NDArray[np.floating], *, zoom: float = 1.0
) -> ImageRGB:
    """Three arrows from `origin_xy`, such as the tip of the nose: left, up and forward.

    `zoom` is by how much the image is larger than the one in which the pose was measured.
    """
    canvas = image_rgb.copy()
    start = np.asarray(origin_xy, np.float64)
    for colour, direction in _AXES.values():
        end = (
            start
            + zoom * pose.scale_px_per_cm * _AXIS_CM * (pose.rotation @ np.array(direction))[:2]
        )
        tail, tip = _fixed(np.array([start, end]))
        for extra, paint in ((2, _DARK), (0, rgb(colour))):
            width = round(2 * _unit(canvas)) + extra
            cv2.arrowedLine(canvas, tail, tip, paint, width, cv2.LINE_AA, _SHIFT, 0.18)
    return canvas


def draw_explanation(image_rgb: ImageRGB, explanation: Explanation) -> ImageRGB:
    """Regions filled by their effect: orange for, blue against, fainter where it is smaller.

    The strongest effect has the fullest colour, if it has ten points; an effect under one point
    stays clear. What lies around the face gets a coloured rim. Where no single region carries
    the score, those that carry it together are filled together.
    """
    canvas = image_rgb.copy()
    effects = _drawn(explanation)
    strongest = max([0.1, *(abs(effect.effect) for effect in effects)])
    for effect in sorted(effects, key=lambda e: e.region != SURROUNDINGS):
        colour = rgb(FOR if effect.effect > 0 else AGAINST)
        outline = np.vstack([effect.outline_xy, effect.outline_xy[:1]])
        if abs(effect.effect) < 0.01:
            if effect.region != SURROUNDINGS:
                _polyline(canvas, outline, (255, 255, 255), 0.8)
            continue
        share = 0.15 + 0.5 * abs(effect.effect) / strongest
        if effect.region == SURROUNDINGS:
            _polyline(canvas, outline, colour, 1 + 4 * share)
            continue
        layer = canvas.copy()
        cv2.fillPoly(layer, [np.array(_fixed(effect.outline_xy))], colour, cv2.LINE_AA, _SHIFT)
        canvas = np.asarray(cv2.addWeighted(layer, share, canvas, 1 - share, 0), np.uint8)
        _polyline(canvas, outline, colour, 1.2)
    return canvas


def _drawn(explanation: Explanation) -> list[RegionEffect]:
    """The effects as they are drawn: of single regions, or of those that count only together."""
    best = max(explanation.together, key=lambda effect: effect.effect, default=None)
    alone = max((effect.effect for effect in explanation.effects), default=0.0)
    if best is None or alone >= WEAK or best.effect < WEAK:
        return list(explanation.effects)
    parts = TOGETHER[best.region]
    return [
        replace(effect, effect=best.effect) if effect.region in parts else effect
        for effect in explanation.effects
    ]


def axis_colours() -> dict[str, str]:
    """Axis -> colour, for a legend."""
    return {name: colour for name, (colour, _) in _AXES.items()}


def _unit(canvas: ImageRGB) -> float:
    """One line width, in pixels: pictures of any size look alike."""
    return max(float(max(canvas.shape[:2])) / 480, 0.6)


def _fixed(points_xy: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Points in OpenCV's fixed-point numbers; its pixel centres are whole."""
    scaled = np.round((np.asarray(points_xy, np.float64) - 0.5) * (1 << _SHIFT))
    return [(int(x), int(y)) for x, y in np.clip(scaled, -(2**20), 2**20)]


def _polyline(
    canvas: ImageRGB, points_xy: NDArray[np.floating], colour: Colour, width: float
) -> None:
    """An open line through points (n, 2) with a dark edge, on `canvas` itself."""
    corners = [np.array(_fixed(points_xy), np.int32)]
    thickness = max(round(width * _unit(canvas)), 1)
    cv2.polylines(canvas, corners, False, _DARK, thickness + 2, cv2.LINE_AA, _SHIFT)
    cv2.polylines(canvas, corners, False, colour, thickness, cv2.LINE_AA, _SHIFT)
