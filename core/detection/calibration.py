"""From a detector's raw score to the probability that its box holds a face."""

import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from core.errors import ModelError, damage_is


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
