"""Fit what turns a detector's raw scores into probabilities, and its threshold.

`python -m training.fits.detector_calibration --data wider_train.parquet --detector haar` writes
models/haar/calibration.json. Never run it on the photos that a detector is measured on.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.config import ROOT
from core.detection import create_detector
from core.detection.calibration import DetectorCalibration
from core.detection.files import read_json
from core.measures.detection.evaluation import counted_truths, run
from core.measures.detection.matching import (
    NOT_COUNTED,
    OperatingPoint,
    PrecisionRecall,
    match,
    precision_recall,
)
from core.measures.detection.photos import load_photos
from core.measures.study import write_study
from training.data.crop_geometry import placeholder

_EVERYTHING = 1e-6  # a confidence that every box has
_FEWEST_ERRORS = 10
_ASSUMED_SLOPE = 4.0  # of dlib's margins, which are about 1 wide
_WANTED_PRECISION = 0.95
_START = DetectorCalibration(slope=1, intercept=0, threshold=0.5)


def fit(scores: NDArray[np.float64], is_face: NDArray[np.bool_]) -> DetectorCalibration:
    """The logistic curve through (n,) raw scores and whether each box held a face (n,).

    With few errors among the boxes a slope would be an accident; then only the height is fitted.
    The threshold is not fitted here.
    """
    if int((~is_face).sum()) < _FEWEST_ERRORS:
        share = (is_face.sum() + 1) / (len(is_face) + 2)  # Laplace's rule of succession
        middle = float(np.median(scores)) if len(scores) else 0.0
        intercept = float(np.log(share / (1 - share))) - _ASSUMED_SLOPE * middle
        return DetectorCalibration(slope=_ASSUMED_SLOPE, intercept=intercept, threshold=0.5)
    model = LogisticRegression(C=1e6).fit(scores[:, None], is_face)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return DetectorCalibration(slope=slope, intercept=intercept, threshold=0.5)


def app_threshold(curve: PrecisionRecall) -> OperatingPoint:
    """The point of best F1 among those of enough precision; of best F1 where none has it.

    A false face is worse here than a missed one: it gets scores of an expression.
    """
    enough = curve.precision >= _WANTED_PRECISION
    if not enough.any():
        return curve.best
    return curve.at(float(curve.thresholds[np.where(enough, curve.f1, -1).argmax()]))


def main(
    data: Annotated[Path, typer.Option(help="WIDER FACE train photos, parquet")],
    detector: Annotated[str, typer.Option(help="Name of the detector")],
    min_face: Annotated[float, typer.Option(help="Smaller faces do not count, px")] = 20,
    every: Annotated[int, typer.Option(help="Only every n-th photo, for slow detectors")] = 1,
) -> None:
    """Fit curve and F1-best threshold, write them beside the detector."""
    folder = ROOT / "models" / detector
    placeholder(folder)
    file = folder / "calibration.json"
    if not file.exists():  # the detector itself wants one to start
        write_study(file, _START.model_dump())
    before = read_json(folder, file.name, DetectorCalibration)
    finder = create_detector(detector, ROOT / "models", threshold=_EVERYTHING)
    photos = load_photos(data).part(every)
    found, _ = run(finder, photos)
    truths = counted_truths(photos, min_face)
    matches = np.concatenate([match(t, f) for t, f in zip(truths, found, strict=True)])
    confidences = np.concatenate([f.confidences for f in found])
    counted = matches != NOT_COUNTED
    scores = np.array([before.score(value) for value in confidences[counted]])
    fitted = fit(scores, matches[counted] >= 0)
    curve = precision_recall(truths, found)
    chosen = app_threshold(curve)
    content = {
        **fitted.model_dump(),
        "threshold": round(fitted.probability(before.score(chosen.threshold)), 4),
        "data": f"{photos.name}, every {every}. photo" if every > 1 else photos.name,
        "n_images": len(photos),
        "n_boxes": int(counted.sum()),
        "best_f1": round(curve.best.f1, 4),
        "at_threshold": {
            "precision": round(chosen.precision, 4),
            "recall": round(chosen.recall, 4),
        },
    }
    print(write_study(file, content))


if __name__ == "__main__":
    typer.run(main)
