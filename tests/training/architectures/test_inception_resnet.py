"""Inception-ResNet v1, and the weights that it reads by the names of its layers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import h5py
import keras

from training.architectures.inception_resnet import inception_resnet_v1
from training.architectures.layers import BatchNorm
from training.architectures.transfer import transfer

pytestmark = pytest.mark.train

SHAPE = (108, 108, 3)


def store_as_keras_2(model: Any, file: Path, *, without: str = "") -> None:
    """The file that Keras 2 would have written, of random weights."""
    rng = np.random.default_rng(3)
    with h5py.File(file, "w") as stored:
        for layer in model.layers:
            if not layer.weights or layer.name == without:
                continue
            group = stored.create_group(f"model_weights/{layer.name}")
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = rng.uniform(0.5, 1, weight.shape).astype(np.float32)


@pytest.fixture(scope="module")
def untrained() -> Any:
    return inception_resnet_v1(include_top=False, weights=None, input_shape=SHAPE)


def test_its_size_is_the_published_one(untrained: Any) -> None:
    assert untrained.output_shape == (None, 2, 2, 1792)
    # 22,808,144 with its embedding: 1792 x 128 weights and 3 x 128 of its normalisation.
    assert untrained.count_params() == 22_808_144 - 1792 * 128 - 3 * 128
    least = inception_resnet_v1(include_top=False, weights=None, input_shape=(107, 107, 3))
    assert least.output_shape == (None, 2, 2, 1792)


def test_stored_weights_arrive_in_the_layers_of_their_names(
    untrained: Any, tmp_path: Path
) -> None:
    file = tmp_path / "facenet_keras.h5"
    store_as_keras_2(untrained, file)
    model = inception_resnet_v1(include_top=False, weights=str(file), input_shape=SHAPE)
    with h5py.File(file) as stored:
        for layer in model.layers:
            for weight in layer.weights:
                name = f"{layer.name}/{weight.name}:0"
                there = stored["model_weights"][layer.name][name][()]
                assert np.array_equal(keras.ops.convert_to_numpy(weight), there)


def test_a_file_without_one_of_its_layers_is_refused(untrained: Any, tmp_path: Path) -> None:
    file = tmp_path / "cut.h5"
    store_as_keras_2(untrained, file, without="Mixed_6a_Branch_1_Conv2d_0b_3x3")
    with pytest.raises(ValueError, match="Mixed_6a_Branch_1_Conv2d_0b_3x3"):
        inception_resnet_v1(include_top=False, weights=str(file), input_shape=SHAPE)


def test_it_has_no_embedding() -> None:
    with pytest.raises(ValueError, match="no top"):
        inception_resnet_v1(include_top=True, weights=None, input_shape=SHAPE)


def test_a_residual_is_scaled_before_it_is_added() -> None:
    model = inception_resnet_v1(include_top=False, weights=None, input_shape=SHAPE)
    scales = [layer.scale for layer in model.layers if isinstance(layer, keras.layers.Rescaling)]
    assert scales == [0.17] * 5 + [0.1] * 10 + [0.2] * 5


def test_as_a_backbone_it_keeps_its_weights_and_takes_our_normalisation(
    untrained: Any, tmp_path: Path
) -> None:
    file = tmp_path / "facenet_keras.h5"
    store_as_keras_2(untrained, file)
    network = transfer(
        7, (48, 48, 1), backbone="inception_resnet_v1", weights=str(file), side_px=108
    )
    backbone = network.get_layer("backbone")
    stem = backbone.get_layer("Conv2d_1a_3x3")
    with h5py.File(file) as stored:
        there = stored["model_weights"]["Conv2d_1a_3x3"]["Conv2d_1a_3x3/kernel:0"][()]
    assert np.array_equal(keras.ops.convert_to_numpy(stem.kernel), there)
    assert sum(isinstance(layer, BatchNorm) for layer in backbone.layers) == 111


def test_normalisation_without_scale_is_keras_own() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = BatchNorm(scale=False), keras.layers.BatchNormalization(scale=False)
    batch = rng.normal(2, 3, (16, 6, 5, 4)).astype(np.float32)
    for layer in (ours, theirs):
        layer.build(batch.shape)
        layer.beta.assign([0.5, -1, 0, 2])
    out = [keras.ops.convert_to_numpy(layer(batch, training=True)) for layer in (ours, theirs)]
    assert out[0] == pytest.approx(out[1], abs=2e-5)
