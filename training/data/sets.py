"""The data sets that are used here: what each is, its terms, its parts, and what its labels mean.

The cards of models, the data cards in docs/datasets.md and the messages about a file that is
missing say what stands in sets.toml.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter

from core.expression.model_card import ModelCard, TrainingData

Dialect = Literal["fer2013", "people", "none"]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One set.

    Examples:
        >>> SETS["rafdb"].research_only, SETS["votes"].research_only
        (True, False)
    """

    name: str
    file: str  # how the file is called in this project's commands
    holds: str
    made_by: str  # who and when; `link` is where they tell of it
    terms: str
    splits: str  # its parts, and what each is for
    used_for: str
    link: str = ""
    collected: str = ""  # where pictures and labels came from; empty where `made_by` says so
    # what a label is: FER-2013's word, what people say, or no expression at all
    dialect: Dialect = "none"
    flaws: tuple[str, ...] = ()  # what a model's card says of it
    # whether a model that learned from it is for research alone, and never the default
    research_only: bool = False

    def on_card(self, part: str, n_train: int) -> TrainingData:
        """What a model's card says of a part of the set that it learned from."""
        return TrainingData(
            name=f"{self.name}{part}",
            source=", ".join(filter(None, (self.made_by, self.link))),
            terms=f"{self.terms} No image of it is in this repository.",
            n_train=n_train,
            known_flaws=list(self.flaws),
        )

    def learned_by(self, cards: list[ModelCard]) -> list[str]:
        """Ids of the models that learned from it, members of an ensemble not counted again."""
        return [
            card.id
            for card in cards
            if not card.members
            and any(data.name.startswith(self.name) for data in (card.data, *card.further_data))
        ]

    def missing(self, option: str) -> str:
        """The sentence for a run that needs the set and was not given it."""
        return (
            f"{self.name} is needed: say `{option}` and its file ({self.file}). "
            f"{self.terms} Where it comes from: docs/datasets.md."
        )


SETS: Final = TypeAdapter(dict[str, DataSet]).validate_python(
    tomllib.loads(Path(__file__).with_name("sets.toml").read_text("utf-8"))
)
