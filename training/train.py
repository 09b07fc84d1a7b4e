"""Train an expression model by a recipe: data in, weights and curves out, resumable."""

import json
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.faceinput import FaceInput
from training.architectures import ARCHITECTURES
from training.augment import Augment
from training.callbacks import AverageWeights, EpochKeeper
from training.data import BalancedBatches, Faces, drop_blank, load_split
from training.recipe import Recipe


def build_network(recipe: Recipe, face_input: FaceInput) -> keras.Model:
    """The recipe's network: normalised faces (b, S, S, C) in, logits (b, 7) out."""
    builder = ARCHITECTURES[recipe.architecture]
    shape = (face_input.size_px, face_input.size_px, face_input.channels)
    return builder(len(EMOTIONS), shape, **recipe.architecture_options)


def training_model(network: keras.Model, recipe: Recipe, face_input: FaceInput) -> keras.Model:
    """Grey levels in, logits out: augmentation and normalisation in front of `network`."""
    images = keras.Input((face_input.size_px, face_input.size_px, 1), name="grey_levels")
    augmented = Augment(**recipe.augment_options, seed=recipe.seed)(images)
    normalise = keras.layers.Rescaling(face_input.scale, face_input.offset, dtype="float32")
    return keras.Model(images, network(normalise(augmented)))


def schedule(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.schedules.CosineDecay:
    """Linear warm-up, then one cosine to zero."""
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        decay_steps=max(recipe.epochs * steps_per_epoch - recipe.warmup_steps, 1),
    )


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """SGD with Nesterov momentum and decoupled weight decay; smoothed cross-entropy."""
    optimizer = keras.optimizers.SGD(
        schedule(recipe, steps_per_epoch),
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )
    # Decay on scales and shifts only fights the normalisation they belong to.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    optimizer.build(model.trainable_variables)


def validation_arrays(
    faces: Faces, face_input: FaceInput
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normalised inputs (n, S, S, 1) and one-hot labels (n, 7)."""
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[faces.labels]
    return face_input.normalise(faces.images[..., None]), one_hot


def train(recipe: Recipe, data: Path, folder: Path) -> list[dict[str, float]]:
    """Train by `recipe` on `data`, in `folder`; goes on from the last finished epoch there.

    Returns:
        The curves: one row an epoch, as in `<folder>/curves.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict(), indent=1))
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    face_input = FaceInput()
    faces, validation = load_split(data, "train"), load_split(data, "validation")
    if recipe.drop_blank:
        faces = drop_blank(faces)
    batches = BalancedBatches(faces, recipe.batch_size, recipe.balance_power, recipe.seed)
    network = build_network(recipe, face_input)
    model = training_model(network, recipe, face_input)
    compile_model(model, recipe, len(batches))
    averager = AverageWeights(network, recipe.average_momentum)
    keeper = EpochKeeper(
        network, averager, batches, validation_arrays(validation, face_input), folder
    )
    first_epoch = keeper.resume(model)
    model.fit(
        batches,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        shuffle=False,  # the batches shuffle themselves, repeatably
        callbacks=[averager, keeper],
        verbose=2,
    )
    return keeper.curves
