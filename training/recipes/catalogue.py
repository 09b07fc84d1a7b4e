"""All recipes that ship, by name; each family is a TOML file beside this one."""

import tomllib
from pathlib import Path
from typing import Final

from training.recipes.base import Recipe, steps

_RECIPES: Final[dict[str, Recipe]] = {
    name: recipe
    for family in sorted(Path(__file__).parent.glob("*.toml"))
    for name, recipe in steps(family.stem, tomllib.loads(family.read_text("utf-8"))).items()
}
# What they were called in Mien 0.1, as in cards, runs and commands of that time.
_RENAMED: Final = {
    "se_resnet": "se_resnet/1-scratch",
    "se_resnet_long": "se_resnet/2-noise",
    "se_resnet_taught": "se_resnet/3-taught",
    "se_resnet_last": "se_resnet/4-fewer-teachers",
    "facenet": "facenet/1-finetuned",
    "mobilenet_v2": "mobilenet_v2/1-finetuned",
    "mobilenet_v2_long": "mobilenet_v2/2-lower-rate",
    "resnet50": "resnet50/1-small-faces",
    "resnet50_long": "resnet50/2-larger-faces",
    "resnet50_longer": "resnet50/3-stronger-changes",
    "resnet50_large": "resnet50/4-largest-faces",
    "resnet50_last": "resnet50/5-two-teachers",
    "vgg16": "vgg16/1-finetuned",
}


def recipe_names() -> list[str]:
    """Names of the recipes that ship, sorted."""
    return sorted(_RECIPES)


def load_recipe(name: str) -> Recipe:
    """The recipe of that name, `family/step`; names of Mien 0.1 are understood, too.

    Raises:
        ValueError: if there is no such recipe; the message lists those there are.

    Examples:
        >>> recipe = load_recipe("se_resnet/2-noise")
        >>> recipe.start_from, recipe.architecture
        ('se_resnet/1-scratch', 'se_resnet')
    """
    name = _RENAMED.get(name, name)
    if name not in _RECIPES:
        raise ValueError(f"no recipe {name!r}; there are: {', '.join(recipe_names())}")
    return _RECIPES[name]
