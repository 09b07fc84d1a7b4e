"""dlib's predictor of 68 points (Kazemi and Sullivan 2014), an optional extra.

It was trained on iBUG 300-W, whose terms exclude commercial products; so Mien ships neither dlib
nor its model, and uses them only where somebody has installed them.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from core.detection.dlib_extra import load_dlib, models_folder
from core.landmarks.schemes import IBUG
from core.pictures.face_input import EyesMouth, FaceInput
from core.types import Face, ImageRGB, Landmarks, check_image_rgb

# The predictor was trained inside the boxes of dlib's own detector and loses accuracy in others:
# where those boxes have eyes and mouth, medians over 282 faces of HELEN's train part.
HOG_GEOMETRY: Final = EyesMouth(eyes_xy=(0.5, 0.305), mouth_xy=(0.5, 0.726), eye_mouth=0.418)
_FILE: Final = "shape_predictor_68_face_landmarks.dat"


class DlibLandmarker:
    """The predictor behind a lock; it has no idea of whether a face is there.

    `box_geometry` says where eyes and mouth lie in the boxes that it will be given.
    """

    def __init__(self, box_geometry: EyesMouth) -> None:
        """Load the model (100 MB); raises ModelError if the extra is not installed."""
        self._dlib = load_dlib()
        self._predictor: Any = self._dlib.shape_predictor(str(models_folder() / _FILE))
        self._box_geometry = box_geometry
        self._squares = FaceInput(geometry=HOG_GEOMETRY)
        self._lock = threading.Lock()

    def landmarks(
        self, image_rgb: ImageRGB, faces: Sequence[Face]
    ) -> tuple[Landmarks | None, ...]:
        """See `Landmarker.landmarks`; every face gets points, wherever its box lies."""
        pixels = np.ascontiguousarray(check_image_rgb(image_rgb))
        squares = [self._squares.square(face.box, self._box_geometry).xyxy for face in faces]
        return tuple(
            self.in_rectangle(pixels, self._dlib.rectangle(*map(round, square)))
            for square in squares
        )

    def in_rectangle(self, image_rgb: ImageRGB, rectangle: Any) -> Landmarks:
        """Points in a `dlib.rectangle`, such as dlib's own detector gives."""
        with self._lock:
            shape = self._predictor(image_rgb, rectangle)
        return Landmarks(np.array([(p.x, p.y) for p in shape.parts()], np.float32), IBUG)
