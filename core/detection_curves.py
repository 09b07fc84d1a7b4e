"""Stored precision-recall curves of face detectors, and what a threshold makes of them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from core.detection_evaluation import DetectionEvaluation, Operation


def load_evaluations(models_dir: Path) -> dict[str, DetectionEvaluation]:
    """What `mien detect-eval --out models/<detector>/evaluation.json` stored, best first.

    Files of expression models, which have the same name, are passed over.
    """
    found = []
    for file in sorted(models_dir.glob("*/evaluation.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        if "ap50" in content:
            found.append(DetectionEvaluation.model_validate(content))
    found.sort(key=lambda evaluation: -(evaluation.ap50 or 0))
    return {evaluation.detector: evaluation for evaluation in found}


def curve_frame(evaluation: DetectionEvaluation) -> pd.DataFrame:
    """Columns `threshold, precision, recall, f1`, all 0..1, rising in threshold."""
    frame = pd.DataFrame(evaluation.curve).sort_values("threshold", ignore_index=True)
    total = frame["precision"] + frame["recall"]
    frame["f1"] = np.where(total > 0, 2 * frame["precision"] * frame["recall"] / total, 0.0)
    return frame


def at_threshold(evaluation: DetectionEvaluation, threshold: float) -> Operation:
    """Precision, recall and F1 when only detections from `threshold` on count.

    The stored curve is thinned; the nearest stored point at or above the threshold is taken.
    Above the highest confidence nothing is found: recall 0, precision undefined.
    """
    frame = curve_frame(evaluation)
    above = frame[frame["threshold"] >= threshold]
    if above.empty:
        return Operation(threshold=threshold, precision=None, recall=0.0, f1=0.0)
    row = above.iloc[0]
    return Operation(
        threshold=threshold,
        precision=float(row["precision"]),
        recall=float(row["recall"]),
        f1=float(row["f1"]),
    )


def counts_at(evaluation: DetectionEvaluation, threshold: float) -> tuple[int, int, int]:
    """Faces found, faces missed and false alarms at a threshold, over the whole set."""
    point = at_threshold(evaluation, threshold)
    found = round((point.recall or 0) * evaluation.n_faces)
    false_alarms = round(found * (1 / point.precision - 1)) if point.precision else 0
    return found, evaluation.n_faces - found, false_alarms
