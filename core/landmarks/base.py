"""What everything that finds points on faces is and does."""

from collections.abc import Sequence
from typing import Protocol

from core.types import Face, ImageRGB, Landmarks


class Landmarker(Protocol):
    """Finds the points of faces that a detector found. Safe to call from many threads."""

    def landmarks(
        self, image_rgb: ImageRGB, faces: Sequence[Face]
    ) -> tuple[Landmarks | None, ...]:
        """Points of each face, in the order of `faces`; None where none could be found.

        Raises:
            InvalidImageArrayError: if `image_rgb` is not RGB uint8 (height, width, 3).
        """
        ...
