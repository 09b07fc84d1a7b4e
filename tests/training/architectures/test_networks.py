"""Layers, architectures, recipes."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from training.architectures import ARCHITECTURES
from training.architectures.layers import BatchNorm
from training.data.augment import Augment
from training.recipes.catalogue import load_recipe, recipe_names

pytestmark = pytest.mark.train


def to_numpy(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


# --- Batch normalisation ----------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.9, 0.99])
def test_our_batch_normalisation_is_keras_own(momentum: float) -> None:
    rng = np.random.default_rng(0)
    ours = BatchNorm(momentum=momentum, epsilon=1e-5)
    theirs = keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-5)
    for layer in (ours, theirs):
        layer.build((None, 6, 5, 4))
    gamma, beta = rng.normal(1, 0.3, 4), rng.normal(0, 0.3, 4)
    for layer in (ours, theirs):
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)
    for _ in range(3):
        batch = rng.normal(2, 3, (16, 6, 5, 4)).astype(np.float32)
        out = [to_numpy(layer(batch, training=True)) for layer in (ours, theirs)]
        assert out[0] == pytest.approx(out[1], abs=2e-5)
        assert to_numpy(ours.moving_mean) == pytest.approx(to_numpy(theirs.moving_mean), abs=1e-5)
        # Torch keeps the unbiased variance, n / (n - 1) of Keras' for n = 16 * 6 * 5.
        ratio = to_numpy(ours.moving_variance) / to_numpy(theirs.moving_variance)
        assert ratio == pytest.approx(1, abs=480 / 479 - 1 + 1e-5)
    batch = rng.normal(2, 3, (16, 6, 5, 4)).astype(np.float32)
    out = [to_numpy(layer(batch, training=False)) for layer in (ours, theirs)]
    assert out[0] == pytest.approx(out[1], abs=5e-3)


def test_our_batch_normalisation_by_hand() -> None:
    batch = np.random.default_rng(1).normal(5, 2, (8, 4, 4, 3)).astype(np.float32)
    layer = BatchNorm(momentum=0.9, epsilon=1e-5)
    mean, variance = batch.mean(axis=(0, 1, 2)), batch.var(axis=(0, 1, 2))
    out = to_numpy(layer(batch, training=True))
    assert out == pytest.approx((batch - mean) / np.sqrt(variance + 1e-5), abs=1e-4)
    assert to_numpy(layer.moving_mean) == pytest.approx(0.1 * mean, abs=1e-5)
    assert to_numpy(layer.moving_variance) == pytest.approx(0.9 + 0.1 * variance, rel=0.01)


def test_at_inference_the_statistics_stand_still() -> None:
    layer = BatchNorm(momentum=0.9, epsilon=1e-5)
    batch = np.random.default_rng(1).normal(5, 2, (8, 4, 4, 3)).astype(np.float32)
    out = to_numpy(layer(batch, training=False))
    assert out == pytest.approx(batch / np.sqrt(1 + 1e-5), abs=1e-5)
    assert to_numpy(layer.moving_mean).tolist() == [0, 0, 0]


def test_a_frozen_layer_uses_and_keeps_its_statistics_in_training() -> None:
    layer = BatchNorm(momentum=0.9, epsilon=1e-5)
    layer.build((None, 4, 4, 3))
    layer.trainable = False
    batch = np.random.default_rng(1).normal(5, 2, (8, 4, 4, 3)).astype(np.float32)
    assert to_numpy(layer(batch, training=True)) == pytest.approx(batch, abs=1e-3)
    assert to_numpy(layer.moving_mean).tolist() == [0, 0, 0]


# --- Architectures ----------------------------------------------------------------------------

SMALL = {"widths": (8, 8), "depths": (0, 1)}


def test_the_network_ends_in_logits_and_not_in_probabilities() -> None:
    network = ARCHITECTURES["se_resnet"](7, (48, 48, 1), **SMALL)
    assert network.input_shape == (None, 48, 48, 1)
    assert network.output_shape == (None, 7)
    assert network.layers[-1].activation is keras.activations.linear
    faces = np.random.default_rng(0).normal(0, 1, (2, 48, 48, 1)).astype(np.float32)
    logits = to_numpy(network(faces, training=False))
    assert np.isfinite(logits).all()
    assert np.abs(logits.sum(axis=1) - 1).min() > 1e-4


def test_the_number_of_classes_and_the_side_are_free() -> None:
    network = ARCHITECTURES["se_resnet"](3, (32, 32, 3), **SMALL)
    assert network.output_shape == (None, 3)
    assert network.input_shape == (None, 32, 32, 3)


def test_the_network_is_float32_at_its_end_whatever_it_computes_in() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = ARCHITECTURES["se_resnet"](7, (48, 48, 1), **SMALL)
    logits = network(np.zeros((1, 48, 48, 1), np.float32))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"


# --- Recipes ----------------------------------------------------------------------------------


def test_there_is_a_recipe() -> None:
    assert "se_resnet/1-scratch" in recipe_names()
    assert recipe_names() == sorted(recipe_names())


def test_steps_follow_each_other_and_say_what_they_add() -> None:
    recipes = [load_recipe(name) for name in recipe_names()]
    assert all(recipe.adds.endswith(".") for recipe in recipes)
    for recipe in recipes:
        family, step = recipe.name.split("/")
        first = step.startswith("1-")
        assert (recipe.start_from is None) == first
        if recipe.start_from:
            assert recipe.start_from.startswith(f"{family}/{int(step[0]) - 1}-")
        for other in (recipe.start_from, *recipe.teachers):
            assert other is None or load_recipe(other).name == other


def test_a_step_says_only_what_differs_and_keeps_other_options() -> None:
    first, second = load_recipe("se_resnet/1-scratch"), load_recipe("se_resnet/2-noise")
    assert second.augment_options.items() >= first.augment_options.items()
    assert second.augment_options["noise"] == 25.0
    assert (second.architecture_options, second.batch_size) == (first.architecture_options, 128)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_whole_and_can_be_written_into_a_card(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.architecture in ARCHITECTURES
    assert recipe.epochs > 0
    assert 0 <= recipe.label_smoothing < 1
    assert 0 <= recipe.balance_power <= 1
    Augment(**recipe.augment_options, seed=recipe.seed)
    assert json.loads(json.dumps(asdict(recipe)))["name"] == name


@pytest.mark.parametrize("name", ["", "nothing", "se-resnet", "../train", "se_resnet/9-more"])
def test_an_unknown_recipe_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(ValueError, match=r"no recipe '.*'; there are: .*se_resnet"):
        load_recipe(name)
