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


def recipe_names() -> list[str]:
    """Names of the recipes that ship, sorted."""
    return sorted(_RECIPES)


def load_recipe(name: str) -> Recipe:
    """The recipe of that name, `family/step`.

    Raises:
        ValueError: if there is no such recipe; the message lists those there are.

    Examples:
        >>> recipe = load_recipe("se_resnet/2-noise")
        >>> recipe.start_from, recipe.architecture
        ('se_resnet/1-scratch', 'se_resnet')
    """
    if name not in _RECIPES:
        raise ValueError(f"no recipe {name!r}; there are: {', '.join(recipe_names())}")
    return _RECIPES[name]
