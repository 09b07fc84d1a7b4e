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
