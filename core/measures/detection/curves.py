"""Stored precision-recall curves of face detectors, and what a threshold makes of them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import ModelError, damage_is
from core.measures.detection.evaluation import DetectionEvaluation
from core.measures.detection.matching import PrecisionRecall


def load_evaluations(models_dir: Path) -> dict[str, DetectionEvaluation]:
    """What `mien detect-eval --out models/<detector>/evaluation.json` stored, best first.

    Files of expression models, which have the same name, are passed over.
    """
    found = []
    for file in sorted(models_dir.glob("*/evaluation.json")):
        sentence = f"evaluation.json of {file.parent.name!r} is damaged; reinstall Mien."
        with damage_is(ModelError(sentence)):
            content = {**json.loads(file.read_text(encoding="utf-8"))}  # no list, no null
            if "ap50" in content:
                found.append(DetectionEvaluation.model_validate(content))
    found.sort(key=lambda evaluation: -(evaluation.ap50 or 0))
    return {evaluation.detector: evaluation for evaluation in found}


def stored_curve(evaluation: DetectionEvaluation) -> PrecisionRecall:
    """The curve as it was measured, thinned to what a chart needs.

    Between two stored points, `at` gives the one at the higher threshold.
    """
    columns = (np.array(evaluation.curve[name]) for name in ("threshold", "precision", "recall"))
    return PrecisionRecall(evaluation.n_faces, *columns)


def curve_frame(evaluation: DetectionEvaluation) -> pd.DataFrame:
    """Columns `threshold, precision, recall, f1`, all 0..1, rising in threshold."""
    curve = stored_curve(evaluation)
    columns = (curve.thresholds, curve.precision, curve.recall, curve.f1)
    names = ("threshold", "precision", "recall", "f1")
    return pd.DataFrame(dict(zip(names, columns, strict=True)))[::-1].reset_index(drop=True)


def counts_at(evaluation: DetectionEvaluation, threshold: float) -> tuple[int, int, int]:
    """Faces found, faces missed and false alarms at a threshold, over the whole set."""
    point = stored_curve(evaluation).at(threshold)
    if not point.recall > 0:  # shares of nothing found do not tell how many were wrong
        return 0, evaluation.n_faces, 0
    found = round(point.recall * evaluation.n_faces)
    return found, evaluation.n_faces - found, round(found * (1 / point.precision - 1))
