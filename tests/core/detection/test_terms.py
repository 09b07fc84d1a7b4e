"""What a detector or a model may be used for is said wherever it is chosen, and is true."""

import json

import pytest

from core.config import Settings
from core.detection import DETECTORS
from core.detection.terms import detector_terms
from core.expression.model_card import UNSHIPPED, ModelCard, load_card, model_ids

MODELS = Settings().models_dir
FOLDERS = (MODELS, MODELS / UNSHIPPED)
CARDS = [load_card(name, folder) for folder in FOLDERS for name in model_ids(folder)]


@pytest.mark.parametrize("name", list(DETECTORS))
def test_every_detector_has_terms(name: str) -> None:
    assert detector_terms(name, MODELS).endswith(".")


def test_own_detector_is_for_research_and_an_ensemble_as_its_members() -> None:
    assert "non-commercial" in detector_terms("mien-face", MODELS)
    fusion = json.loads((MODELS / "ensemble" / "fusion.json").read_text())
    said = detector_terms("ensemble", MODELS)
    assert all(f"{member['detector']}: " in said for member in fusion["members"])


@pytest.mark.parametrize("card", CARDS, ids=[card.id for card in CARDS])
def test_no_card_says_that_weights_from_research_data_are_free(card: ModelCard) -> None:
    assert "research" in card.data.terms.lower()
    assert card.licence.startswith("Weights: ")
    assert "research" in card.licence
    folder = next(one for one in FOLDERS if (one / card.id).is_dir())
    readme = (folder / card.id / "README.md").read_text(encoding="utf-8")
    assert f"Licence: {card.licence} " in readme
