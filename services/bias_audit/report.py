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
from core.measures import curves
from core.measures.groups import wording
from core.measures.groups.breakdown import SOURCE_TEXTS
from services.bias_audit import findings, tables
from services.bias_audit.judge import AuditResult

_DASHES: Final = ("", "8 4", "2 3", "8 3 2 3", "12 4", "12 3 2 3", "4 2 1 2")
Line = dict[str, Any]


def audit_html(result: AuditResult) -> str:
    """The report; every text that came from the data is escaped."""
    named = {one.model_id: one.predictions for one in result.models}
    left_out = findings.undetected(named, len(result.undetected))
    return _template().render(
        result=result,
        named=named,
        faces={"crop": "each picture taken as a face crop"}.get(result.faces, result.faces),
        notes=[said for said in (left_out, *result.notes) if said],
    )


@cache
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
    environment.filters["percent"] = findings.percent
    says = {"findings": findings, "tables": tables, "wording": wording, "curves": curves}
    makes = {"curve_lines": _lines, "sure_lines": _sure_lines, "cells": _cells}
    environment.globals |= says | makes | {"sources": SOURCE_TEXTS, "frame": pd.DataFrame}
    return environment.get_template("report.html.j2")


def _lines(points: pd.DataFrame, x: str, y: str, numbers: Mapping[str, float]) -> list[Line]:
    if points.empty:  # all pictures have one label, or each is of its own
        return []
    return [
        {
            "name": f"{name} {numbers[str(name)]:.3f}",
            "points": list(zip(part[x], part[y], strict=True)),
            "colour": CHART_COLOURS[str(name)],
            "dash": _DASHES[EMOTIONS.index(str(name))],
        }
        for name, part in points.groupby("expression", sort=False)
    ]


def _sure_lines(bins: pd.DataFrame) -> list[Line]:
    points = list(zip(bins["confidence"], bins["accuracy"], strict=True))
    ideal = {"name": "says what is true", "points": [(0, 0), (1, 1)]}
    return [
        {"name": "this data", "points": points, "colour": CHART_COLOURS["sad"], "dash": ""},
        ideal | {"colour": CHART_COLOURS["neutral"], "dash": "2 4"},
    ]


def _cells(robustness: Mapping[str, Any]) -> pd.DataFrame:
    """Accuracy by corruption and level, worst first."""
    frame = pd.DataFrame(robustness["rows"])
    cells = frame.pivot(index="corruption", columns="level", values="accuracy")
    return cells.loc[cells.mean(axis=1).sort_values().index]
