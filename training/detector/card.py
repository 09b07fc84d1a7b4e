"""What is said of the detector beside its files: `detector.json` for machines, a readme."""

import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from training.detector.recipe import DetectorRecipe
from training.publishing.card_texts import filled

TEMPLATE: Final = Path(__file__).with_name("readme.md.j2")
TEXTS: Final = tomllib.loads(Path(__file__).with_name("card.toml").read_text("utf-8"))
EVALUATION_FILES = {"int8": "evaluation.json", "float": "evaluation_float.json"}


def description(
    recipe: DetectorRecipe, curves: list[dict[str, float]], **measured: Any
) -> dict[str, Any]:
    """The content of `detector.json`, with `measured` as it comes out of the export."""
    return {
        "id": "mien-face",
        **TEXTS,
        **measured,
        "recipe": asdict(recipe),
        "n_epochs": len(curves),
        "train_s": round(sum(row["train_s"] for row in curves)),
    }


def write_readme(folder: Path) -> None:
    """Say to people what `detector.json` and the evaluations in `folder` say to machines."""
    facts = json.loads((folder / "detector.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(readme(facts, folder), encoding="utf-8")


def readme(facts: dict[str, Any], folder: Path) -> str:
    """The readme, with the figures of those `EVALUATION_FILES` that are there."""
    names = {"int8": "8-bit integers", "float": "32-bit floats"}
    measured = {
        names[kind]: json.loads((folder / file).read_text(encoding="utf-8"))
        for kind, file in EVALUATION_FILES.items()
        if (folder / file).exists()
    }
    return filled(TEMPLATE, facts=facts, measured=measured)
