"""A whole toy training: run, kill, resume, export. Random images; nothing real is learnt."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from core.expression.classify import EmotionClassifier, softmax
from core.expression.model_card import ModelCard
from core.pictures.face_input import FaceInput
from tests.helpers.faces import card_dict
from tests.helpers.pictures import encode
from training.architectures import ARCHITECTURES
from training.data.fer2013 import load_split
from training.expression.network import count_macs
from training.expression.train import train
from training.publishing.export import load_network, to_litert
from training.recipes.base import Recipe

pytestmark = pytest.mark.train

N_EPOCHS = 3
RECIPE = Recipe(
    name="toy",
    title="A toy",
    architecture="se_resnet",
    architecture_options={"widths": (4, 8), "depths": (0, 1), "dropout": 0.0},
    epochs=N_EPOCHS,
    batch_size=32,
    learning_rate=0.05,
    warmup_steps=5,
    average_momentum=0.9,
    pretraining="A toy that had played before.",
    precision="float32",
    seed=7,
)


def write_faces(folder: Path) -> Path:
    """Seven patterns with noise: 175 to train on, 42 to validate on, 35 to test on."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(60, 196, (7, 6, 6)).repeat(8, axis=1).repeat(8, axis=2)
    rows = []
    for split, n in (("train", 175), ("validation", 42), ("test", 35)):
        for number in range(n):
            label = number % 7
            image = np.clip(patterns[label] + rng.normal(0, 30, (48, 48)), 0, 255)
            encoded = encode(np.asarray(image, np.uint8), "PNG")
            rows.append({"split": split, "label": label, "image": encoded})
    pd.DataFrame(rows).to_parquet(folder / "faces.parquet")
    return folder / "faces.parquet"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def without_chance() -> Iterator[None]:
    """No augmentation: then seed and epoch decide everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.expression.train.Augment", lambda **_: keras.layers.Identity())
        yield


@pytest.fixture(scope="module")
def uninterrupted(
    data: Path, without_chance: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(RECIPE, data, folder)
    return folder


def interrupt_in(epoch: int, patch: pytest.MonkeyPatch) -> None:
    """Let the training die in the middle of an epoch (0-based)."""
    from training.data.batches import BalancedBatches

    get, start = BalancedBatches.__getitem__, BalancedBatches.start_epoch
    now = {"epoch": 0}

    def start_epoch(self: BalancedBatches, number: int) -> None:
        now["epoch"] = number
        start(self, number)

    def getitem(self: BalancedBatches, index: int) -> Any:
        if now["epoch"] == epoch and index == 3:
            raise RuntimeError("power cut")
        return get(self, index)

    patch.setattr(BalancedBatches, "start_epoch", start_epoch)
    patch.setattr(BalancedBatches, "__getitem__", getitem)


@pytest.fixture(scope="module")
def resumed(data: Path, without_chance: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Killed in its third epoch, then started again."""
    folder = tmp_path_factory.mktemp("resumed")
    with pytest.MonkeyPatch.context() as patch:
        interrupt_in(2, patch)
        with pytest.raises(Exception, match="power cut"):  # the data pipeline may wrap it
            train(RECIPE, data, folder)
    assert len(json.loads((folder / "curves.json").read_text())) == 2
    train(RECIPE, data, folder)
    return folder


def state(folder: Path) -> dict[str, NDArray[Any]]:
    with np.load(folder / "state.npz") as stored:
        return {name: stored[name] for name in stored.files}


def test_the_curves_have_a_row_an_epoch(uninterrupted: Path) -> None:
    curves = json.loads((uninterrupted / "curves.json").read_text())
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    for row in curves:
        assert row["loss"] > 0
        assert row["val_loss"] > 0
        assert 0 <= row["accuracy"] <= 1
        assert 0 <= row["val_accuracy"] <= 1
    # Linear to the peak in 5 steps of the first 5-step epoch, then a cosine to nothing.
    assert curves[0]["learning_rate"] == pytest.approx(0.05, rel=0.05)
    assert curves[1]["learning_rate"] == pytest.approx(0.025, rel=0.05)
    assert curves[2]["learning_rate"] == pytest.approx(0, abs=1e-6)


def test_the_recipe_lies_beside_the_weights(uninterrupted: Path) -> None:
    stored = json.loads((uninterrupted / "recipe.json").read_text())
    assert stored == json.loads(json.dumps(asdict(RECIPE)))


