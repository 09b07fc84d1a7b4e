"""Models too heavy to ship: what is said of them is whole."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from core.expression.model_card import UNSHIPPED, load_card, model_ids
from tests.paths import ROOT

MODELS = ROOT / "models"
FOLDER = MODELS / UNSHIPPED
IDS = model_ids(FOLDER)

pytestmark = [
    pytest.mark.skipif(not IDS, reason="every model is shipped"),
    pytest.mark.parametrize("model_id", IDS),
]


def read(model_id: str, name: str) -> Any:
    return json.loads((FOLDER / model_id / name).read_text())


def test_it_is_not_offered_as_a_model(model_id: str) -> None:
    assert model_id not in model_ids(MODELS)
    assert load_card(model_id, FOLDER).file == ""
    assert not (FOLDER / model_id / "model.tflite").exists()


def test_its_figures_are_those_of_its_predictions(model_id: str) -> None:
    report = read(model_id, "evaluation.json")
    with np.load(FOLDER / model_id / "predictions.npz") as stored:
        labels, said = stored["labels"], stored["probabilities"].astype(np.float64).argmax(axis=1)
        rest = ~stored["near_duplicate"]
    assert np.bincount(labels).tolist() == [491, 55, 528, 879, 594, 416, 626]
    for name, keep in (("all", np.full(len(labels), True)), ("without_near_duplicates", rest)):
        figures = report[name]
        assert figures["accuracy"] == pytest.approx((labels == said)[keep].mean(), abs=1e-3)
        balanced = balanced_accuracy_score(labels[keep], said[keep])
        assert figures["balanced_accuracy"] == pytest.approx(balanced, abs=2e-3)
        f1 = f1_score(labels[keep], said[keep], average="macro")
        assert figures["macro_f1"] == pytest.approx(f1, abs=2e-3)


def test_card_evaluation_and_readme_are_of_one_file(model_id: str) -> None:
    card, report = load_card(model_id, FOLDER), read(model_id, "evaluation.json")
    readme = (FOLDER / model_id / "README.md").read_text()
    assert report["model_sha256"] == card.sha256
    assert card.sha256 in readme
    assert f"| {100 * report['all']['accuracy']:.1f} % |" in readme
    assert card.pretraining in readme
    assert report["command"].startswith(f"mien publish {card.recipe['name']} ")


def test_its_curves_are_there_epoch_by_epoch(model_id: str) -> None:
    curves = read(model_id, "curves.json")
    assert [row["epoch"] for row in curves] == list(range(1, len(curves) + 1))
