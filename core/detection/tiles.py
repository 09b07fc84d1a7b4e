"""Very small faces: the photo is looked at in overlapping tiles of full size, and as a whole."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from core.detection.base import FaceDetector
from core.detection.boxes import areas, intersections
from core.detection.scaling import rescale
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
_WHOLE_SIDE_PX: Final = 800
_SMALL_PX: Final = 40
# A box that shares this much of the smaller of the two with a better one is the same face.
_SAME_SHARE: Final = 0.5


class TiledDetector:
    """A detector that looks closer, at the price of time: about a hundredth of a second a tile.

    Args:
        inner: the detector that looks at the photo and at each tile.
    """

    def __init__(self, inner: FaceDetector) -> None:
        """Keep it."""
        self._inner = inner
        self.name, self.threshold = inner.name, inner.threshold
        self.box_geometry = inner.box_geometry

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`."""
        found = [*self._inner.detect(image_rgb)]
        height, width = check_image_rgb(image_rgb).shape[:2]
        scale = min(max(_ENLARGED_SIDE_PX / max(height, width), 1.0), _MOST_ENLARGED)
        large_rgb, _ = rescale(image_rgb, scale)
        if max(large_rgb.shape[:2]) > _TILE_PX:
            largest_px = _SMALL_PX * max(1.0, max(height, width) / _WHOLE_SIDE_PX)
            for x, y, tile_rgb in _tiles(large_rgb):
                whole = [
                    _moved(face, (x, y), scale)
                    for face in self._inner.detect(tile_rgb)
                    if _is_whole(face.box, (x, y), tile_rgb, large_rgb)
                ]
                found += [face for face in whole if max(face.box.size_wh) < largest_px]
        return without_doubles(found)


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


def _moved(face: Face, start_xy: tuple[int, int], scale: float) -> Face:
    """From a tile's pixels to the photo's."""
    start = np.array(start_xy, np.float64)
    corners = (np.array(face.box.xyxy) + np.tile(start, 2)) / scale
    points = ((face.keypoints_xy + start) / scale).astype(np.float32)
    return replace(face, box=Box(*corners.tolist()), keypoints_xy=points)
