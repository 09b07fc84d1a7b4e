"""Publishing, exporting and pruning a toy network: files that others load, zeros that stay."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import h5py
import keras
from typer.testing import CliRunner

from cli.main import app
from core.errors import ModelError
from core.expression.classify import EmotionClassifier
from core.expression.model_card import UNSHIPPED, UNSHIPPED_FILE, load_card, model_ids
from core.expression.quantisation import Precision
from core.pictures.face_input import FaceInput
from tests.paths import ROOT
from tests.training.expression.test_train import RECIPE, invoked
from tests.training.toy_models import levels_and_probabilities
from training.architectures.transfer import transfer
from training.data.fer2013 import load_split
from training.publishing.artifacts import export_network, keep_weights, recipe_of, whole_model
from training.publishing.export import load_network, to_litert
from training.publishing.publish import (
    UnfaithfulExportError,
    own_curves,
    publish,
    publish_again,
    read_curves,
)
from training.studies.prune import KeepZeros, prune, sparsity_of

pytestmark = pytest.mark.train


def test_a_model_too_heavy_to_ship_is_kept_apart_and_git_ignores_its_file(
    published: tuple[Path, Path],
) -> None:
    models, _ = published
    assert model_ids(models) == ("both", "toy", "toy-int8")
    assert model_ids(models / UNSHIPPED) == ("heavy",)
    folder = models / UNSHIPPED / "heavy"
    assert {file.name for file in folder.iterdir()} == {
        "README.md", "card.json", "curves.json", "evaluation.json", "model.tflite",
        "predictions.npz",
    }  # fmt: skip
    card, shipped = load_card("heavy", models / UNSHIPPED), load_card("toy", models)
    # The converter writes the same network a second time with other bytes.
    its_own = {"id": "heavy", "file": "", "sha256": card.sha256, "n_bytes": card.n_bytes}
    assert card == shipped.model_copy(update=its_own)
    report = json.loads((folder / "evaluation.json").read_text())
    same = json.loads((models / "toy" / "evaluation.json").read_text())
    assert report["all"] == same["all"]
    assert report["model_sha256"] == card.sha256
    assert report["command"].endswith("--precision float --id heavy --unshipped")
    assert "too heavy to ship" in (folder / "README.md").read_text()
    assert EmotionClassifier.load("heavy", models / UNSHIPPED).card == card
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert f"/models/{UNSHIPPED}/*/{UNSHIPPED_FILE}" in ignored


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_a_keras_file_says_what_the_served_model_says(
    published: tuple[Path, Path], tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"model.{form}"
    export_network(load_card("toy", published[0]), published[0], form, file)
    grey_levels, expected = levels_and_probabilities(published, "toy")
    loaded = keras.models.load_model(file, compile=False)
    assert loaded.predict(grey_levels, verbose=0) == pytest.approx(expected, abs=1e-4)
    assert all(type(layer).__module__.startswith("keras.") for layer in loaded.layers)


def test_a_backbone_is_exported_without_layers_of_ours(
    published: tuple[Path, Path], tmp_path: Path
) -> None:
    card = load_card("toy", published[0])
    network = transfer(7, (48, 48, 1), backbone="resnet50", side_px=32, head_units=8)
    exported = whole_model(network, card)
    for layer in exported._flatten_layers():
        assert type(layer).__module__.startswith("keras."), layer
    grey_levels, _ = levels_and_probabilities(published, "toy")
    logits = network.predict(card.face_input.normalise(grey_levels), verbose=0)
    expected = keras.ops.softmax(logits / card.calibration.temperature)
    said = exported.predict(grey_levels, verbose=0)
    assert said == pytest.approx(np.asarray(expected), abs=1e-4)


def test_weights_of_a_run_are_exported_without_any_shipped_file(
    published: tuple[Path, Path], tmp_path: Path
) -> None:
    card = load_card("toy", published[0])
    with pytest.raises(ModelError, match="missing"):
        export_network(card, tmp_path, "h5", tmp_path / "model.h5")
    weights = published[0] / "toy" / "model.weights.h5"
    export_network(card, tmp_path, "h5", tmp_path / "model.h5", weights)
    grey_levels, expected = levels_and_probabilities(published, "toy")
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)
    assert loaded.predict(grey_levels, verbose=0) == pytest.approx(expected, abs=1e-4)


def test_an_onnx_file_says_what_the_served_model_says(
    published: tuple[Path, Path], tmp_path: Path
) -> None:
    pytest.importorskip("tf2onnx", reason="needs the train extra")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("ONNX files are written through TensorFlow")
    file = tmp_path / "model.onnx"
    export_network(load_card("toy", published[0]), published[0], "onnx", file)
    grey_levels, expected = levels_and_probabilities(published, "toy")
    network = cv2.dnn.readNetFromONNX(str(file))
    network.setInput(grey_levels)
    said = network.forward().reshape(expected.shape)  # OpenCV adds an axis
    assert said == pytest.approx(expected, abs=1e-4)


def test_integers_are_exported_as_the_floats_they_came_from(
    published: tuple[Path, Path], tmp_path: Path
) -> None:
    card = load_card("toy-int8", published[0])
    export_network(card, published[0], "keras", tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    grey_levels, expected = levels_and_probabilities(published, "toy-int8")
    said = loaded.predict(grey_levels, verbose=0)
    assert np.abs(said - expected).max() < 0.1


def test_half_floats_make_half_the_file_and_say_the_same() -> None:
    inputs = keras.Input((8, 8, 1))
    hidden = keras.layers.Dense(512, activation="relu")(keras.layers.Flatten()(inputs))
    network = keras.Model(inputs, keras.layers.Dense(7)(hidden))
    whole, half = (to_litert(network, None, float16=float16) for float16 in (False, True))
    assert len(half) < 0.6 * len(whole)
    faces = np.random.default_rng(0).normal(0, 1, (3, 8, 8, 1)).astype(np.float32)
    said, expected = ([invoked(model, face) for face in faces] for model in (half, whole))
    assert np.array(said) == pytest.approx(np.array(expected), abs=0.02)


def test_weights_beside_a_model_of_half_floats_are_half_as_exact_and_say_the_same(
    published: tuple[Path, Path], tmp_path: Path
) -> None:
    whole, kept = published[0].parent / "run" / "best.weights.h5", tmp_path / "model.weights.h5"
    keep_weights(whole, kept, Precision.float16)
    kinds: set[tuple[bool, str]] = set()
    with h5py.File(kept) as stored:
        stored.visititems(
            lambda _, item: (
                kinds.add((item.ndim > 1, str(item.dtype)))
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    assert kinds == {(True, "float16"), (False, "float32")}
    faces = np.random.default_rng(0).normal(0, 1, (4, 48, 48, 1)).astype(np.float32)
    said = [load_network(RECIPE, FaceInput(), file).predict(faces) for file in (whole, kept)]
    assert said[1] == pytest.approx(said[0], abs=0.02)


def test_weights_too_large_for_the_repository_are_not_kept(
    published: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = published[0].parent / "run" / "best.weights.h5"
    monkeypatch.setattr("training.publishing.artifacts.MAX_FILE_BYTES", whole.stat().st_size - 1)
    keep_weights(whole, tmp_path / "model.weights.h5", Precision.float)
    assert not list(tmp_path.iterdir())


def test_a_file_that_lost_what_was_learnt_is_not_published(
    published: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, data = published
    monkeypatch.setattr("training.publishing.publish.load_recipe", lambda _: RECIPE)
    monkeypatch.setattr(
        "training.publishing.publish.MAX_EXPORT_LOSS", -1.0
    )  # nothing is good enough
    with pytest.raises(UnfaithfulExportError, match="choose another precision"):
        publish(
            "toy", data, models.parent / "run", tmp_path,
            model_id="toy", precision=Precision.float16, flip_average=False,
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_curves_of_a_run_that_went_on_begin_with_those_it_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, n_epochs in (("first", 2), ("second", 3)):
        (tmp_path / name).mkdir()
        rows = [{"epoch": epoch + 1, "run": n_epochs} for epoch in range(n_epochs)]
        (tmp_path / name / "curves.json").write_text(json.dumps(rows))
    monkeypatch.setattr(
        "training.publishing.publish.load_recipe", lambda name: replace(RECIPE, name=name)
    )
    curves = read_curves(replace(RECIPE, start_from="first"), tmp_path / "second")
    assert [row["epoch"] for row in curves] == [1, 2, 3, 4, 5]
    assert [row["run"] for row in curves] == [2, 2, 3, 3, 3]
    # An export is held to what its own run reached, which may have been taught other things.
    assert [row["run"] for row in own_curves(tmp_path / "second")] == [3, 3, 3]


@pytest.mark.parametrize("form", ["h5", "tflite"])
def test_an_ensemble_is_exported_as_the_mean_of_its_members(
    published: tuple[Path, Path], tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"both.{form}"
    export_network(load_card("both", published[0]), published[0], form, file)
    grey_levels, expected = levels_and_probabilities(published, "both")
    if form == "tflite":
        said = np.concatenate([invoked(file.read_bytes(), one) for one in grey_levels])
    else:
        said = keras.models.load_model(file, compile=False).predict(grey_levels, verbose=0)
    assert said.sum(axis=1) == pytest.approx(np.ones(len(said)), abs=1e-5)
    assert np.abs(said - expected).max() < 0.05  # one of the members is of integers


def test_weights_are_no_ensembles(published: tuple[Path, Path]) -> None:
    weights = published[0] / "toy" / "model.weights.h5"
    with pytest.raises(ModelError, match="one of toy, toy-int8"):
        export_network(load_card("both", published[0]), published[0], "h5", Path("no"), weights)


def test_the_card_holds_the_whole_recipe(published: tuple[Path, Path]) -> None:
    assert recipe_of(load_card("toy", published[0])) == RECIPE


def test_the_published_ensemble_is_measured_and_described(published: tuple[Path, Path]) -> None:
    folder = published[0] / "both"
    assert {file.name for file in folder.iterdir()} == {
        "card.json",
        "evaluation.json",
        "predictions.npz",
        "README.md",
    }
    readme = (folder / "README.md").read_text()
    assert "The mean of `toy`, `toy-int8`" in readme
    for member in ("toy", "toy-int8"):  # what the members had learnt from before is not lost
        assert f"`{member}`: {RECIPE.pretraining}" in readme
    stored = np.load(folder / "predictions.npz")["probabilities"]
    _, data = published
    faces = FaceInput().normalise(load_split(data, "test").images[..., None])
    said = EmotionClassifier.load("both", published[0]).probabilities(faces)
    assert stored == pytest.approx(said, abs=1e-3)


# --- Pruning ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model_id", ["toy-int8", "both"])
def test_publishing_again_calibrates_and_measures_alike_without_the_run(
    published: tuple[Path, Path], tmp_path: Path, model_id: str
) -> None:
    models, data = published
    copies = tmp_path / "models"
    shutil.copytree(models, copies)
    card, measured = (copies / model_id / name for name in ("card.json", "evaluation.json"))
    wrong = json.loads(card.read_text())
    wrong["calibration"]["temperature"] = 9.0
    card.write_text(json.dumps(wrong))
    measured.unlink()
    publish_again(model_id, data, copies)
    for name in ("card.json", "evaluation.json"):
        again = json.loads((copies / model_id / name).read_text())
        assert again == json.loads((models / model_id / name).read_text()), name


def test_the_smallest_weights_become_zero_and_stay_so(published: tuple[Path, Path]) -> None:
    network = load_network(RECIPE, FaceInput(), published[0] / "toy" / "model.weights.h5")
    zeros = KeepZeros(network, 0.75)
    assert sparsity_of(network) == pytest.approx(0.75, abs=0.02)
    for kernel in network.trainable_weights:
        kernel.assign(kernel + 1.0)
    assert sparsity_of(network) == 0
    zeros.on_train_batch_end(0)
    assert sparsity_of(network) == pytest.approx(0.75, abs=0.02)


def test_pruning_says_whose_weights_are_not_shipped() -> None:
    done = CliRunner().invoke(app, ["study", "pruning", "vgg16", "--data", "fer2013.parquet"])
    assert isinstance(done.exception, ModelError)
    assert "`mien train vgg16/1-finetuned`" in str(done.exception)


@pytest.mark.parametrize("teachers", [(), ("nobody",)], ids=["alone", "distilled"])
def test_pruning_measures_each_step_in_both_precisions(
    published: tuple[Path, Path], teachers: tuple[str, ...]
) -> None:
    """Pruning needs no teacher, whoever taught the network."""
    models, data = published
    weights = models / "toy" / "model.weights.h5"
    recipe = replace(RECIPE, teachers=teachers, teacher_share=0.5)
    rows = prune(recipe, weights, data, load_card("toy", models), (0.8,), epochs=1)
    assert [(row["precision"], row["target_sparsity"]) for row in rows] == [
        ("float32", 0.0),
        ("int8", 0.0),
        ("float32", 0.8),
        ("int8", 0.8),
    ]
    assert rows[2]["sparsity"] == pytest.approx(0.8, abs=0.02)
    assert rows[2]["bytes_gzipped"] < 0.6 * rows[0]["bytes_gzipped"]
    assert all(0 <= row["accuracy"] <= 1 and row["ms_per_face"] > 0 for row in rows)
