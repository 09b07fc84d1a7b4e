"""An audit as one HTML file: no script, nothing loaded from elsewhere, fit to print and send.

Tables and sentences are those of the page; `report.html.j2`, which escapes every text, lays them
out and draws the charts as SVG.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from core.drawing.photo import CHART_COLOURS
from core.emotions import EMOTIONS
from core.measures.curves import (
    coverage_accuracy,
    precision_recall_curves,
    reliability,
    roc_curves,
)
from core.measures.groups.breakdown import SOURCE_TEXTS, AttributeReport, BiasReport
from core.measures.groups.wording import (
    PREDICTED_BANNER,
    gap_sentence,
    gaps_say,
    sensitivity_sentence,
    summary_rows,
)
from services.bias_audit import findings, tables
from services.bias_audit.judge import AuditResult, ModelAudit

_DASHES: Final = ("", "8 4", "2 3", "8 3 2 3", "12 4", "12 3 2 3", "4 2 1 2")
Line = dict[str, Any]


def audit_html(result: AuditResult) -> str:
    """The report; every text that came from the data is escaped."""
    named = {one.model_id: one.predictions for one in result.models}
    left_out = findings.undetected(named, len(result.undetected))
    return _template().render(
        title=f"Audit of {', '.join(named)}",
        result=result,
        faces={"crop": "each picture taken as a face crop"}.get(result.faces, result.faces),
        notes=[said for said in (left_out, *result.notes) if said],
        point=findings.accuracy(named),
        overview=tables.overview(result.models),
        pairs=[(findings.pair(p), findings.pair_test(p, len(result.pairs))) for p in result.pairs],
        gaps=tables.gaps_of_models(result.models) if len(result.models) > 1 else None,
        models=[_model(one) for one in result.models],
    )


@cache
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
    environment.filters["percent"] = findings.percent
    return environment.get_template("report.html.j2")


def _model(one: ModelAudit) -> dict[str, Any]:
    p = one.predictions
    roc, areas = roc_curves(p.labels, p.probabilities)
    recall, averages = precision_recall_curves(p.labels, p.probabilities)
    return {
        "name": one.model_id,
        "expressions": (findings.expressions(p), tables.expressions_text(p)),
        "confusion": (findings.confusion(p), tables.confusion_text(p)),
        "roc": (
            findings.roc(areas),
            _lines(roc, "false_positive_rate", "true_positive_rate", areas),
        ),
        "recall": (findings.precision(averages), _lines(recall, "recall", "precision", averages)),
        "confidence": _confidence(one),
        "robustness": _robustness(one),
        "groups": _groups(one.bias),
    }


def _lines(curves: pd.DataFrame, x: str, y: str, numbers: Mapping[str, float]) -> list[Line]:
    if curves.empty:  # all pictures have one label, or each is of its own
        return []
    return [
        {
            "name": f"{name} {numbers[str(name)]:.3f}",
            "points": list(zip(part[x], part[y], strict=True)),
            "colour": CHART_COLOURS[str(name)],
            "dash": _DASHES[EMOTIONS.index(str(name))],
        }
        for name, part in curves.groupby("expression", sort=False)
    ]


def _confidence(one: ModelAudit) -> dict[str, Any]:
    p = one.predictions
    bins = reliability(p.labels, p.probabilities)
    points = list(zip(bins["confidence"], bins["accuracy"], strict=True))
    ideal = {"name": "says what is true", "points": [(0, 0), (1, 1)]}
    return {
        "says": findings.reliability({one.model_id: p}),
        "lines": [
            {"name": "this data", "points": points, "colour": CHART_COLOURS["sad"], "dash": ""},
            ideal | {"colour": CHART_COLOURS["neutral"], "dash": "2 4"},
        ],
        "bins": tables.reliability_text(bins),
        "coverage": findings.coverage(
            one.model_id, coverage_accuracy(p.labels, p.probabilities), one.threshold
        ),
    }


def _robustness(one: ModelAudit) -> dict[str, Any] | None:
    if one.robustness is None:
        return None
    frame = pd.DataFrame(one.robustness["rows"])
    cells = frame.pivot(index="corruption", columns="level", values="accuracy")
    return {
        "says": findings.robustness(one.robustness),
        "cells": cells.loc[cells.mean(axis=1).sort_values().index],
        "clean": max(one.robustness["clean_accuracy"], 0.01),
    }


def _groups(bias: BiasReport) -> dict[str, Any] | None:
    if not bias.attributes:
        return None
    return {
        "says": gaps_say(bias),
        "gaps": pd.DataFrame(summary_rows(bias)),
        "attributes": [_attribute(a, bias) for a in [*bias.attributes, *bias.intersections]],
    }


def _attribute(attribute: AttributeReport, bias: BiasReport) -> dict[str, Any]:
    first, band = attribute.outcomes[0], attribute.sensitivity
    return {
        "name": attribute.name,
        "source": SOURCE_TEXTS[attribute.source],
        "banner": PREDICTED_BANNER if attribute.source == "predicted" else "",
        "says": gap_sentence(first, bias.kind),
        "sensitivity": "" if band is None else sensitivity_sentence(band),
        "title": first.title,
        "shown": [row for row in first.groups if row.share is not None],
        "groups": tables.groups_text(first),
        "gaps": tables.gaps_text(attribute),
    }
