"""OpenCV's cascade of Haar features (Viola and Jones 2001), frontal faces; ships in OpenCV."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.detection.calibration import CalibratedDetector, Scored
from core.errors import ModelError
from core.types import ImageRGB

CASCADE = "haarcascade_frontalface_default.xml"
_MIN_FACE_PX = 20


class HaarDetector(CalibratedDetector):
    """OpenCV's `CascadeClassifier`: how often it fired around a place says how sure it is."""

    name = "haar"

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE))
        if self._cascade.empty():
            raise ModelError(f"OpenCV's file {CASCADE} is missing; reinstall Mien.")

    def _find(self, image_rgb: ImageRGB) -> Scored:
        grey = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)
        boxes, counts = self._cascade.detectMultiScale2(
            grey, scaleFactor=1.1, minNeighbors=1, minSize=(_MIN_FACE_PX, _MIN_FACE_PX)
        )
        return [
            ((x, y, x + width, y + height), float(np.log(max(int(count), 1))))
            for (x, y, width, height), count in zip(boxes, np.ravel(counts), strict=True)
        ]
