"""dlib's 68- and 5-point predictors (Kazemi and Sullivan 2014), an optional extra.

The 68-point model was trained on iBUG 300-W, whose terms exclude commercial products; so Mien
ships neither dlib nor its models, and uses them only where somebody has installed them.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from core.detection.dlib_extra import load_dlib, models_folder
from core.landmarks.schemes import IBUG
from core.pictures.face_input import EyesMouth, FaceInput
from core.types import Face, ImageRGB, Landmarks, check_image_rgb

DLIB_FIVE: Final = "dlib5"  # outer and inner corner of the left eye, of the right eye, nose base

# The predictors were trained inside the boxes of dlib's own detector and lose accuracy in others:
# where those boxes have eyes and mouth, medians over 282 faces of HELEN's train part.
HOG_GEOMETRY: Final = EyesMouth(eyes_xy=(0.5, 0.305), mouth_xy=(0.5, 0.726), eye_mouth=0.418)

_FILES: Final = {
    68: "shape_predictor_68_face_landmarks.dat",
    5: "shape_predictor_5_face_landmarks.dat",
}


class DlibLandmarker:
    """One of dlib's shape predictors behind a lock; it has no idea of whether a face is there.

    `box_geometry` says where eyes and mouth lie in the boxes that it will be given.
    """

    def __init__(self, n_points: int, box_geometry: EyesMouth) -> None:
        """Load the model (100 MB for 68 points, 9 MB for 5).

        Raises:
            ModelError: if the extra is not installed.
        """
        if n_points not in _FILES:
            raise ValueError(f"dlib has 68 or 5 points, not {n_points}")
        folder = models_folder()
        self.scheme = IBUG if n_points == 68 else DLIB_FIVE
        self._dlib = load_dlib()
        self._predictor: Any = self._dlib.shape_predictor(str(folder / _FILES[n_points]))
        self._box_geometry = box_geometry
        self._squares = FaceInput(geometry=HOG_GEOMETRY)
        self._lock = threading.Lock()

    def landmarks(
        self, image_rgb: ImageRGB, faces: Sequence[Face]
    ) -> tuple[Landmarks | None, ...]:
        """See `Landmarker.landmarks`; every face gets points, wherever its box lies."""
        pixels = np.ascontiguousarray(check_image_rgb(image_rgb))
        return tuple(self._one(pixels, face) for face in faces)

    def _one(self, pixels: ImageRGB, face: Face) -> Landmarks:
        square = self._squares.square(face.box, self._box_geometry)
        return self.in_rectangle(
            pixels, self._dlib.rectangle(*(round(value) for value in square.xyxy))
        )

    def in_rectangle(self, image_rgb: ImageRGB, rectangle: Any) -> Landmarks:
        """Points in a `dlib.rectangle`, such as dlib's own detector gives."""
        with self._lock:
            shape = self._predictor(image_rgb, rectangle)
        points = np.array([(part.x, part.y) for part in shape.parts()], np.float32)
        return Landmarks(points, self.scheme)
