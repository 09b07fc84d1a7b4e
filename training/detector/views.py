"""Random views of photos: a part, its size, turn and mirror image, and what becomes of the boxes.

A view is aimed at one face, which is brought to a size drawn by its logarithm, so that small
faces are learnt as well as large ones; or it takes a photo as it is, for its background. Four
views make a mosaic (Bochkovskiy et al. 2020, arXiv 2004.10934).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import ImageRGB
from training.detector.photos import MIN_SIDE_PX, N_POINTS, Annotation, TrainingPhoto

Rng = np.random.Generator

_MIRRORED_POINTS = [1, 0, 2, 4, 3]
_KEEP_SHARE = 0.4  # of a face inside the view; of less than that nobody can tell


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """How views are drawn."""

    # smallest and largest size to which the chosen face is brought
    face_px: tuple[float, float] = (12.0, 320.0)
    # above 1, small sizes are drawn more often than evenly by their logarithm
    small_power: float = 1.4
    # smallest and largest factor by which a photo is resized
    zoom: tuple[float, float] = (0.3, 2.5)
    as_is_share: float = 0.35  # share of views that take the photo about as it is
    as_is_zoom: tuple[float, float] = (0.6, 1.7)  # range of their zoom
    turn_deg: float = 12.0  # standard deviation of the turn
    turn_share: float = 0.4  # share of views that are turned
    mosaic_share: float = 0.3  # share of pictures that are made of four views


def random_picture(
    draw: Callable[[Rng], TrainingPhoto],
    first: TrainingPhoto,
    side_px: int,
    options: ViewOptions,
    rng: Rng,
) -> tuple[ImageRGB, Annotation]:
    """A square picture of `side_px` of `first`, or of it and three photos that `draw` gives."""
    if rng.random() >= options.mosaic_share:
        return random_view(first, (side_px, side_px), options, rng)
    cut_x, cut_y = (int(side_px * rng.uniform(0.3, 0.7)) for _ in range(2))
    canvas = np.empty((side_px, side_px, 3), np.uint8)
    parts = []
    spans_x, spans_y = ((0, cut_x), (cut_x, side_px)), ((0, cut_y), (cut_y, side_px))
    for number in range(4):
        (left, right), (top, bottom) = spans_x[number % 2], spans_y[number // 2]
        photo = first if number == 0 else draw(rng)
        tile, annotation = random_view(photo, (right - left, bottom - top), options, rng)
        canvas[top:bottom, left:right] = tile
        parts.append(shifted(annotation, left, top))
    return canvas, joined(parts)


def random_view(
    photo: TrainingPhoto, size_wh: tuple[int, int], options: ViewOptions, rng: Rng
) -> tuple[ImageRGB, Annotation]:
    """One part of a photo, resized, perhaps turned and mirrored, with its boxes."""
    zoom, centre = _aim(photo, size_wh, options, rng)
    turn = 0.0
    if rng.random() < options.turn_share:
        turn = float(np.deg2rad(rng.normal(0, options.turn_deg)))
    mirror = bool(rng.random() < 0.5)
    matrix = view_matrix(zoom, turn, centre, size_wh, mirror=mirror)
    source, to_source = photo.image_rgb, matrix
    if zoom < 0.8:  # shrunk by areas first: reading single pixels would leave jagged edges
        height, width = source.shape[:2]
        small_wh = (max(round(width * zoom), 1), max(round(height * zoom), 1))
        source = np.asarray(cv2.resize(source, small_wh, interpolation=cv2.INTER_AREA), np.uint8)
        ratio = np.diag([width / small_wh[0], height / small_wh[1], 1.0])
        to_source = matrix @ ratio
    border = rng.integers(0, 256, 3).tolist() if rng.random() < 0.5 else (0, 0, 0)
    picture = cv2.warpAffine(
        source, to_source, size_wh, flags=cv2.INTER_LINEAR, borderValue=tuple(border)
    )
    annotation = moved(photo.annotation, matrix, mirror=mirror)
    return np.asarray(picture, np.uint8), clipped(annotation, size_wh)


def view_matrix(
    zoom: float,
    turn_rad: float,
    centre_xy: NDArray[np.floating[Any]],
    size_wh: tuple[int, int],
    *,
    mirror: bool,
) -> NDArray[np.float64]:
    """(2, 3): from pixels of the photo to those of a view with `centre_xy` in its middle."""
    linear = zoom * np.array(
        [[np.cos(turn_rad), -np.sin(turn_rad)], [np.sin(turn_rad), np.cos(turn_rad)]]
    )
    if mirror:
        linear[0] *= -1
    offset = np.array(size_wh) / 2 - linear @ np.asarray(centre_xy, np.float64)
    return np.column_stack([linear, offset])


def _aim(
    photo: TrainingPhoto, size_wh: tuple[int, int], options: ViewOptions, rng: Rng
) -> tuple[float, NDArray[np.float64]]:
    """Zoom and the point of the photo that comes into the middle."""
    boxes = photo.annotation.boxes_xyxy
    sides = boxes[:, 2:] - boxes[:, :2]
    usable = np.flatnonzero(sides.min(axis=1, initial=np.inf) >= MIN_SIDE_PX / 2)
    photo_wh = np.array(photo.image_rgb.shape[1::-1], np.float64)
    view_wh = np.array(size_wh, np.float64)
    if not len(usable) or rng.random() < options.as_is_share:
        zoom = float(np.exp(rng.uniform(*np.log(options.as_is_zoom))))
        slack = np.maximum(photo_wh - view_wh / zoom, 0) / 2
        return zoom, photo_wh / 2 + rng.uniform(-1, 1, 2) * slack
    chosen = rng.choice(usable)
    smallest, largest = options.face_px
    wanted = smallest * (largest / smallest) ** (rng.random() ** options.small_power)
    size = float(np.sqrt(sides[chosen].prod()))
    zoom = float(np.clip(wanted / size, *options.zoom))
    middle = (boxes[chosen, :2] + boxes[chosen, 2:]) / 2
    # Anywhere in the view, but where it is large enough, wholly inside.
    room = np.maximum(view_wh / zoom - sides[chosen], 0.2 * view_wh / zoom) / 2
    centre = middle + rng.uniform(-1, 1, 2) * room
    if rng.random() < 0.8:  # seldom more than needed of what lies beyond the photo's edge
        half = np.minimum(view_wh / zoom, photo_wh) / 2
        centre = np.clip(centre, half, photo_wh - half)
    return zoom, centre


def moved(annotation: Annotation, matrix: NDArray[np.float64], *, mirror: bool) -> Annotation:
    """The annotation under an affine map (2, 3).

    A face is taken for the ellipse in its box: turned, its box grows less than the corners' hull.
    """
    points = annotation.points_xy @ matrix[:, :2].T + matrix[:, 2]
    if mirror:
        points = points[:, _MIRRORED_POINTS]
    return Annotation(
        _moved_boxes(annotation.boxes_xyxy, matrix),
        points.astype(np.float32),
        _moved_boxes(annotation.ignored_xyxy, matrix),
    )


def _moved_boxes(
    boxes_xyxy: NDArray[np.float32], matrix: NDArray[np.float64]
) -> NDArray[np.float32]:
    middle = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2
    new_half = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([middle - new_half, middle + new_half], axis=1).astype(np.float32)


def clipped(annotation: Annotation, size_wh: tuple[int, int]) -> Annotation:
    """What of the annotation lies in a picture of `size_wh`.

    Faces too small, or of which too little is seen, become ignored regions.
    """
    faces, share = _clip(annotation.boxes_xyxy, size_wh)
    large = (faces[:, 2:] - faces[:, :2]).min(axis=1, initial=np.inf) >= MIN_SIDE_PX
    kept = (share >= _KEEP_SHARE) & large
    doubtful = faces[(share > 0) & ~kept]
    ignored, ignored_share = _clip(annotation.ignored_xyxy, size_wh)
    points = annotation.points_xy[kept]
    outside = ((points < 0) | (points >= size_wh)).any(axis=(1, 2))
    points[outside] = np.nan
    return Annotation(faces[kept], points, np.concatenate([doubtful, ignored[ignored_share > 0]]))


def _clip(
    boxes_xyxy: NDArray[np.float32], size_wh: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes cut at the picture's edges, and the share of each that was inside."""
    whole = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    limits = np.array([*size_wh, *size_wh], np.float32)
    inside = np.clip(boxes_xyxy, 0, limits)
    share = (inside[:, 2:] - inside[:, :2]).prod(axis=1) / np.maximum(whole, 1e-6)
    return inside, share


def shifted(annotation: Annotation, x_px: float, y_px: float) -> Annotation:
    """The annotation moved to the right and down."""
    by = np.array([x_px, y_px], np.float32)
    return Annotation(
        annotation.boxes_xyxy + np.tile(by, 2),
        annotation.points_xy + by,
        annotation.ignored_xyxy + np.tile(by, 2),
    )


def joined(parts: list[Annotation]) -> Annotation:
    """All of several annotations of one picture."""
    return Annotation(
        np.concatenate([part.boxes_xyxy for part in parts]).reshape(-1, 4),
        np.concatenate([part.points_xy for part in parts]).reshape(-1, N_POINTS, 2),
        np.concatenate([part.ignored_xyxy for part in parts]).reshape(-1, 4),
    )
