"""For each shipped model: card, evaluation, predictions, curves and readme say the same."""

import hashlib
import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.expression.model_card import load_card, model_ids
from core.measures.datasets import load_labelled
from core.pictures.images import decode_image
from tests.paths import ROOT

MODELS = ROOT / "models"
MODEL_IDS = model_ids(MODELS)

pytestmark = [
    pytest.mark.skipif(not MODEL_IDS, reason="no model is shipped yet"),
    pytest.mark.parametrize("model_id", MODEL_IDS),
]


@cache
def evaluation(model_id: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((MODELS / model_id / "evaluation.json").read_text())
    return content


@cache
def predictions(model_id: str) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(MODELS / model_id / "predictions.npz") as stored:
        return {name: stored[name] for name in stored.files}


def part(model_id: str, name: str) -> tuple[Any, Any, dict[str, Any]]:
    """True labels, probabilities as float64, and the figures, of one part of the test split."""
    stored = predictions(model_id)
    keep = np.full(len(stored["labels"]), True)
    if name == "without_near_duplicates":
        keep = ~stored["near_duplicate"]
    labels = stored["labels"][keep].astype(int)
    return labels, stored["probabilities"][keep].astype(np.float64), evaluation(model_id)[name]


def rounding(probabilities: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How far each stored number, a 16-bit float, may be from what was measured."""
    return np.spacing(probabilities.astype(np.float16)).astype(np.float64) / 2


def doubtful(labels: Any, probabilities: np.ndarray[Any, Any]) -> int:
    """Images that may have been right and look wrong, or the reverse, for the rounding.

    Their two highest numbers may have been in the other order, and one of the two is the truth.
    """
    order = np.argsort(probabilities, axis=1)[:, -2:]
    two = np.take_along_axis(probabilities, order, axis=1)
    close = two[:, 1] - two[:, 0] <= rounding(two).sum(axis=1)
    return int((close & (order == labels[:, None]).any(axis=1)).sum())


each_part = pytest.mark.parametrize("name", ["all", "without_near_duplicates"])


@each_part
def test_the_accuracy_is_that_of_the_predictions(model_id: str, name: str) -> None:
    labels, probabilities, figures = part(model_id, name)
    predicted = probabilities.argmax(axis=1)
    slack = doubtful(labels, probabilities)
    assert slack < 0.01 * len(labels)
    assert figures["n"] == len(labels)
    n_right = accuracy_score(labels, predicted, normalize=False)
    assert abs(round(figures["accuracy"] * len(labels)) - n_right) <= slack


@each_part
def test_the_confusion_is_that_of_the_predictions(model_id: str, name: str) -> None:
    labels, probabilities, figures = part(model_id, name)
    counted = confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(7))
    stated = np.array(figures["confusion"])
    assert np.array_equal(stated.sum(axis=1), np.bincount(labels, minlength=7))
    right_and_wrong = np.abs(np.diag(stated) - np.diag(counted)).sum()
    assert right_and_wrong <= doubtful(labels, probabilities)
    assert np.abs(stated - counted).sum() < 0.02 * len(labels)


@each_part
def test_the_averages_are_those_of_the_confusion(model_id: str, name: str) -> None:
    """The confusion, unlike the stored probabilities, is exact: so must these be."""
    _, _, figures = part(model_id, name)
    confusion = np.array(figures["confusion"])
    labels = np.repeat(np.arange(7), confusion.sum(axis=1))
    predicted = np.concatenate([np.repeat(np.arange(7), row) for row in confusion])
    assert figures["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert figures["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(labels, predicted)
    )
    macro_f1 = f1_score(labels, predicted, average="macro", zero_division=0)
    assert figures["macro_f1"] == pytest.approx(macro_f1)
    for index, emotion in enumerate(EMOTIONS):
        stated = figures["per_class"][emotion]
        truth, guess = labels == index, predicted == index
        assert stated["support"] == truth.sum()
        assert stated["recall"] == pytest.approx(recall_score(truth, guess))
        assert stated["f1"] == pytest.approx(f1_score(truth, guess, zero_division=0))
        if guess.any():
            assert stated["precision"] == pytest.approx(precision_score(truth, guess))
        else:
            assert math.isnan(stated["precision"])


@each_part
def test_the_interval_is_wilsons(model_id: str, name: str) -> None:
    from scipy.stats import binomtest

    _, _, figures = part(model_id, name)
    n_right = int(np.trace(np.array(figures["confusion"])))
    interval = binomtest(n_right, figures["n"]).proportion_ci(0.95, method="wilson")
    assert figures["accuracy_ci95"] == pytest.approx([interval.low, interval.high], abs=1e-6)


@each_part
def test_the_calibration_error_is_that_of_the_predictions(model_id: str, name: str) -> None:
    labels, probabilities, figures = part(model_id, name)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    error = 0.0
    for low in range(15):
        inside = (confidence >= low / 15) & (confidence < (low + 1) / 15 + (low == 14))
        if inside.any():
            error += abs(right[inside].sum() - confidence[inside].sum()) / len(labels)
    # Rounding moves each confidence a little, and a few over the edge of a bin: such an image
    # takes its gap between right (0 or 1) and confidence out of one sum and into another.
    near_edge = np.abs(confidence - np.round(confidence * 15) / 15) <= rounding(confidence)
    moved = 2 * np.abs(right - confidence)[near_edge].sum() + doubtful(labels, probabilities)
    slack = rounding(confidence).mean() + moved / len(labels)
    assert slack < 0.015
    assert figures["ece"] == pytest.approx(error, abs=slack)


def test_the_predictions_are_probabilities_of_fer2013s_private_test_split(model_id: str) -> None:
    stored = predictions(model_id)
    known = {"labels", "probabilities", "near_duplicate"}
    if load_card(model_id, MODELS).serves == "people":
        assert set(stored) == known | {"shares", "votes"}
        assert np.abs(stored["shares"].astype(np.float64).sum(axis=1) - 1).max() < 7 * 2.0**-12
    else:
        assert set(stored) == known
    # The split's counts, from the set's description.
    assert np.bincount(stored["labels"]).tolist() == [491, 55, 528, 879, 594, 416, 626]
    probabilities = stored["probabilities"].astype(np.float64)
    assert probabilities.shape == (3589, 7)
    assert (probabilities >= 0).all()
    assert np.abs(probabilities.sum(axis=1) - 1).max() < 7 * 2.0**-12
    assert int(stored["near_duplicate"].sum()) == evaluation(model_id)["n_near_duplicates"]


def test_card_evaluation_file_and_readme_carry_one_hash(model_id: str) -> None:
    card = load_card(model_id, MODELS)
    if card.members:
        members = [load_card(name, MODELS) for name in card.members]
        content = "".join(member.sha256 for member in members).encode()
        n_bytes = sum(member.n_bytes for member in members)
    else:
        content = (MODELS / model_id / card.file).read_bytes()
        n_bytes = len(content)
    assert hashlib.sha256(content).hexdigest() == card.sha256
    assert evaluation(model_id)["model_sha256"] == card.sha256
    assert evaluation(model_id)["model_id"] == card.id == model_id
    assert card.sha256 in (MODELS / model_id / "README.md").read_text()
    assert card.n_bytes == n_bytes


def test_the_readme_states_the_measured_figures(model_id: str) -> None:
    readme = (MODELS / model_id / "README.md").read_text()
    for name in ("all", "without_near_duplicates", "single_view"):
        figures = evaluation(model_id)[name]
        row = f"| {figures['n']} | {100 * figures['accuracy']:.1f} % |"
        assert row in readme, f"{name}: {row}"


def test_the_card_forbids_what_the_law_forbids(model_id: str) -> None:
    """REQ-A2: both strings exist, and name the law."""
    card = load_card(model_id, MODELS)
    assert re.search(r"work\b.*\beducation", card.prohibited_use)
    assert re.search(r"AI Act.*5\(1\)\(f\)", card.prohibited_use)
    assert re.search(r"high-risk.*Annex III.*AI Act", card.high_risk_class)
    readme = (MODELS / model_id / "README.md").read_text()
    assert card.prohibited_use in readme
    assert card.high_risk_class in readme
    assert card.data.terms in readme


def test_the_readme_says_who_taught_it_and_from_what(model_id: str) -> None:
    card = load_card(model_id, MODELS)
    readme = (MODELS / model_id / "README.md").read_text()
    assert card.pretraining in readme
    assert all(f"`{teacher}`" in readme for teacher in card.teachers)
    assert list(card.recipe.get("teachers", [])) == card.teachers


def test_uncertainty_was_fitted_and_not_left_out(model_id: str) -> None:
    calibration = load_card(model_id, MODELS).calibration
    assert 0.2 < calibration.temperature < 5
    assert 1 / 7 < calibration.uncertain_threshold < 1
    assert 0 < calibration.coverage < 1


def test_single_view_is_the_same_where_the_model_does_not_average(model_id: str) -> None:
    report = evaluation(model_id)
    assert report["flip_average"] == load_card(model_id, MODELS).flip_average
    if not report["flip_average"]:
        assert report["single_view"] == report["all"]


def test_the_curves_have_the_recipes_epochs_in_order(model_id: str) -> None:
    if load_card(model_id, MODELS).members:
        assert not (MODELS / model_id / "curves.json").exists()  # nothing was trained
        return
    curves = json.loads((MODELS / model_id / "curves.json").read_text())
    assert [row["epoch"] for row in curves] == list(range(1, len(curves) + 1))
    recipe = load_card(model_id, MODELS).recipe
    if recipe.get("start_from") is None:
        assert 0 < len(curves) <= recipe["epochs"]
    else:  # after those of the run that it started from
        assert len(curves) > recipe["epochs"]


def test_a_fresh_run_gives_the_stored_predictions(model_id: str, shared_dir: Path) -> None:
    """Save, load, same numbers: on every twentieth image of the test split."""
    images = load_labelled(shared_dir / "data" / "fer2013.parquet", split="test")
    classifier = EmotionClassifier.load(model_id, MODELS)
    face_input = classifier.card.face_input
    encoded = list(images.encoded())[::20]
    grey = [decode_image(data).image_rgb[..., 0] for data in encoded]
    faces = face_input.normalise(np.stack([face_input.resize(image) for image in grey]))
    stored = predictions(model_id)
    fresh = classifier.in_dialect("fer2013").probabilities(faces)
    assert fresh == pytest.approx(stored["probabilities"][::20].astype(np.float64), abs=2.0**-11)
    if classifier.card.serves == "people":
        served = classifier.probabilities(faces)
        assert served == pytest.approx(stored["shares"][::20].astype(np.float64), abs=2.0**-11)
