"""`mien models`: what is shipped, with its measures."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.options import JsonArray
from cli.output import wide_console

if TYPE_CHECKING:
    from core.expression.model_card import ModelCard


def models(
    as_json: JsonArray = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The table of the README.")
    ] = False,
) -> None:
    """List the expression models with their figures on FER-2013's private test split."""
    from core.config import load_settings
    from core.expression.model_card import UNSHIPPED, model_ids

    settings = load_settings()
    studies = settings.models_dir / "studies"
    rows = [
        _whole_row(model_id, folder, studies)
        for folder in (settings.models_dir, settings.models_dir / UNSHIPPED)
        for model_id in model_ids(folder)
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    if as_markdown:
        sys.stdout.write(markdown(rows))
        return
    _table(rows, settings.default_model)


def _shown(value: float | None, form: str, unit: str = "", scale: float = 1) -> str:
    return "–" if value is None else f"{value / scale:{form}}{unit}"


# Title -> the cell of a row, both on the screen and in the README.
COLUMNS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "model": lambda row: row["id"] + ("" if row["shipped"] else " (not shipped)"),
    "says what people say": lambda row: _shown(row["people_agreement"], ".1%"),
    "right on photos": lambda row: _shown(row["photos_accuracy"], ".1%"),
    "on photos, balanced": lambda row: _shown(row["photos_balanced_accuracy"], ".1%"),
    "right by FER-2013's labels": lambda row: _shown(row["accuracy"], ".1%"),
    "without near-duplicates": lambda row: _shown(row["accuracy_without_near_duplicates"], ".1%"),
    "one view": lambda row: _shown(row["accuracy_single_view"], ".1%"),
    "balanced": lambda row: _shown(row["balanced_accuracy"], ".1%"),
    "calibration error": lambda row: _shown(row["ece"], ".3f"),
    "corrupted": lambda row: _shown(row["accuracy_corrupted"], ".1%"),
    "parameters": lambda row: _shown(row["parameters"], ".1f", " M", 1e6),
    "multiply-accumulates": lambda row: _shown(row["macs"], ".0f", " M", 1e6),
    "ms a face": lambda row: _shown(row["ms_per_face"], ".1f"),
    "size": lambda row: _shown(row["bytes"], ".1f", " MB", 1e6),
}


def markdown(rows: list[dict[str, Any]]) -> str:
    """The measures as the README shows them."""
    cells = [list(COLUMNS)] + [[show(row) for show in COLUMNS.values()] for row in rows]
    lines = [f"| {' | '.join(line)} |" for line in cells]
    return "\n".join([lines[0], "|---" * len(COLUMNS) + "|", *lines[1:]]) + "\n"


def _measured_ms(studies: Path) -> dict[str, float]:
    """SHA-256 of a model -> median milliseconds a face, on the machine measured last."""
    file = studies / "speed.json"
    if not file.exists():
        return {}
    *_, latest = json.loads(file.read_text(encoding="utf-8"))["machines"].values()
    return {row["model_sha256"]: row["p50_ms"] for row in latest.values()}


def _measured_corrupted(card: "ModelCard", studies: Path) -> float | None:
    """Mean accuracy under corruptions, where `mien bias robustness` ran on this very model."""
    from core.measures.corruptions import mean_accuracy

    file = studies / f"robustness_{card.id}.json"
    if not file.exists():
        return None
    study = json.loads(file.read_text(encoding="utf-8"))
    return mean_accuracy(study) if study["model_sha256"] == card.sha256 else None


def _whole_row(model_id: str, models_dir: Path, studies: Path) -> dict[str, Any]:
    """A row of which every cell can be shown; damaged files are told."""
    from core.errors import ModelError, damage_is

    sentence = f"The figures of model {model_id!r} are missing or damaged; reinstall Mien."
    with damage_is(ModelError(sentence)):
        row = _row(model_id, models_dir, studies)
        for show in COLUMNS.values():
            show(row)
    return row


def _row(model_id: str, models_dir: Path, studies: Path) -> dict[str, Any]:
    from core.expression.model_card import load_card

    card = load_card(model_id, models_dir)
    report = json.loads((models_dir / model_id / "evaluation.json").read_text(encoding="utf-8"))
    photos: dict[str, Any] = next(iter((report.get("photos") or {}).values()), {})
    return {
        "id": model_id,
        "title": card.title,
        "shipped": bool(card.file or card.members),
        "precision": card.precision,
        "parameters": card.n_parameters,
        "macs": card.n_macs,
        "bytes": card.n_bytes,
        "flip_average": card.flip_average,
        "people_agreement": (report.get("people") or {}).get("clear_agreement"),
        "photos_accuracy": photos.get("accuracy"),
        "photos_balanced_accuracy": photos.get("balanced_accuracy"),
        "accuracy": report["all"]["accuracy"],
        "accuracy_single_view": report["single_view"]["accuracy"],
        "accuracy_without_near_duplicates": report["without_near_duplicates"]["accuracy"],
        "balanced_accuracy": report["all"]["balanced_accuracy"],
        "macro_f1": report["all"]["macro_f1"],
        "ece": report["all"]["ece"],
        "accuracy_corrupted": _measured_corrupted(card, studies),
        "ms_per_face": _measured_ms(studies).get(card.sha256),
        "command": report["command"],
        "licence": card.licence,
        "pretraining": card.pretraining,
    }


def _table(rows: list[dict[str, Any]], default_model: str) -> None:
    from rich.table import Table

    table = Table(title="FER-2013, private test split", caption=f"default: {default_model}")
    for title in COLUMNS:
        table.add_column(title, justify="right", no_wrap=title == "model", overflow="fold")
    for row in rows:
        table.add_row(*(show(row) for show in COLUMNS.values()))
    console = wide_console()
    console.print(table)
    for title, key in (("Terms of", "licence"), ("Before the training of", "pretraining")):
        for text, names in alike({row["id"]: row[key] for row in rows}).items():
            console.print(f"{title} {', '.join(names)}: {text}", soft_wrap=True)


def alike(texts: dict[str, str]) -> dict[str, list[str]]:
    """Text -> names that share it; empty texts are left out.

    Examples:
        >>> alike({"a": "MIT", "b": "", "c": "MIT"})
        {'MIT': ['a', 'c']}
    """
    found: dict[str, list[str]] = {}
    for name, text in texts.items():
        if text:
            found.setdefault(text, []).append(name)
    return found
