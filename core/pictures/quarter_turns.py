"""Quarter turns: photos that stand on their side or head, brought upright and back.

`turned_degrees` is how far a photo stands turned clockwise: 0, 90, 180 or 270. Turning it back
counter-clockwise by as much makes it upright.
"""

from dataclasses import replace

import numpy as np

from core.types import Analysis, Box, Face, FaceAnalysis, FloatArray, ImageRGB, Landmarks

Size = tuple[int, int]


def turn_back(image_rgb: ImageRGB, turned_degrees: int) -> ImageRGB:
    """The image turned counter-clockwise by `turned_degrees`; the same object for 0."""
    if turned_degrees == 0:
        return image_rgb
    return np.ascontiguousarray(np.rot90(image_rgb, turned_degrees // 90))


def turn_points(points_xy: FloatArray, size_wh: tuple[float, float], degrees: int) -> FloatArray:
    """Where points (n, 2) of an image of `size_wh` lie after turning it counter-clockwise.

    Examples:
        >>> turn_points(np.array([[10.0, 0.0]]), (100, 50), 90).tolist()
        [[0.0, 90.0]]
    """
    points = np.asarray(points_xy, np.float32)
    width, height = size_wh
    for _ in range(degrees // 90):
        points = np.stack([points[:, 1], width - points[:, 0]], axis=1)
        width, height = height, width
    return points


def turn_box(box: Box, size_wh: tuple[float, float], degrees: int) -> Box:
    """`turn_points` for a box, which stays an upright rectangle."""
    corners = turn_points(np.array(box.xyxy).reshape(2, 2), size_wh, degrees)
    return Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())


def turn_face(face: Face, size_wh: tuple[float, float], degrees: int) -> Face:
    """The face in the image of `size_wh` after that is turned counter-clockwise."""
    return replace(
        face,
        box=turn_box(face.box, size_wh, degrees),
        keypoints_xy=turn_points(face.keypoints_xy, size_wh, degrees),
        turned_degrees=(face.turned_degrees - degrees) % 360,
    )


def turned_size(size_wh: Size, degrees: int) -> Size:
    """Width and height after turning."""
    return size_wh if degrees % 180 == 0 else (size_wh[1], size_wh[0])


def upright(image_rgb: ImageRGB, analysis: Analysis) -> tuple[ImageRGB, Analysis]:
    """Image and analysis as they are once the photo is turned upright, for people to look at."""
    degrees = analysis.turned_degrees
    if degrees == 0:
        return image_rgb, analysis
    faces = tuple(turn_analysed(face, analysis.size_wh, degrees) for face in analysis.faces)
    size_wh = turned_size(analysis.size_wh, degrees)
    return turn_back(image_rgb, degrees), replace(analysis, size_wh=size_wh, faces=faces)


def turn_analysed(face: FaceAnalysis, size_wh: Size, degrees: int) -> FaceAnalysis:
    """`turn_face` for a face with what was read from it."""
    points = face.landmarks
    if points is not None:
        turned = turn_points(points.points_xy, size_wh, degrees)
        points = Landmarks(turned, points.scheme, points.blendshapes)
    return replace(face, face=turn_face(face.face, size_wh, degrees), landmarks=points)
