"""What every face detector is and does."""

from typing import Protocol

from core.pictures.face_input import EyesMouth
from core.types import Face, ImageRGB


class FaceDetector(Protocol):
    """Finds faces. Safe to call from many threads at once; calls may wait for one another.

    Attributes:
        name: the name under which it is chosen, noted in each `Face`.
        box_geometry: where eyes and mouth lie in its boxes.
        threshold: smallest confidence (0..1) of a face that it returns.

    Examples:
        >>> import numpy as np
        >>> from core.pictures.face_input import FULL_SQUARE
        >>> from core.types import Box
        >>> class WholePicture:
        ...     "For pictures that are cut-out faces already."
        ...     name, box_geometry, threshold = "whole", FULL_SQUARE, 0.0
        ...     def detect(self, image_rgb):
        ...         height, width = image_rgb.shape[:2]
        ...         return (Face(Box(0, 0, width, height), 1.0, np.empty((0, 2)), self.name),)
        >>> own: FaceDetector = WholePicture()  # an Analyzer takes it as it takes any other
        >>> own.detect(np.zeros((48, 40, 3), np.uint8))[0].box.size_wh
        (40, 48)
    """

    name: str
    box_geometry: EyesMouth
    threshold: float

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """Faces in `image_rgb`, uint8 (height, width, 3), most confident first; () for none.

        Raises:
            InvalidImageArrayError: if the array is no such image.
        """
        ...
