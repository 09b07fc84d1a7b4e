import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from core.config import ROOT
from core.emotions import EMOTIONS
from core.errors import ModelError, UnknownModelError
from core.expression.classify import EmotionClassifier
from core.expression.model_card import load_card, load_model_bytes, model_ids
from core.pictures.face_input import FaceInput
from tests.helpers.faces import card_dict, write_model


def test_a_folder_without_models_lists_none(tmp_path: Path) -> None:
    assert model_ids(tmp_path) == ()
    assert model_ids(tmp_path / "missing") == ()


def test_models_are_listed_in_order_and_only_those_with_a_card(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_model(tmp_path, card_dict(id=name))
    (tmp_path / "detector").mkdir()
    (tmp_path / "detector" / "geometry.json").write_text("{}")
    assert model_ids(tmp_path) == ("a", "b")


def test_a_card_says_what_was_written(tmp_path: Path) -> None:
    written = card_dict()
    write_model(tmp_path, written)
    card = load_card("toy", tmp_path)
    assert card.model_dump(mode="json", exclude_unset=True) == written
    assert load_model_bytes(card, tmp_path) == b"model"


def test_the_cards_input_is_what_faces_are_cut_for(tmp_path: Path) -> None:
    geometry = {"eyes_xy": [0.4, 0.3], "mouth_xy": [0.6, 0.7], "eye_mouth": 0.3}
    spec = {"size_px": 96, "channels": 3, "scale": 0.5, "offset": 1.0, "geometry": geometry}
    write_model(tmp_path, card_dict(input=spec))
    card = load_card("toy", tmp_path)
    assert card.face_input == FaceInput(96, 3, 0.5, 1.0, card.input.geometry)
    assert card.face_input is card.face_input  # made once


@pytest.mark.parametrize("name", ["", "nothing", "../toy", "toy/", "TOY", ".", "toy\0"])
def test_an_unknown_model_is_refused_with_the_list_of_those_there_are(
    tmp_path: Path, name: str
) -> None:
    write_model(tmp_path, card_dict())
    with pytest.raises(UnknownModelError, match=r"There is no model '.*'; shipped are: toy\."):
        load_card(name, tmp_path)


def test_where_there_are_no_models_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="none at all"):
        load_card("toy", tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id": "toy"}'])
def test_a_damaged_card_is_refused(tmp_path: Path, text: bytes) -> None:
    folder = write_model(tmp_path, card_dict())
    (folder / "card.json").write_bytes(text)
    with pytest.raises(ModelError, match="card of model 'toy' is damaged"):
        load_card("toy", tmp_path)


def _with(path: str, value: Any) -> dict[str, Any]:
    """A card with one field set; `path` has dots for nested fields."""
    card = card_dict()
    *folders, last = path.split(".")
    place = card
    for folder in folders:
        place = place[folder]
    place[last] = value
    return card


@pytest.mark.parametrize(
    "path",
    ["accuracy", "input.mean", "input.geometry.nose_xy", "calibration.bias", "data.n_test"],
)
def test_a_card_says_nothing_that_is_not_read(tmp_path: Path, path: str) -> None:
    write_model(tmp_path, _with(path, 1))
    with pytest.raises(ModelError, match="card of model 'toy' is damaged"):
        load_card("toy", tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("calibration.temperature", 0),
        ("calibration.temperature", -1),
        ("calibration.uncertain_threshold", 1.1),
        ("calibration.uncertain_threshold", -0.1),
        ("input.size_px", "many"),
        ("input.geometry.eyes_xy", [1]),
        ("flip_average", None),
        ("sha256", None),
    ],
)
def test_a_card_with_an_impossible_value_is_refused(
    tmp_path: Path, path: str, value: object
) -> None:
    write_model(tmp_path, _with(path, value))
    with pytest.raises(ModelError, match="card of model 'toy' is damaged"):
        load_card("toy", tmp_path)


# An id is the folder's; the others describe what not every model has.
OPTIONAL = {"id", "members", "teachers", "pretraining"}


@pytest.mark.parametrize("field", sorted(set(card_dict()) - OPTIONAL))
def test_a_card_without_a_field_is_refused(tmp_path: Path, field: str) -> None:
    folder = write_model(tmp_path, card_dict())
    rest = {name: value for name, value in card_dict().items() if name != field}
    (folder / "card.json").write_text(json.dumps(rest))
    with pytest.raises(ModelError, match="is damaged"):
        load_card("toy", tmp_path)


@pytest.mark.parametrize(
    "labels",
    [
        [],
        list(EMOTIONS[:6]),
        list(reversed(EMOTIONS)),
        [*EMOTIONS, "contempt"],
        ["happiness", *EMOTIONS[1:]],
    ],
)
def test_a_model_for_other_labels_is_refused(tmp_path: Path, labels: list[str]) -> None:
    write_model(tmp_path, card_dict(labels=labels))
    with pytest.raises(ModelError, match="has other labels than angry, disgust"):
        load_card("toy", tmp_path)


def test_a_card_in_another_models_folder_is_refused(tmp_path: Path) -> None:
    """Or else one model would be offered and another would answer."""
    write_model(tmp_path, card_dict())
    write_model(tmp_path, card_dict(id="other"))
    (tmp_path / "other" / "card.json").write_text((tmp_path / "toy" / "card.json").read_text())
    with pytest.raises(ModelError, match="card of model 'other'"):
        load_card("other", tmp_path)


@pytest.mark.parametrize("content", [b"", b"Model", b"model\0", b"odel"])
def test_an_altered_model_file_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_model(tmp_path, card_dict())
    (folder / "model.tflite").write_bytes(content)
    with pytest.raises(ModelError, match="'toy' is not the one its card describes"):
        load_model_bytes(load_card("toy", tmp_path), tmp_path)


def test_a_missing_model_file_is_said_to_be_missing(tmp_path: Path) -> None:
    folder = write_model(tmp_path, card_dict())
    (folder / "model.tflite").unlink()
    with pytest.raises(ModelError, match="file of model 'toy' is missing"):
        load_model_bytes(load_card("toy", tmp_path), tmp_path)


def test_one_flipped_bit_of_a_shipped_model_is_noticed(models_dir: Path, tmp_path: Path) -> None:
    if not model_ids(models_dir):
        pytest.skip("no model is shipped yet")
    source = models_dir / model_ids(models_dir)[-1]
    folder = tmp_path / source.name
    folder.mkdir()
    (folder / "card.json").write_bytes((source / "card.json").read_bytes())
    content = bytearray((source / "model.tflite").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.tflite").write_bytes(content)
    with pytest.raises(ModelError, match="not the one"):
        EmotionClassifier.load(source.name, tmp_path)


def test_the_hash_is_sha256_of_the_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 50
    write_model(tmp_path, card_dict(content), content)
    card = load_card("toy", tmp_path)
    assert card.sha256 == hashlib.sha256(content).hexdigest()
    assert load_model_bytes(card, tmp_path) == content


def test_the_shipped_files_stay_small_enough_to_clone() -> None:
    sizes = [file.stat().st_size for file in (ROOT / "models").glob("*/model*.tflite")]
    assert sizes
    assert max(sizes) <= 25_000_000
    assert sum(sizes) <= 60_000_000


def test_the_model_of_labels_was_taught_by_several() -> None:
    assert len(load_card("mien-labels", ROOT / "models").teachers) > 1
