"""The registry of sets: what cards and messages say is what stands there."""

from pathlib import Path

import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

from core.expression.model_card import load_card, model_ids
from tests.paths import ROOT
from training.data.sets import SETS
from training.expression.train import train
from training.publishing.card_texts import fixed_texts, learned_from
from training.recipes.catalogue import load_recipe

pytestmark = pytest.mark.train
MODELS = ROOT / "models"


def test_a_model_that_learned_from_a_research_set_is_never_the_default() -> None:
    cards = [load_card(name, MODELS) for name in model_ids(MODELS)]
    assert "mien-photo" in SETS["rafdb"].learned_by(cards)
    for data_set in SETS.values():
        if data_set.research_only:
            assert "mien-fast" not in data_set.learned_by(cards)
            assert all(
                "research only" in load_card(name, MODELS).licence
                for name in data_set.learned_by(cards)
            )


def test_cards_name_all_that_a_recipe_learns_from() -> None:
    photos = load_recipe("se_resnet/6-photos")
    found = learned_from(photos, 3, 2, 1)
    assert [(data.name.split(",")[0].split(" for")[0], data.n_train) for data in found] == [
        ("FER-2013", 3), ("FER+ votes", 2), ("RAF-DB", 1),
    ]  # fmt: skip
    assert "RAF-DB" in fixed_texts(photos)["licence"]
    assert "RAF-DB" not in fixed_texts(load_recipe("se_resnet/5-people"))["licence"]


def test_a_missing_set_is_named_with_its_file_and_terms(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rafdb\.parquet\).*research.*docs/datasets\.md"):
        train(load_recipe("se_resnet/6-photos"), tmp_path / "fer2013.parquet", tmp_path / "run")
