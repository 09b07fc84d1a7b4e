"""OpenCV's cascade of Haar features (Viola and Jones 2001), frontal faces; ships in OpenCV."""

import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.detection.box_geometry import load_box_geometry
from core.detection.calibration import load_calibration
from core.detection.scaling import shrink
from core.errors import ModelError
from core.types import Box, Face, ImageRGB, check_image_rgb

CASCADE = "haarcascade_frontalface_default.xml"
_MIN_FACE_PX = 20
Vector = NDArray[np.float64]
_NO_POINTS = np.empty((0, 2), np.float32)


class HaarDetector:
    """OpenCV's `CascadeClassifier` behind a lock; images above `max_side_px` are shrunk first.

    How often the cascade fired around a place is what it says of its certainty; the confidence is
    made of that count.
    """

    name = "haar"

    def __init__(
        self, folder: Path, *, threshold: float | None = None, max_side_px: int = 800
    ) -> None:
        """Load the cascade."""
        self.box_geometry = load_box_geometry(folder)
        self._calibration = load_calibration(folder)
        self.threshold = self._calibration.threshold if threshold is None else threshold
        self.max_side_px = max_side_px
        self._lock = threading.Lock()
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE))
        if self._cascade.empty():
            raise ModelError(f"OpenCV's file {CASCADE} is missing; reinstall Mien.")

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`; no keypoints."""
        small_rgb, to_full = shrink(check_image_rgb(image_rgb), self.max_side_px)
        grey = cv2.cvtColor(small_rgb, cv2.COLOR_RGB2GRAY)
        with self._lock:
            boxes, counts = self._cascade.detectMultiScale2(
                grey, scaleFactor=1.1, minNeighbors=1, minSize=(_MIN_FACE_PX, _MIN_FACE_PX)
            )
        faces = [
            self._face(np.array(box, np.float64), int(count), to_full)
            for box, count in zip(boxes, np.ravel(counts), strict=True)
        ]
        kept = [face for face in faces if face.confidence >= self.threshold]
        return tuple(sorted(kept, key=lambda face: -face.confidence))

    def _face(self, box_xywh: Vector, count: int, to_full: Vector) -> Face:
        corners = np.concatenate([box_xywh[:2], box_xywh[:2] + box_xywh[2:]])
        confidence = self._calibration.probability(float(np.log(max(count, 1))))
        return Face(
            Box(*(corners * np.tile(to_full, 2)).tolist()), confidence, _NO_POINTS, self.name
        )
