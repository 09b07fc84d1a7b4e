"""From a detector's raw score to the probability that its box holds a face."""

import threading
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from core.detection.files import load_box_geometry, read_json
from core.detection.scaling import LONGEST_SIDE_PX, shrink
from core.types import Box, Face, ImageRGB, check_image_rgb

Scored = list[tuple[tuple[int, ...], float]]  # left, top, right, bottom, and a raw score
_MIN_SIDE_PX = 16  # smaller pictures hold no face; dlib's pyramids want some pixels


class DetectorCalibration(BaseModel, frozen=True, extra="ignore"):
    """A logistic curve over the raw score (Platt 1999), fitted on WIDER FACE's train photos.

    `training/fits/detector_calibration.py` writes it to `models/<detector>/calibration.json`.

    From a probability of `threshold` on, the app takes a box for a face.
    """

    slope: float
    intercept: float
    threshold: float

    def probability(self, score: float) -> float:
        """Of being a face, 0..1."""
        return float(1 / (1 + np.exp(-(self.slope * score + self.intercept))))

    def score(self, probability: float) -> float:
        """The raw score that has this probability, which must lie strictly between 0 and 1."""
        return float((np.log(probability / (1 - probability)) - self.intercept) / self.slope)


class CalibratedDetector(ABC):
    """A detector without keypoints behind a lock, its raw scores made probabilities."""

    name = ""

    def __init__(self, folder: Path, *, threshold: float | None = None) -> None:
        self.box_geometry = load_box_geometry(folder)
        self._calibration = read_json(folder, "calibration.json", DetectorCalibration)
        self.threshold = self._calibration.threshold if threshold is None else threshold
        self._lock = threading.Lock()

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`."""
        small_rgb, to_full = shrink(check_image_rgb(image_rgb), LONGEST_SIDE_PX)
        if min(small_rgb.shape[:2]) < _MIN_SIDE_PX:
            return ()
        with self._lock:
            found = self._find(np.ascontiguousarray(small_rgb))
        faces = []
        for corners, score in found:
            box = Box(*(np.array(corners, np.float64) * np.tile(to_full, 2)).tolist())
            confidence = self._calibration.probability(score)
            faces.append(Face(box, confidence, np.empty((0, 2), np.float32), self.name))
        kept = [face for face in faces if face.confidence >= self.threshold]
        return tuple(sorted(kept, key=lambda face: -face.confidence))

    @abstractmethod
    def _find(self, image_rgb: ImageRGB) -> Scored:
        """The detections in `image_rgb`."""
