"""A recipe: everything that decides what a training run produces."""

import importlib
import pkgutil
from dataclasses import asdict, dataclass, field
from typing import Any

from training import recipes


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters of one training run; the fields' meaning stands beside each value."""

    name: str
    title: str
    architecture: str
    epochs: int
    architecture_options: dict[str, Any] = field(default_factory=dict)
    augment_options: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 128
    learning_rate: float = 0.05
    warmup_steps: int = 500
    weight_decay: float = 5e-3
    momentum: float = 0.9
    label_smoothing: float = 0.1
    balance_power: float = 0.75
    average_momentum: float = 0.999
    vote_share: float = 0.0
    mixup_alpha: float = 0.0
    backbone_weights: str | None = None
    frozen_epochs: int = 0
    frozen_learning_rate: float = 0.01
    drop_blank: bool = True
    drop_duplicates: bool = False
    min_vote_share: float = 0.0
    start_from: str | None = None
    teachers: tuple[str, ...] = ()
    teacher_share: float = 0.0
    teacher_temperature: float = 2.0
    pretraining: str = ""  # of the backbone or of a teacher's, as the card tells it
    precision: str = "mixed_bfloat16"
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the model card and the checkpoint."""
        return asdict(self)


def recipe_names() -> list[str]:
    """Names of the recipes that ship, sorted."""
    names = {module.name for module in pkgutil.iter_modules(recipes.__path__)}
    return sorted(names - {"catalogue"})


def load_recipe(name: str) -> Recipe:
    """The recipe of `training/recipes/<name>.py`.

    Raises:
        ValueError: if there is no such recipe; the message lists those there are.
    """
    if name not in recipe_names():
        raise ValueError(f"no recipe {name!r}; there are: {', '.join(recipe_names())}")
    recipe = importlib.import_module(f"training.recipes.{name}").RECIPE
    assert isinstance(recipe, Recipe)
    return recipe
