"""What everything that finds points on faces is and does."""

from collections.abc import Sequence
from typing import Protocol

from core.types import Face, ImageRGB, Landmarks


class Landmarker(Protocol):
    """Finds the points of faces that a detector found. Safe to call from many threads.

    Examples:
        >>> import numpy as np
        >>> from core.landmarks.schemes import FIVE
        >>> from core.types import Box
        >>> class DetectorsOwn:
        ...     "The five points that YuNet gives anyway."
        ...     def landmarks(self, image_rgb, faces):
        ...         points = [face.keypoints_xy for face in faces]
        ...         return tuple(Landmarks(p, FIVE) if len(p) == 5 else None for p in points)
        >>> own: Landmarker = DetectorsOwn()
        >>> without = Face(Box(0, 0, 9, 9), 0.9, np.empty((0, 2)), "haar")
        >>> own.landmarks(np.zeros((9, 9, 3), np.uint8), [without])
        (None,)
    """

    def landmarks(
        self, image_rgb: ImageRGB, faces: Sequence[Face]
    ) -> tuple[Landmarks | None, ...]:
        """Points of each face, in the order of `faces`; None where none could be found.

        Raises:
            InvalidImageArrayError: if `image_rgb` is not RGB uint8 (height, width, 3).
        """
        ...
