"""Trials differ in one thing each, run once, and say what came out."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

from core.pictures.face_input import FaceInput
from tests.training.expression.test_train import RECIPE, write_faces
from training.expression.network import build_network
from training.recipes.base import Recipe
from training.studies import trials

pytestmark = pytest.mark.train


def differences(recipe: Recipe, base: Recipe) -> list[str]:
    left, right = asdict(recipe), asdict(base)
    return [name for name in left if left[name] != right[name]]


def test_each_ablation_changes_one_thing() -> None:
    recipes = trials.ablations(4)
    base = recipes.pop("base")
    assert all(len(differences(recipe, base)) == 1 for recipe in recipes.values())
    changed = [
        (name, str(getattr(r, name))) for r in recipes.values() for name in differences(r, base)
    ]
    assert len(set(changed)) == len(recipes) >= 10


def test_architectures_cost_about_the_same_and_differ_in_nothing_else() -> None:
    recipes = list(trials.architectures(4).values())
    allowed = {"name", "architecture", "architecture_options"}
    assert all(set(differences(recipe, recipes[0])) <= allowed for recipe in recipes)
    assert len({recipe.architecture for recipe in recipes}) == len(recipes) >= 4
    for recipe in recipes:
        assert build_network(recipe, FaceInput()).count_params() > 10_000


def test_trials_are_trained_once_and_told_with_their_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def toys(epochs: int) -> dict[str, Recipe]:
        base = replace(RECIPE, epochs=epochs)
        wider = {**RECIPE.architecture_options, "widths": (6, 12)}
        return {"base": base, "50 % wider": replace(base, architecture_options=wider)}

    monkeypatch.setitem(trials.SETS, "toys", toys)
    data = write_faces(tmp_path)

    def run() -> dict[str, Any]:
        return trials.run_trials("toys", 2, data, tmp_path / "runs", command="mien study trials")

    first = run()
    assert [row["trial"] for row in first["rows"]] == ["base", "50 % wider"]
    assert first["n"] == 42
    for row in first["rows"]:
        low, high = row["accuracy_ci95"]
        assert low <= row["accuracy"] == row["curve"][-1] <= high
        assert len(row["curve"]) == 2
        assert row["parameters"] > 0
        assert row["macs"] > 0
    assert first["rows"][1]["macs"] > 1.5 * first["rows"][0]["macs"]

    def not_again(*_: Any) -> None:
        raise AssertionError("a finished trial was trained again")

    monkeypatch.setattr("keras.Model.train_on_batch", not_again)
    monkeypatch.setattr("keras.Model.fit", not_again)
    assert run() == first
