"""dlib's two face detectors, an optional extra: HOG (Dalal and Triggs 2005) and MMOD.

MMOD is a small network trained by max-margin object detection (King 2015, arXiv 1502.00046); on
a processor it takes seconds for a photo.
"""

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.detection.box_geometry import load_box_geometry
from core.detection.calibration import load_calibration
from core.detection.dlib_extra import load_dlib, models_folder
from core.detection.scaling import shrink
from core.types import Box, Face, ImageRGB, check_image_rgb

_NO_POINTS = np.empty((0, 2), np.float32)
# Both were trained on faces of 80 px; doubling the picture once brings that to 40 px.
_UPSAMPLE_TIMES = 1
_LOWEST_HOG_SCORE = -0.6
_MIN_SIDE_PX = 16  # smaller pictures hold no face; dlib's pyramids want some pixels


class _DlibDetector(ABC):
    """What the two share: scaling, padding, confidence."""

    name: str = ""

    def __init__(
        self, folder: Path, *, threshold: float | None = None, max_side_px: int = 800
    ) -> None:
        self._dlib = load_dlib()
        self.box_geometry = load_box_geometry(folder)
        self._calibration = load_calibration(folder)
        self.threshold = self._calibration.threshold if threshold is None else threshold
        self.max_side_px = max_side_px
        self._lock = threading.Lock()

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`; no keypoints."""
        small_rgb, to_full = shrink(check_image_rgb(image_rgb), self.max_side_px)
        if min(small_rgb.shape[:2]) < _MIN_SIDE_PX:
            return ()
        with self._lock:
            found = self._find(np.ascontiguousarray(small_rgb))
        faces = [self._face(rectangle, score, to_full) for rectangle, score in found]
        kept = [face for face in faces if face.confidence >= self.threshold]
        return tuple(sorted(kept, key=lambda face: -face.confidence))

    @abstractmethod
    def _find(self, image_rgb: ImageRGB) -> list[tuple[Any, float]]:
        """`dlib.rectangle` and raw score of each detection."""

    def _face(self, rectangle: Any, score: float, to_full: NDArray[np.float64]) -> Face:
        # dlib's right and bottom are the last pixels inside.
        left, top = rectangle.left(), rectangle.top()
        corners = (left, top, rectangle.right() + 1, rectangle.bottom() + 1)
        box = Box(*(np.array(corners) * np.tile(to_full, 2)).tolist())
        return Face(box, self._calibration.probability(score), _NO_POINTS, self.name)


class DlibHogDetector(_DlibDetector):
    """`dlib.get_frontal_face_detector`: frontal faces of at least 40 px."""

    name = "dlib-hog"

    def __init__(self, folder: Path, **options: Any) -> None:
        """Load the detector; raises ModelError without the extra."""
        super().__init__(folder, **options)
        self._detector = self._dlib.get_frontal_face_detector()

    def _find(self, image_rgb: ImageRGB) -> list[tuple[Any, float]]:
        found, scores, _ = self._detector.run(image_rgb, _UPSAMPLE_TIMES, _LOWEST_HOG_SCORE)
        return list(zip(found, scores, strict=True))


class DlibMmodDetector(_DlibDetector):
    """`mmod_human_face_detector.dat`: a network, slow on a processor."""

    name = "dlib-mmod"

    def __init__(self, folder: Path, **options: Any) -> None:
        """Load the network; raises ModelError without the extra."""
        super().__init__(folder, **options)
        file = models_folder() / "mmod_human_face_detector.dat"
        self._detector = self._dlib.cnn_face_detection_model_v1(str(file))

    def _find(self, image_rgb: ImageRGB) -> list[tuple[Any, float]]:
        return [(f.rect, f.confidence) for f in self._detector(image_rgb, _UPSAMPLE_TIMES)]
