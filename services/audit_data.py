"""Audit a model on somebody's own labelled pictures: judge, measure, hand out. Nothing is kept."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.bias_report import Attribute, BiasReport, Source, expression_breakdown
from core.classify import EmotionClassifier
from core.curves import (
    Predictions,
    coverage_accuracy,
    precision_recall_curves,
    reliability,
    roc_curves,
    summary_with_intervals,
)
from core.detection import FaceDetector
from core.emotions import EMOTIONS
from core.errors import ImageRefusedError
from core.evaluation import predict
from core.images import decode_image
from core.metrics import measure
from services.audit_input import AuditInputError, AuditSet, rows_text

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class AuditResult:
    """Figures of one audit.

    Attributes:
        predictions: of the pictures with a face, in the order of the rows.
        rows: their row numbers, (n,).
        undetected: row numbers of pictures without a face.
        groups: group columns of the pictures with a face, "" for no value.
        bias: breakdowns by those columns.
    """

    name: str
    model_id: str
    faces: str
    threshold: float
    predictions: Predictions
    rows: NDArray[np.int64]
    undetected: list[int]
    groups: pd.DataFrame
    bias: BiasReport
    notes: tuple[str, ...]


def run_audit(
    classifier: EmotionClassifier,
    audited: AuditSet,
    *,
    detector: FaceDetector | None = None,
    source: Source = "annotated",
    label_error: float | None = None,
    progress: Progress | None = None,
) -> AuditResult:
    """Judge every picture and compute all figures; progress counts pictures.

    Args:
        classifier: the model.
        audited: from `check_set`.
        detector: finds the face first; None takes each picture as a face crop.
        source: where the group labels come from.
        label_error: for predicted labels, the share that is thought wrong.
        progress: called with pictures done and pictures in all; what it raises stops the run.

    Raises:
        AuditInputError: if pictures cannot be decoded, or none has a face.
    """
    _check_readable(audited)
    images = audited.images
    probabilities, seen = predict(classifier, images, detector=detector, progress=progress)
    if not seen.any():
        raise AuditInputError("No face was found in any picture; are they face crops?")
    rows = images.rows
    predictions = Predictions(
        images.labels[seen], probabilities[seen], np.zeros(int(seen.sum()), bool)
    )
    groups = images.groups[seen].reset_index(drop=True)
    threshold = classifier.card.calibration.uncertain_threshold
    attributes = [
        Attribute(str(column), groups[column].to_numpy(str), source, "", label_error)
        for column in groups.columns
    ]
    single, pairs = expression_breakdown(predictions, attributes, threshold)
    return AuditResult(
        name=images.name,
        model_id=classifier.card.id,
        faces="crop" if detector is None else f"detect ({detector.name})",
        threshold=threshold,
        predictions=predictions,
        rows=rows[seen],
        undetected=rows[~seen].tolist(),
        groups=groups,
        bias=BiasReport(
            title="your data",
            kind="error",
            dataset="your data",
            n=len(predictions),
            model_id=classifier.card.id,
            model_sha256=classifier.card.sha256,
            command="mien audit",
            caveats=[],
            attributes=single,
            intersections=pairs,
        ),
        notes=audited.notes,
    )


def _check_readable(audited: AuditSet) -> None:
    """Decode everything once, so that all bad rows are named and not just the first."""
    wrong: dict[str, list[int]] = {}
    for row, encoded in zip(audited.images.rows, audited.images.encoded(), strict=True):
        try:
            decode_image(encoded)
        except ImageRefusedError as error:
            wrong.setdefault(error.kind.replace("_", " "), []).append(int(row))
    if wrong:
        said = "; ".join(f"{kind} in {rows_text(rows)}" for kind, rows in wrong.items())
        raise AuditInputError(f"Some pictures cannot be read: {said}.")


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
    p = result.predictions
    content = {
        "data": result.name,
        "model": result.model_id,
        "faces": result.faces,
        "pictures": len(p) + len(result.undetected),
        "undetected_rows": result.undetected,
        "notes": list(result.notes),
        "measures": measure(p.labels, p.probabilities).model_dump(),
        "intervals": summary_with_intervals(p.labels, p.predicted).to_dict(orient="index"),
        "area_under_roc": roc_curves(p.labels, p.probabilities)[1],
        "average_precision": precision_recall_curves(p.labels, p.probabilities)[1],
        "reliability": reliability(p.labels, p.probabilities).to_dict(orient="records"),
        "coverage": coverage_accuracy(p.labels, p.probabilities).to_dict(orient="records"),
        "groups": result.bias.model_dump(),
    }
    return json.dumps(_without_nan(content), indent=1)


def audit_csv(result: AuditResult) -> str:
    """One line a picture: row, label, verdict, scores, groups; all else follows from these."""
    p = result.predictions
    table = pd.DataFrame(
        {
            "row": result.rows,
            "label": [EMOTIONS[label] for label in p.labels],
            "judged": [EMOTIONS[label] for label in p.predicted],
            "confidence": p.confidence,
        }
    )
    for index, name in enumerate(EMOTIONS):
        table[name] = p.probabilities[:, index]
    for column in result.groups.columns:
        # Names that spreadsheets would run as a formula (OWASP, CSV injection) are quoted.
        table[f"group {column}"] = [_safe(value) for value in result.groups[column]]
    buffer = io.StringIO()
    # Nine digits bring every 32-bit float back, so that near ties stay what they are.
    table.to_csv(buffer, index=False, float_format="%.9g")
    return buffer.getvalue()


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _without_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return value
