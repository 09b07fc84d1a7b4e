"""Figures by group that are shown beside a breakdown and not tested."""

from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, count

from core.measures.accuracy import expected_calibration_error
from core.measures.curves import Predictions, confusion_counts, summary_of
from core.measures.groups.gaps import MIN_SHOWN, Groups


def further_figures(
    predictions: Predictions, groups: Groups, uncertain_threshold: float
) -> list[dict[str, Any]]:
    """Per group, by MetricFrame: n, accuracy, balanced accuracy, macro F1, calibration error.

    Groups under `MIN_SHOWN` have their count alone.
    """
    known = groups != ""
    if not known.any():
        return []
    kept = predictions.keep(known)
    rows = np.arange(len(kept))
    frame = MetricFrame(
        metrics={
            "n": count,
            "balanced_accuracy": lambda _, rows: _summary(kept, rows)[1],
            "macro_f1": lambda _, rows: _summary(kept, rows)[4],
            "calibration_error": lambda _, rows: expected_calibration_error(
                kept.labels[rows], kept.probabilities[rows]
            ),
            "uncertain": lambda _, rows: float(
                (kept.confidence[rows] < uncertain_threshold).mean()
            ),
        },
        # The measures need probabilities, so MetricFrame is handed row numbers to split.
        y_true=rows,
        y_pred=rows,
        sensitive_features=pd.Series(groups[known], name="group"),
    )
    result = []
    for name, row in frame.by_group.iterrows():
        n = int(row["n"])
        figures = {
            key: float(value) if n >= MIN_SHOWN else None
            for key, value in row.items()
            if key != "n"
        }
        result.append({"group": str(name), "n": n, **figures})
    return result


def _summary(predictions: Predictions, rows: Any) -> Any:
    chosen = np.asarray(rows, np.int64)
    counts = confusion_counts(predictions.labels[chosen], predictions.predicted[chosen])
    return [float(value) for value in summary_of(counts)]
