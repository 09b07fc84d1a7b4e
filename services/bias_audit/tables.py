"""Tables of an audit: texts for the page and the report, and everything as JSON and CSV."""

import json
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.measures import curves
from core.measures.accuracy import measure, wilson_interval
from core.measures.groups.breakdown import AttributeReport, Outcome
from core.measures.groups.wording import p_text, points, summary_rows
from core.measures.study import plain
from services.analysis.photos import spreadsheet_safe
from services.bias_audit.findings import between, percent
from services.bias_audit.input import AuditSet
from services.bias_audit.judge import AuditResult, ModelAudit


class Judged(Protocol):
    """A model on a set of pictures: one of an audit, or one of the shipped test set."""

    @property
    def model_id(self) -> str:
        """The model's name."""

    @property
    def predictions(self) -> curves.Predictions:
        """What it said."""

    @property
    def threshold(self) -> float:
        """Confidence under which the app says "uncertain"."""


def overview(models: Sequence[Judged]) -> pd.DataFrame:
    """Headline figures as texts: one row a figure, one column a model."""
    columns = {one.model_id: _headline(one) for one in models}
    return pd.DataFrame(columns).rename_axis("figure").reset_index()


def _headline(one: Judged) -> dict[str, str]:
    p = one.predictions
    frame = curves.summary_with_intervals(p.labels, p.predicted)
    # Balanced accuracy is macro recall under another name: said once.
    names = [name for name in curves.SUMMARY if name != "macro_recall"]
    shown = {
        name.replace("_", " ").replace("f1", "F1"): f"{percent(value)} ({between(low, high)})"
        for name, (value, low, high) in zip(names, frame.loc[names].to_numpy(float), strict=True)
    }
    shown["calibration error"] = f"{measure(p.labels, p.probabilities).ece:.3f}"
    shown["called uncertain"] = percent(float((p.confidence < one.threshold).mean()))
    robustness = getattr(one, "robustness", None)
    if robustness is not None:
        corrupted = [row["accuracy"] for row in robustness["rows"]]
        shown["accuracy, corrupted"] = percent(float(np.mean(corrupted)))
    return shown | {"pictures": f"{len(p):,}"}


def expressions(p: curves.Predictions) -> pd.DataFrame:
    """Recall and precision of each expression with Wilson's intervals, F1, support."""
    scores = measure(p.labels, p.probabilities).per_class
    rows = []
    for index, name in enumerate(EMOTIONS):
        judged = p.predicted == index
        hits = int((judged & (p.labels == index)).sum())
        recall_low, recall_high = wilson_interval(hits, scores[name].support)
        precision_low, precision_high = wilson_interval(hits, int(judged.sum()))
        rows.append(
            {
                "expression": name,
                "recall": scores[name].recall,
                "recall_low": recall_low,
                "recall_high": recall_high,
                "precision": scores[name].precision,
                "precision_low": precision_low,
                "precision_high": precision_high,
                "f1": scores[name].f1,
                "support": scores[name].support,
                "judged_so": int(judged.sum()),
            }
        )
    return pd.DataFrame(rows)


def expressions_text(p: curves.Predictions) -> pd.DataFrame:
    """`expressions` as texts for people."""
    table = expressions(p)

    def shares(name: str) -> list[str]:
        columns = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(float)
        return [
            "–" if math.isnan(value) else f"{percent(value)} ({between(low, high)})"
            for value, low, high in columns
        ]

    return pd.DataFrame(
        {
            "expression": table["expression"],
            "recognised (recall)": shares("recall"),
            "right when said (precision)": shares("precision"),
            "F1": ["–" if math.isnan(value) else f"{value:.3f}" for value in table["f1"]],
            "pictures": table["support"],
        }
    )


def confusion_text(p: curves.Predictions) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Counts with shares of each true label as texts (7, 7), and those shares 0..1."""
    counts = curves.confusion_counts(p.labels, p.predicted)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = [
        [f"{n} ({100 * share:.0f}\u00a0%)" for n, share in zip(row, of_row, strict=True)]
        for row, of_row in zip(counts, shares, strict=True)
    ]
    return pd.DataFrame(cells, index=list(EMOTIONS), columns=list(EMOTIONS)), shares


def reliability_text(bins: pd.DataFrame) -> pd.DataFrame:
    """Bins of `core.measures.curves.reliability` as texts."""
    return pd.DataFrame(
        {
            "confidence": [percent(value) for value in bins["confidence"]],
            "pictures": bins["n"].astype(int),
            "right": [percent(value) for value in bins["accuracy"]],
            "95 % interval": [
                between(low, high) for low, high in zip(bins["low"], bins["high"], strict=True)
            ],
        }
    )


def groups_text(outcome: Outcome) -> pd.DataFrame:
    """One row a group of an outcome."""
    rows = [
        (g.group, g.n, percent(g.share), between(g.low, g.high), g.status) for g in outcome.groups
    ]
    return pd.DataFrame(rows, columns=["group", "n", outcome.title, "95 % interval", "status"])


def gaps_text(attribute: AttributeReport) -> pd.DataFrame:
    """One row an outcome of the attribute that has a gap."""
    rows = [
        (
            outcome.title,
            points(gap.difference),
            points(gap.chance95),
            "–" if gap.p_holm is None else p_text(gap.p_holm),
            gap.lowest,
            gap.highest,
        )
        for outcome in attribute.outcomes
        if (gap := outcome.gap) is not None
    ]
    names = ["share", "gap", "chance (95 %)", "p (Holm)", "lowest", "highest"]
    return pd.DataFrame(rows, columns=names)


def gaps_of_models(models: Sequence[ModelAudit]) -> pd.DataFrame | None:
    """Gaps of each attribute, the models below each other; None where nothing was grouped."""
    rows = [
        {"attribute": row["attribute"], "model": one.model_id}
        | {name: row[name] for name in ("gap", "chance (95 %)", "verdict")}
        for one in models
        for row in summary_rows(one.bias)
    ]
    return pd.DataFrame(rows).sort_values("attribute", kind="stable") if rows else None


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
    return json.dumps(plain(content), indent=1)


def _figures(one: ModelAudit) -> dict[str, Any]:
    p = one.predictions
    return {
        "model": one.model_id,
        "uncertain_threshold": one.threshold,
        "measures": measure(p.labels, p.probabilities).model_dump(),
        "intervals": curves.summary_with_intervals(p.labels, p.predicted).to_dict(orient="index"),
        "area_under_roc": curves.roc_curves(p.labels, p.probabilities)[1],
        "average_precision": curves.precision_recall_curves(p.labels, p.probabilities)[1],
        "reliability": curves.reliability(p.labels, p.probabilities).to_dict(orient="records"),
        "coverage": curves.coverage_accuracy(p.labels, p.probabilities).to_dict(orient="records"),
        "robustness": one.robustness,
        "groups": one.bias.model_dump(),
    }


def audit_csv(result: AuditResult) -> str:
    """One line a picture and model: row, label, verdict, scores, groups.

    All but the robustness follows from these.
    """
    lines = pd.concat([_lines(result, one) for one in result.models])
    # Nine digits bring every 32-bit float back, so that near ties stay what they are.
    return lines.to_csv(index=False, float_format="%.9g")


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
