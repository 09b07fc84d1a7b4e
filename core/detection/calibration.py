"""From a detector's raw score to the probability that its box holds a face."""

import json
import threading
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from core.detection.box_geometry import load_box_geometry
from core.detection.scaling import shrink
from core.errors import ModelError, damage_is
from core.types import Box, Face, ImageRGB, check_image_rgb

Scored = list[tuple[tuple[int, ...], float]]  # left, top, right, bottom, and a raw score
_MIN_SIDE_PX = 16  # smaller pictures hold no face; dlib's pyramids want some pixels


class DetectorCalibration(BaseModel, frozen=True, extra="ignore"):
    """A logistic curve over the raw score (Platt 1999), fitted on WIDER FACE's train photos.

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


def load_calibration(folder: Path) -> DetectorCalibration:
    """Read what `training/fits/detector_calibration.py` fitted for the detector in `folder`.

    Raises:
        ModelError: if the file is missing or not such a fit.
    """
    sentence = f"The face detector {folder.name} has no readable calibration.json; reinstall Mien."
    with damage_is(ModelError(sentence)):
        return DetectorCalibration.model_validate_json((folder / "calibration.json").read_bytes())


def save_calibration(folder: Path, calibration: DetectorCalibration, **facts: object) -> None:
    """Write it with what it was fitted on."""
    content = {**calibration.model_dump(), **facts}
    (folder / "calibration.json").write_text(json.dumps(content, indent=1) + "\n")


class CalibratedDetector(ABC):
    """A detector without keypoints behind a lock, its raw scores made probabilities.

    Images above `max_side_px` are shrunk first.
    """

    name = ""

    def __init__(
        self, folder: Path, *, threshold: float | None = None, max_side_px: int = 800
    ) -> None:
        self.box_geometry = load_box_geometry(folder)
        self._calibration = load_calibration(folder)
        self.threshold = self._calibration.threshold if threshold is None else threshold
        self.max_side_px = max_side_px
        self._lock = threading.Lock()

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`."""
        small_rgb, to_full = shrink(check_image_rgb(image_rgb), self.max_side_px)
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
