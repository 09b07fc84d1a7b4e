"""Networks that are read back from LiteRT files: they say what those said."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from core.errors import ModelError
from core.expression.model_card import load_card
from tests.training.toy_models import levels_and_probabilities
from training.architectures import ARCHITECTURES
from training.publishing.artifacts import export_network
from training.publishing.export import to_litert
from training.publishing.litert_weights import with_litert_weights

pytestmark = pytest.mark.train

NETWORKS: dict[str, dict[str, Any]] = {
    "se_resnet": {"widths": (8, 16), "depths": (1, 2)},
    "separable": {"widths": (8, 16), "depths": (1, 2)},
    "vgg": {},
    "mobilenet_v2": {"backbone": "mobilenet_v2", "side_px": 32, "head_units": 8},
    "resnet50": {"backbone": "resnet50", "side_px": 32, "head_units": 8},
}


def network_of(name: str) -> keras.Model:
    """A network whose every weight is as if it had been trained: biases, statistics, scales."""
    options = NETWORKS[name]
    builder = ARCHITECTURES["transfer" if "backbone" in options else name]
    network = builder(7, (48, 48, 1), **options)
    rng = np.random.default_rng(3)
    for weight in network.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name != "kernel":
            weight.assign(rng.normal(0, 0.1, weight.shape))
    return network


def noise(n: int) -> np.ndarray:
    """Faces (n, 48, 48, 1) for a network that has learnt nothing."""
    return np.random.default_rng(5).normal(0, 1, (n, 48, 48, 1)).astype(np.float32)


def said_by(network: keras.Model, faces: np.ndarray) -> np.ndarray:
    """Its answers, without the graph that `predict` would build first."""
    return np.asarray(network(faces, training=False))


def distance(said: np.ndarray, expected: np.ndarray) -> float:
    """Of logits, in units of their size."""
    return float(np.linalg.norm(said - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_floats_comes_back_as_it_was(name: str) -> None:
    network = network_of(name)
    read = with_litert_weights(network, to_litert(network, None))
    faces = noise(4)
    assert said_by(read, faces) == pytest.approx(said_by(network, faces), rel=1e-3, abs=1e-3)
    assert not any(isinstance(one, keras.layers.BatchNormalization) for one in read.layers)


def test_rounded_weights_come_back_as_the_floats_that_they_stand_for() -> None:
    network, faces = network_of("separable"), noise(40)
    expected = said_by(network, faces)
    halves = with_litert_weights(network, to_litert(network, None, float16=True))
    integers = with_litert_weights(network, to_litert(network, faces))
    rounding = [distance(said_by(one, faces), expected) for one in (halves, integers)]
    assert 0 < rounding[0] < 0.002
    assert rounding[0] < rounding[1] < 0.1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"widths": (8, 16), "depths": (1, 1)}, "15 layers with weights, not 11"),
        ({"widths": (8, 24), "depths": (1, 2)}, "kernel of .* where Keras has"),
    ],
)
def test_the_file_of_another_network_is_refused(other: dict[str, Any], message: str) -> None:
    model = to_litert(network_of("se_resnet"), None)
    with pytest.raises(ModelError, match=message):
        with_litert_weights(ARCHITECTURES["se_resnet"](7, (48, 48, 1), **other), model)


def shipped_without_weights(published: tuple[Path, Path], model_id: str, to: Path) -> Path:
    """A folder of models with that one in it, as LiteRT file only."""
    shutil.copytree(published[0] / model_id, to / model_id)
    (to / model_id / "model.weights.h5").unlink(missing_ok=True)
    return to


@pytest.mark.parametrize(("model_id", "within"), [("toy", 1e-4), ("toy-int8", 0.1)])
def test_a_model_is_exported_from_its_litert_file_alone(
    published: tuple[Path, Path], tmp_path: Path, model_id: str, within: float
) -> None:
    models = shipped_without_weights(published, model_id, tmp_path)
    export_network(load_card(model_id, models), models, "keras", tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    grey_levels, expected = levels_and_probabilities(published, model_id)
    assert np.abs(said_by(loaded, grey_levels) - expected).max() < within


def test_a_network_that_says_something_else_than_its_file_is_not_exported(
    published: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = shipped_without_weights(published, "toy", tmp_path)

    def exchanged(network: keras.Model, model: bytes) -> keras.Model:
        read = with_litert_weights(network, model)
        kernel = read.get_layer("logits").kernel
        kernel.assign(kernel[:, ::-1])
        return read

    monkeypatch.setattr("training.publishing.artifacts.with_litert_weights", exchanged)
    with pytest.raises(ModelError, match="could not be read back"):
        export_network(load_card("toy", models), models, "keras", tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()
