"""A recipe: everything that decides what a training run produces."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters of one training run; comments in `training.recipes` say what each is for.

    Attributes:
        name: `family/step`, as `se_resnet/2-noise`.
        adds: what this step adds to those before it, in plain words.
        start_from: the step whose best weights this one begins with.
        backbone_weights: file of pretrained weights for the backbone; None for random ones.
        frozen_epochs: epochs at first in which the backbone stays as it is.
        vote_share: how much of the targets is FER+'s votes, 0..1 (`Faces.targets`).
        min_vote_share: faces whose label got a smaller share of the votes are left out, 0..1.
        mixup_alpha: of the distribution by which two faces are mixed; 0 for none.
        teacher_share: weight of what the `teachers` say in the loss, 0..1.
        people_head: whether a second head learns what people say (`training.expression.heads`).
        people_power: how much oftener faces of rarely said expressions are drawn for it.
        photo_set: a further set of photos that the people's head learns from: "rafdb".
        photo_share: share of the faces drawn that are from it.
        n_per_epoch: faces drawn in an epoch; None for as many as FER-2013 has.

    Examples:
        >>> first = {"title": "Toy", "architecture": "se_resnet", "epochs": 2}
        >>> then = {"epochs": 9, "learning_rate": 0.01}  # the rest as before
        >>> found: dict[str, Recipe] = steps("toy", {"1-scratch": first, "2-longer": then})
        >>> longer = found["toy/2-longer"]
        >>> longer.start_from, longer.epochs, longer.title
        ('toy/1-scratch', 9, 'Toy')
    """

    name: str
    title: str
    architecture: str
    epochs: int
    adds: str = ""
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
    people_head: bool = False
    people_power: float = 0.0
    photo_set: str | None = None
    photo_share: float = 0.0
    n_per_epoch: int | None = None
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


def as_folder(name: str) -> str:
    """The recipe's name as that of a folder, a layer or a model: `se_resnet-2-noise`."""
    return name.replace("/", "-")


def as_tuples(value: Any) -> Any:
    """Lists, as TOML and JSON have them, as the tuples of a recipe, at any depth."""
    if isinstance(value, list):
        return tuple(as_tuples(inner) for inner in value)
    if isinstance(value, dict):
        return {key: as_tuples(inner) for key, inner in value.items()}
    return value


def steps(family: str, changes: dict[str, dict[str, Any]]) -> dict[str, Recipe]:
    """The recipes of a family, which is its file's name, in the order of training, by name.

    `changes` says for each step what differs from the one before, whose weights it starts from;
    the first says everything, `after` names another step to go on from, and `without` what is not
    taken over. Options are merged key by key.
    """
    recipes: dict[str, Recipe] = {}
    before: Recipe | None = None
    for step, change in changes.items():
        change = as_tuples(change)
        if "after" in change:
            before = recipes[f"{family}/{change.pop('after')}"]
        left_out = change.pop("without", ())
        merged = {f.name: getattr(before, f.name) for f in fields(Recipe)} if before else {}
        merged = {name: value for name, value in merged.items() if name not in left_out}
        for key, value in change.items():
            merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
        merged["name"] = f"{family}/{step}"
        merged["start_from"] = before.name if before else None
        before = recipes[merged["name"]] = Recipe(**merged)
    return recipes
