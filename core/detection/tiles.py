"""Very small faces: the photo is looked at in overlapping tiles of full size, and as a whole."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from core.detection.base import FaceDetector
from core.detection.boxes import areas, intersections
from core.detection.scaling import LONGEST_SIDE_PX, moved, rescale
from core.types import Box, Face, ImageRGB, check_image_rgb

_TILE_PX: Final = 640
# Larger faces are found in the photo as a whole; smaller ones lie whole in at least one tile.
_OVERLAP_PX: Final = 128
# Photos with a smaller side are enlarged, at most twice: small faces then reach a detector's size.
_ENLARGED_SIDE_PX: Final = 1600
_MOST_ENLARGED: Final = 2.0
_BORDER_PX: Final = 2
# A tile is believed about faces only that the photo as a whole, at a detector's usual size, shows
# smaller than this: enlarged enough, badges and knots look like faces too.
_SMALL_PX: Final = 40
# Where it looks closer by itself, at most so many pixels: that is three times the time at most.
_BY_ITSELF_PIXELS: Final = 3_200_000
# Pictures no larger than this that show no face may be face crops, which detectors take for none.
_CROP_SIDE_PX: Final = 128
# A box that shares this much of the smaller of the two with a better one is the same face.
_SAME_SHARE: Final = 0.5


class TiledDetector:
    """A detector that looks closer, at the price of time: about a hundredth of a second a tile.

    With `only_if_needed` only where the photo as a whole shows no face but very small ones, and
    then at fewer tiles.
    """

    def __init__(self, inner: FaceDetector, *, only_if_needed: bool = False) -> None:
        self._inner, self._only_if_needed = inner, only_if_needed
        self.name, self.threshold = inner.name, inner.threshold
        self.box_geometry = inner.box_geometry

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`."""
        found = self._inner.detect(image_rgb)
        height, width = check_image_rgb(image_rgb).shape[:2]
        if not found and max(height, width) <= _CROP_SIDE_PX:
            return self._of_a_crop(image_rgb)
        largest_px = _SMALL_PX * max(1.0, max(height, width) / LONGEST_SIDE_PX)
        if not self._only_if_needed:
            return self._closer(image_rgb, found, largest_px)
        is_large = max(height, width) > LONGEST_SIDE_PX
        if not is_large or any(max(face.box.size_wh) >= largest_px for face in found):
            return found
        shrunk = min(1.0, math.sqrt(_BY_ITSELF_PIXELS / (height * width)))
        smaller_rgb, _ = rescale(image_rgb, shrunk)
        there = [moved(face, 1 / shrunk) for face in found]
        faces = self._closer(smaller_rgb, there, largest_px * shrunk)
        return tuple(moved(face, shrunk) for face in faces)

    def _closer(
        self, image_rgb: ImageRGB, found: Iterable[Face], largest_px: float
    ) -> tuple[Face, ...]:
        """What was found and what the tiles show besides, no larger than `largest_px`."""
        faces, longest = [*found], max(image_rgb.shape[:2])
        scale = min(max(_ENLARGED_SIDE_PX / longest, 1.0), _MOST_ENLARGED)
        large_rgb, _ = rescale(image_rgb, scale)
        if max(large_rgb.shape[:2]) > _TILE_PX:
            for x, y, tile_rgb in _tiles(large_rgb):
                whole = [
                    moved(face, scale, (x, y))
                    for face in self._inner.detect(tile_rgb)
                    if _is_whole(face.box, (x, y), tile_rgb, large_rgb)
                ]
                faces += [face for face in whole if max(face.box.size_wh) < largest_px]
        return without_doubles(faces)

    def _of_a_crop(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """The face of a picture that holds nothing else: found once there is room around it."""
        height, width = image_rgb.shape[:2]
        rim = max(height, width) // 2
        scale = _TILE_PX / 2 / (max(height, width) + 2 * rim)
        wider = np.pad(image_rgb, ((rim, rim), (rim, rim), (0, 0)), mode="edge")
        faces = [moved(face, scale) for face in self._inner.detect(rescale(wider, scale)[0])]
        middle_xy = (rim + width / 2, rim + height / 2)
        return tuple(
            _cropped(face, rim, (width, height)) for face in faces if _covers(face.box, middle_xy)
        )


def _covers(box: Box, point_xy: tuple[float, float]) -> bool:
    x, y = point_xy
    return box.x_min <= x <= box.x_max and box.y_min <= y <= box.y_max


def _cropped(face: Face, rim: int, size_wh: tuple[int, int]) -> Face:
    """From pixels of the picture with its rim to those of the picture, its box inside it."""
    corners = (np.array(face.box.xyxy) - rim).clip(0, np.tile(size_wh, 2))
    points = (face.keypoints_xy - rim).astype(np.float32)
    return replace(face, box=Box(*corners.tolist()), keypoints_xy=points)


def without_doubles(faces: list[Face]) -> tuple[Face, ...]:
    """The most confident of the faces that lie on one another, most confident first."""
    ordered = sorted(faces, key=lambda face: -face.confidence)
    boxes = np.array([face.box.xyxy for face in ordered]).reshape(-1, 4)
    smaller = np.minimum(areas(boxes)[:, None], areas(boxes)[None])
    same = intersections(boxes, boxes) > _SAME_SHARE * smaller
    kept: list[int] = []
    for row in range(len(ordered)):
        if not same[row, kept].any():
            kept.append(row)
    return tuple(ordered[row] for row in kept)


def _tiles(image_rgb: ImageRGB) -> Iterator[tuple[int, int, ImageRGB]]:
    """Left, top and pixels of each tile; the last of a row ends at the border."""
    height, width = image_rgb.shape[:2]
    for y in _starts(height):
        for x in _starts(width):
            yield x, y, np.ascontiguousarray(image_rgb[y : y + _TILE_PX, x : x + _TILE_PX])


def _starts(side_px: int) -> list[int]:
    if side_px <= _TILE_PX:
        return [0]
    n_tiles = -(-(side_px - _OVERLAP_PX) // (_TILE_PX - _OVERLAP_PX))
    return [round(start) for start in np.linspace(0, side_px - _TILE_PX, n_tiles).tolist()]


def _is_whole(box: Box, start_xy: tuple[int, int], tile: ImageRGB, whole: ImageRGB) -> bool:
    """Whether no edge of the tile cuts the face, unless it is the photo's edge too."""
    for axis, (low, high) in enumerate(((box.x_min, box.x_max), (box.y_min, box.y_max))):
        side_px, start = tile.shape[1 - axis], start_xy[axis]
        if low < _BORDER_PX and start > 0:
            return False
        if high > side_px - _BORDER_PX and start + side_px < whole.shape[1 - axis]:
            return False
    return True
