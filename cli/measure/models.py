"""`mien models`: what is shipped, with its measures."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from core.expression.model_card import ModelCard

_MIN_WIDTH = 130


def models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
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
        _row(model_id, folder, studies)
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


def markdown(rows: list[dict[str, Any]]) -> str:
    """The measures as the README shows them."""
    lines = [
        "| model | accuracy | without near-duplicates | one view | balanced | macro F1 "
        "| calibration error | corrupted | parameters | multiply-accumulates | ms a face | size |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['id']}{'' if row['shipped'] else ' (not shipped)'} | {row['accuracy']:.1%} "
        f"| {row['accuracy_without_near_duplicates']:.1%} | {row['accuracy_single_view']:.1%} "
        f"| {row['balanced_accuracy']:.1%} | {row['macro_f1']:.3f} | {row['ece']:.3f} "
        f"| {_share(row['accuracy_corrupted'], '.1%')} | {row['parameters'] / 1e6:.1f} M "
        f"| {row['macs'] / 1e6:.0f} M | {_ms(row)} | {row['bytes'] / 1e6:.1f} MB |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _share(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _ms(row: dict[str, Any]) -> str:
    return "–" if row["ms_per_face"] is None else f"{row['ms_per_face']:.1f}"


def _measured_ms(studies: Path) -> dict[str, float]:
    """SHA-256 of a model -> median milliseconds a face, by `mien bias speed`, where it ran."""
    file = studies / "speed.json"
    if not file.exists():
        return {}
    measured = json.loads(file.read_text(encoding="utf-8"))["models"].values()
    return {row["model_sha256"]: row["p50_ms"] for row in measured}


def _measured_corrupted(card: "ModelCard", studies: Path) -> float | None:
    """Mean accuracy under corruptions, where `mien bias robustness` ran on this very model."""
    from core.measures.corruptions import mean_accuracy

    file = studies / f"robustness_{card.id}.json"
    if not file.exists():
        return None
    study = json.loads(file.read_text(encoding="utf-8"))
    return mean_accuracy(study) if study["model_sha256"] == card.sha256 else None


def _row(model_id: str, models_dir: Path, studies: Path) -> dict[str, Any]:
    from core.expression.model_card import load_card

    card = load_card(model_id, models_dir)
    report = json.loads((models_dir / model_id / "evaluation.json").read_text(encoding="utf-8"))
    return {
        "id": model_id,
        "title": card.title,
        "shipped": bool(card.file or card.members),
        "precision": card.precision,
        "parameters": card.n_parameters,
        "macs": card.n_macs,
        "bytes": card.n_bytes,
        "flip_average": card.flip_average,
        "accuracy": report["all"]["accuracy"],
        "accuracy_single_view": report["single_view"]["accuracy"],
        "accuracy_without_near_duplicates": report["without_near_duplicates"]["accuracy"],
        "balanced_accuracy": report["all"]["balanced_accuracy"],
        "macro_f1": report["all"]["macro_f1"],
        "ece": report["all"]["ece"],
        "accuracy_corrupted": _measured_corrupted(card, studies),
        "ms_per_face": _measured_ms(studies).get(card.sha256),
        "command": report["command"],
    }


def _table(rows: list[dict[str, Any]], default_model: str) -> None:
    from rich.console import Console
    from rich.table import Table

    caption = f"default: {default_model}; in brackets: not shipped, for its size"
    table = Table(title="FER-2013, private test split", caption=caption)
    for column in (
        "id", "accuracy", "one view", "no near-dup.", "balanced", "macro F1", "ECE",
        "corrupted", "MB", "M params", "M MACs", "ms",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column == "id" else "right")
    for row in rows:
        table.add_row(
            row["id"] if row["shipped"] else f"({row['id']})",
            f"{row['accuracy']:.2%}",
            f"{row['accuracy_single_view']:.2%}",
            f"{row['accuracy_without_near_duplicates']:.2%}",
            f"{row['balanced_accuracy']:.2%}",
            f"{row['macro_f1']:.3f}",
            f"{row['ece']:.3f}",
            _share(row["accuracy_corrupted"], ".2%"),
            f"{row['bytes'] / 1e6:.1f}",
            f"{row['parameters'] / 1e6:.2f}",
            f"{row['macs'] / 1e6:.0f}",
            _ms(row),
        )
    console = Console()
    if console.width < _MIN_WIDTH:  # a pipe has no width; cut columns would say nothing
        console = Console(width=_MIN_WIDTH)
    console.print(table)
