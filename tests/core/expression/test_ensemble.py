"""An ensemble says the geometric mean of what its members say."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.expression.classify import EmotionClassifier, EnsembleClassifier, members_sha256, softmax
from core.expression.model_card import load_card, model_ids
from tests.helpers.faces import card_dict, write_model
from tests.paths import ROOT

MEMBERS = [
    name for name in model_ids(ROOT / "models") if not load_card(name, ROOT / "models").members
][:2]

pytestmark = pytest.mark.skipif(len(MEMBERS) < 2, reason="fewer than two models are shipped")


def write_ensemble(folder: Path, members: list[str], **changes: object) -> None:
    """A card in `folder` beside links to the shipped members."""
    for name in members:
        (folder / name).symlink_to(ROOT / "models" / name)
    cards = [load_card(name, folder) for name in members]
    content = card_dict(
        id="both",
        members=members,
        **{
            "input": cards[0].input.model_dump(),
            "sha256": members_sha256(cards),
            "file": "",
            **changes,
        },
    )
    write_model(folder, content)


def members(folder: Path) -> list[EmotionClassifier]:
    """Each alone; whatever it serves by itself, it says what the ensemble is asked for."""
    return [EmotionClassifier.load(name, folder).in_dialect("fer2013") for name in MEMBERS]


def faces() -> np.ndarray:
    spec = load_card(MEMBERS[0], ROOT / "models").input
    shape = (5, spec.size_px, spec.size_px, spec.channels)
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def test_it_says_the_geometric_mean_of_its_members(tmp_path: Path) -> None:
    write_ensemble(tmp_path, MEMBERS)
    ensemble = EmotionClassifier.load("both", tmp_path)
    assert isinstance(ensemble, EnsembleClassifier)
    said = [one.probabilities(faces()) for one in members(tmp_path)]
    mean = np.sqrt(said[0].astype(float) * said[1])
    expected = mean / mean.sum(axis=1, keepdims=True)
    assert ensemble.probabilities(faces()) == pytest.approx(expected, abs=1e-5)


def test_a_single_view_is_that_of_every_member(tmp_path: Path) -> None:
    write_ensemble(tmp_path, MEMBERS)
    ensemble = EmotionClassifier.load("both", tmp_path).single_view()
    said = [one.single_view().probabilities(faces()) for one in members(tmp_path)]
    logits = sum(np.log(one) for one in said) / 2
    assert ensemble.probabilities(faces()) == pytest.approx(softmax(logits), abs=1e-5)


def test_no_faces_give_no_scores(tmp_path: Path) -> None:
    write_ensemble(tmp_path, MEMBERS)
    assert EmotionClassifier.load("both", tmp_path).scores(faces()[:0]) == ()


def test_an_ensemble_of_other_members_than_its_card_vouches_for_is_refused(
    tmp_path: Path,
) -> None:
    write_ensemble(tmp_path, MEMBERS, sha256="0" * 64)
    with pytest.raises(ModelError, match="members of 'both' are not those"):
        EmotionClassifier.load("both", tmp_path)


def test_members_that_want_other_faces_are_refused(tmp_path: Path) -> None:
    write_ensemble(tmp_path, MEMBERS, input=card_dict()["input"])
    with pytest.raises(ModelError, match="want other faces"):
        EmotionClassifier.load("both", tmp_path)
