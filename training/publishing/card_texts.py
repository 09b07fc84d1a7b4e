"""What every card of ours says in the same words, and the readme made from a card."""

import math
import tomllib
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined, Template

from core.emotions import EMOTIONS
from core.expression.model_card import ModelCard, TrainingData
from training.data.sets import SETS
from training.recipes.base import Recipe

TEMPLATE: Final = Path(__file__).with_name("readme.md.j2")
FIXED_TEXTS: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("fixed_texts.toml").read_text("utf-8")
)


def learned_from(recipe: Recipe, n_train: int, n_voted: int, n_photos: int) -> list[TrainingData]:
    """The sets that a recipe learns from, with counts; FER-2013's images and labels first."""
    found = [SETS["fer2013"].on_card(", train split", n_train)]
    if recipe.people_head:
        found.append(SETS["votes"].on_card(" for FER-2013's train split", n_voted))
    if recipe.photo_set:
        part = ", nine tenths of the train split"
        found.append(SETS[recipe.photo_set].on_card(part, n_photos))
    return found


def fixed_texts(recipe: Recipe) -> dict[str, Any]:
    """`FIXED_TEXTS`, with the terms that the recipe's data leave for the weights."""
    if recipe.photo_set is None or not SETS[recipe.photo_set].research_only:
        return FIXED_TEXTS
    terms = f"as {SETS[recipe.photo_set].name}'s terms say"
    licence = f"Weights: non-commercial research only, {terms}. Code: Apache-2.0."
    return {**FIXED_TEXTS, "licence": licence}


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def readme(card: ModelCard, report: dict[str, Any]) -> str:
    """The model's README.md, made from the card and the content of `evaluation.json`."""
    return filled(TEMPLATE, card=card, report=report, emotions=EMOTIONS, share=_share)


def filled(template: Path, **values: Any) -> str:
    """A template of Markdown with values in it; a name that it misses is an error."""
    made = Template(
        template.read_text("utf-8"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    return str(made.render(values))