def test_a_resumed_training_has_all_epochs_once(resumed: Path) -> None:
    curves = json.loads((resumed / "curves.json").read_text())
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    assert int(state(resumed)["epoch"]) == 3


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(
    resumed: Path, uninterrupted: Path
) -> None:
    """Weights, momenta, averages, step counts; the order of additions alone may differ."""
    one, other = state(resumed), state(uninterrupted)
    assert set(one) == set(other)
    assert int(one["n_steps"]) == int(other["n_steps"]) == 3 * (175 // 32)
    for name in one:
        assert one[name] == pytest.approx(other[name], abs=1e-4), name


def test_a_finished_training_is_not_trained_on(
    resumed: Path, data: Path, without_chance: None
) -> None:
    before = state(resumed)
    curves = train(RECIPE, data, resumed)
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    after = state(resumed)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_best_weights_are_the_averaged_ones_of_the_best_epoch(
    uninterrupted: Path, data: Path
) -> None:
    """Measured again from the file alone."""
    curves = json.loads((uninterrupted / "curves.json").read_text())
    network = load_network(RECIPE, FaceInput(), uninterrupted / "best.weights.h5")
    validation = load_split(data, "validation")
    logits = network.predict(FaceInput().normalise(validation.images[..., None]), verbose=0)
    accuracy = (logits.argmax(axis=1) == validation.labels).mean()
    assert accuracy == pytest.approx(max(row["val_accuracy"] for row in curves))
    p = softmax(logits)[np.arange(len(validation)), validation.labels]
    best = [row for row in curves if row["val_accuracy"] == pytest.approx(accuracy)]
    assert -np.log(p).mean() == pytest.approx(best[-1]["val_loss"], abs=1e-4)


def test_something_is_learnt(uninterrupted: Path) -> None:
    curves = json.loads((uninterrupted / "curves.json").read_text())
    assert curves[-1]["loss"] < curves[0]["loss"]


# --- Export -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(uninterrupted: Path) -> keras.Model:
    return load_network(RECIPE, FaceInput(), uninterrupted / "best.weights.h5")


@pytest.fixture(scope="module")
def faces(data: Path) -> NDArray[np.float32]:
    return FaceInput().normalise(load_split(data, "train").images[..., None])


def classifier(model: bytes) -> EmotionClassifier:
    return EmotionClassifier(ModelCard.model_validate(card_dict(model)), model)


def test_the_float_model_gives_kerass_numbers(
    network: keras.Model, faces: NDArray[np.float32]
) -> None:
    served = classifier(to_litert(network, None)).logits(faces)
    assert served == pytest.approx(network.predict(faces, verbose=0), abs=1e-4)


def test_the_integer_model_is_smaller_and_nearly_always_says_the_same(
    network: keras.Model, faces: NDArray[np.float32]
) -> None:
    model = to_litert(network, faces[:100])
    expected = network.predict(faces, verbose=0)
    served = classifier(model).logits(faces)
    assert served.dtype == np.float32
    same = served.argmax(axis=1) == expected.argmax(axis=1)
    assert same.mean() >= 0.95
    # Where it says something else, the two were close.
    second, first = np.sort(expected, axis=1)[:, -2:].T
    assert (same | (first - second < 0.1 * np.ptp(expected))).all()
    assert np.abs(served - expected).max() < 0.1 * np.ptp(expected)


def test_a_backbone_is_exported_as_it_serves() -> None:
    """Its normalisation must take the statistics it learnt, not those of the one face."""
    network = ARCHITECTURES["transfer"](
        7, (16, 16, 1), backbone="mobilenet_v2", weights=None, side_px=32, head_units=8
    )
    for layer in network.get_layer("backbone").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(layer.moving_mean + 0.2)
    faces = np.random.default_rng(0).normal(0, 1, (4, 16, 16, 1)).astype(np.float32)
    model = to_litert(network, None)
    served = np.concatenate([invoked(model, face) for face in faces])
    assert served == pytest.approx(network.predict(faces, verbose=0), abs=1e-4)


def invoked(model: bytes, face: np.ndarray) -> np.ndarray:
    """What an exported network says of one face (S, S, C): (1, 7)."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], face[None])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_the_multiplications_are_counted_by_hand() -> None:
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)  # 4*4*4 of 3*3*3
    features = keras.layers.BatchNormalization()(features)
    features = keras.layers.DepthwiseConv2D(3, padding="same")(features)  # 4*4*4 of 3*3
    features = keras.layers.Conv2D(5, 1)(features)  # 4*4*5 of 4
    features = keras.layers.GlobalAveragePooling2D()(features)
    outputs = keras.layers.Dense(7)(features)  # 7 of 5
    expected = 4 * 4 * 4 * 27 + 4 * 4 * 4 * 9 + 4 * 4 * 5 * 4 + 7 * 5
    network = keras.Model(inputs, outputs)
    assert count_macs(network) == expected
    outer = keras.Input((8, 8, 3))
    assert count_macs(keras.Model(outer, network(outer))) == expected  # as a backbone


def test_the_grey_levels_go_through_the_same_scaling_as_in_serving(data: Path) -> None:
    """Training normalises inside the model, serving by `FaceInput`: they must agree."""
    from training.expression.network import build_network
    from training.expression.train import training_model

    network = build_network(RECIPE, FaceInput())
    model = training_model(network, RECIPE, FaceInput())
    images = load_split(data, "test").images[..., None]
    levels = model.predict(images.astype(np.float32), verbose=0)
    served = network.predict(FaceInput().normalise(images), verbose=0)
    assert levels == pytest.approx(served, abs=1e-5)
