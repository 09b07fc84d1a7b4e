"""`mien detectors`: the face detectors, with their measures."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.options import JsonArray
from cli.output import wide_console

if TYPE_CHECKING:
    from core.measures.detection.evaluation import DetectionEvaluation


def detectors(as_json: JsonArray = False) -> None:
    """List the face detectors with their figures on WIDER FACE and what they do to expressions."""
    from core.config import load_settings

    settings = load_settings()
    rows = rows_of(settings.models_dir)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        _table(rows, settings.default_detector)


def rows_of(models_dir: Path) -> list[dict[str, Any]]:
    """One object a detector; figures are null where it has not been evaluated."""
    from core.detection import DETECTORS, available_detectors
    from core.detection.terms import detector_terms
    from core.measures.detection.curves import load_evaluations

    measured = load_evaluations(models_dir)
    installed = available_detectors()
    return [
        {
            "name": name,
            "installed": name in installed,
            **_row(measured.get(name)),
            "terms": detector_terms(name, models_dir),
        }
        for name in DETECTORS
    ]


_FIGURES = (
    *("dataset", "command", "n_images", "n_faces", "ap50", "best_f1"),
    *("precision", "recall", "threshold", "cpu_ms_per_image"),
)


def _row(measured: "DetectionEvaluation | None") -> dict[str, Any]:
    figures = {name: getattr(measured, name, None) for name in _FIGURES}
    return {**figures, "app": None if measured is None else measured.shipped.model_dump()}


def _table(rows: list[dict[str, Any]], default: str) -> None:
    from rich.table import Table

    columns = ("detector", "AP", "best F1", "at", "app's", "F1 there", "ms (CPU)", "photos")
    table = Table(*columns, title="WIDER FACE, validation photos", caption=f"default: {default}")
    for row in rows:
        missing = "" if row["installed"] else " (not installed)"
        if row["ap50"] is None:
            table.add_row(row["name"] + missing, *["–"] * 7)
            continue
        figures = (row["ap50"], row["best_f1"], row["threshold"], row["app"]["threshold"])
        table.add_row(
            row["name"] + missing,
            *(f"{value:.3f}" for value in (*figures, row["app"]["f1"])),
            f"{row['cpu_ms_per_image']:.0f}",
            str(row["n_images"]),
        )
    console = wide_console()
    console.print(table)
    for row in rows:
        console.print(f"Terms of {row['name']}: {row['terms']}", soft_wrap=True)
