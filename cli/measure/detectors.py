"""`mien detectors`: the face detectors, with their measures."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import ModelError, damage_is

if TYPE_CHECKING:
    from core.measures.detection.evaluation import DetectionEvaluation

_MIN_WIDTH = 120


def detectors(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The tables of docs/detection.md.")
    ] = False,
) -> None:
    """List the face detectors with their figures on WIDER FACE and what they do to expressions."""
    from core.config import load_settings

    settings = load_settings()
    rows = rows_of(settings.models_dir)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    elif as_markdown:
        tables = (
            found_markdown(rows),
            effect_markdown(settings.models_dir),
            quality_markdown(settings.models_dir / settings.default_model),
        )
        sys.stdout.write("\n".join(table for table in tables if table))
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
    "dataset",
    "command",
    "n_images",
    "n_faces",
    "ap50",
    "best_f1",
    "precision",
    "recall",
    "threshold",
    "cpu_ms_per_image",
)


def _row(measured: "DetectionEvaluation | None") -> dict[str, Any]:
    if measured is None:
        return {**dict.fromkeys(_FIGURES), "app": None}
    figures = {name: getattr(measured, name) for name in _FIGURES}
    return {**figures, "app": measured.shipped.model_dump()}


def found_markdown(rows: list[dict[str, Any]]) -> str:
    """How well they find faces, best first."""
    lines = [
        "| detector | average precision | best F1 (precision, recall) | at threshold "
        "| the app's threshold | F1 there (precision, recall) | processor, ms a photo | photos |",
        "|---|---|---|---|---|---|---|---|",
    ]
    measured = [row for row in rows if row["ap50"] is not None]
    for row in sorted(measured, key=lambda row: -row["ap50"]):
        app = row["app"]
        lines.append(
            f"| {row['name']} | {row['ap50']:.3f} "
            f"| {row['best_f1']:.3f} ({row['precision']:.3f}, {row['recall']:.3f}) "
            f"| {row['threshold']:.2f} | {app['threshold']:.2f} "
            f"| {app['f1']:.3f} ({app['precision']:.3f}, {app['recall']:.3f}) "
            f"| {row['cpu_ms_per_image']:.0f} | {row['n_images']} |"
        )
    return "\n".join(lines) + "\n"


def effect_markdown(models_dir: Path) -> str:
    """What they do to the accuracy of expressions; from training/fits/detector_effect.py."""
    file = models_dir / "studies" / "detectors.json"
    if not file.exists():
        return ""
    lines = [
        "| detector | photos | no face found | accuracy where found (95 % interval) "
        "| accuracy of all |",
        "|---|---|---|---|---|",
    ]
    with damage_is(ModelError("studies/detectors.json is damaged; reinstall Mien.")):
        for name, row in json.loads(file.read_text(encoding="utf-8"))["detectors"].items():
            low, high = row["accuracy_ci95"]
            title = "none: the crops themselves" if name == "none" else name
            lines.append(
                f"| {title} | {row['n']} | {row['undetected']} "
                f"| {row['accuracy_of_detected']:.1%} ({low:.1%} to {high:.1%}) "
                f"| {row['accuracy_of_all']:.1%} |"
            )
    return "\n".join(lines) + "\n"


def quality_markdown(model_dir: Path) -> str:
    """What quality says, from training/fits/quality.py; empty where there is no fit."""
    file = model_dir / "quality.json"
    if not file.exists():
        return ""
    lines = [
        "| quality | pictures | judged right | expected from the quality |",
        "|---|---|---|---|",
    ]
    with damage_is(ModelError(f"quality.json of {model_dir.name!r} is damaged; reinstall Mien.")):
        check = json.loads(file.read_text(encoding="utf-8"))["check"]
        lines += [
            f"| {band['quality']} | {band['n']} | {_share(band['accuracy_of_all'])} "
            f"| {_share(band['mean_quality_times_reference'])} |"
            for band in check["by_quality"]
        ]
    return "\n".join(lines) + "\n"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _table(rows: list[dict[str, Any]], default: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="WIDER FACE, validation photos", caption=f"default: {default}")
    for column in ("detector", "AP", "best F1", "at", "app's", "F1 there", "ms (CPU)", "photos"):
        table.add_column(column)
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
    console = Console()
    console.width = max(console.width, _MIN_WIDTH)
    console.print(table)
    for row in rows:
        console.print(f"Terms of {row['name']}: {row['terms']}", soft_wrap=True)
