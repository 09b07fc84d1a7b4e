"""A study of a model is of that very model: figures of another file mislead."""

import json
from hashlib import sha256
from typing import Any

import pytest

from core.config import Settings
from core.expression.model_card import load_card, with_unshipped
from tests.paths import ROOT

MODELS = ROOT / "models"
STUDIES: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted((MODELS / "studies").glob("*.json"))
}
OF_MODELS = {name: found for name, found in STUDIES.items() if "model_sha256" in found}


@pytest.mark.parametrize("name", OF_MODELS)
def test_a_study_carries_the_hash_of_the_model_as_it_is(name: str) -> None:
    study = OF_MODELS[name]
    model_id = study["model_id"]
    card = load_card(model_id, with_unshipped(model_id, MODELS))
    assert study["model_sha256"] == card.sha256, "run the command that the study names again"


def test_pruning_began_from_the_weights_that_are_shipped() -> None:
    """It is of the network before it became integers, so of another file."""
    study = STUDIES["pruning_mien-labels.json"]
    weights = MODELS / study["model_id"] / "model.weights.h5"
    assert study["weights_sha256"] == sha256(weights.read_bytes()).hexdigest()


def test_the_default_model_has_a_bias_report() -> None:
    default = Settings().default_model
    assert [n for n, s in OF_MODELS.items() if n.startswith("bias_") and s["model_id"] == default]
