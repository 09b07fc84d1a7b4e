"""An audit as JSON and CSV, and what is shown of a set before it is run."""

import io
import json
import math
from typing import Any

import numpy as np
import pandas as pd

from core.emotions import EMOTIONS
from core.measures.accuracy import measure
from core.measures.curves import (
    coverage_accuracy,
    precision_recall_curves,
    reliability,
    roc_curves,
    summary_with_intervals,
)
from services.analysis.photos import spreadsheet_safe
from services.bias_audit.input import AuditSet
from services.bias_audit.judge import AuditResult, ModelAudit


def preview(audited: AuditSet) -> dict[str, Any]:
    """What is shown before a run: counts by label and by group."""
    counts = np.bincount(audited.images.labels, minlength=len(EMOTIONS))
    return {
        "pictures": len(audited.images),
        "labels": dict(zip(EMOTIONS, counts.tolist(), strict=True)),
        "groups": {
            str(column): audited.images.groups[column].value_counts().to_dict()
            for column in audited.images.groups.columns
        },
    }


def audit_json(result: AuditResult) -> str:
    """All figures as one JSON object; figures without meaning are null."""
    content = {
        "data": result.name,
        "faces": result.faces,
        "pictures": len(result.rows) + len(result.undetected),
        "undetected_rows": result.undetected,
        "notes": list(result.notes),
        "models": [_figures(one) for one in result.models],
        "pairs": [pair.model_dump() for pair in result.pairs],
    }
    return json.dumps(_without_nan(content), indent=1)


def _figures(one: ModelAudit) -> dict[str, Any]:
    p = one.predictions
    return {
        "model": one.model_id,
        "uncertain_threshold": one.threshold,
        "measures": measure(p.labels, p.probabilities).model_dump(),
        "intervals": summary_with_intervals(p.labels, p.predicted).to_dict(orient="index"),
        "area_under_roc": roc_curves(p.labels, p.probabilities)[1],
        "average_precision": precision_recall_curves(p.labels, p.probabilities)[1],
        "reliability": reliability(p.labels, p.probabilities).to_dict(orient="records"),
        "coverage": coverage_accuracy(p.labels, p.probabilities).to_dict(orient="records"),
        "robustness": one.robustness,
        "groups": one.bias.model_dump(),
    }


def audit_csv(result: AuditResult) -> str:
    """One line a picture and model: row, label, verdict, scores, groups.

    All but the robustness follows from these.
    """
    buffer = io.StringIO()
    # Nine digits bring every 32-bit float back, so that near ties stay what they are.
    pd.concat([_lines(result, one) for one in result.models]).to_csv(
        buffer, index=False, float_format="%.9g"
    )
    return buffer.getvalue()


def _lines(result: AuditResult, one: ModelAudit) -> pd.DataFrame:
    p = one.predictions
    table = pd.DataFrame(
        {
            "model": one.model_id,
            "row": result.rows,
            "label": [EMOTIONS[label] for label in p.labels],
            "judged": [EMOTIONS[label] for label in p.predicted],
            "confidence": p.confidence,
        }
    )
    for index, name in enumerate(EMOTIONS):
        table[name] = p.probabilities[:, index]
    for column in result.groups.columns:
        table[f"group {column}"] = [spreadsheet_safe(value) for value in result.groups[column]]
    return table


def _without_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return value
