"""Train an expression model by a recipe: data in, weights and curves out, resumable."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from core.emotions import EMOTIONS
from core.pictures.face_input import FaceInput
from core.types import FloatArray
from training.data.augment import Augment
from training.data.batches import BalancedBatches, MixedBatches
from training.data.cleaning import clean
from training.data.fer2013 import Faces, load_split
from training.data.rafdb import load_rafdb
from training.data.sets import SETS
from training.expression.callbacks import (
    AverageWeights,
    EpochKeeper,
    Row,
    compile_with,
    rise_and_cosine,
)
from training.expression.distil import (
    DistilLoss,
    accuracy,
    load_teachers,
    said_by,
    with_teachers,
)
from training.expression.heads import (
    TwoHeadLoss,
    n_outputs,
    people_agreement,
    two_head_batches,
    validation_row,
    widened,
)
from training.expression.network import build_network
from training.recipes.base import Recipe, as_folder
from training.recipes.catalogue import load_recipe


@dataclass(frozen=True)
class Phase:
    """Epochs `first` to before `end`, trained at one schedule, the backbone frozen or not."""

    first: int
    end: int
    learning_rate: float
    frozen: bool


def phases(recipe: Recipe) -> list[Phase]:
    """A pretrained backbone is frozen first, while the new head finds its place."""
    fine = Phase(recipe.frozen_epochs, recipe.epochs, recipe.learning_rate, frozen=False)
    if not recipe.frozen_epochs:
        return [fine]
    return [Phase(0, recipe.frozen_epochs, recipe.frozen_learning_rate, frozen=True), fine]


def training_model(
    network: keras.Model,
    recipe: Recipe,
    face_input: FaceInput,
    teachers: Sequence[keras.Model] = (),
) -> keras.Model:
    """Grey levels in, logits out: augmentation and normalisation in front of `network`.

    With teachers the output is that of `training.expression.distil.with_teachers`.
    """
    images = keras.Input((face_input.size_px, face_input.size_px, 1), name="grey_levels")
    augmented = Augment(**recipe.augment_options, seed=recipe.seed)(images)
    normalise = keras.layers.Rescaling(face_input.scale, face_input.offset, dtype="float32")
    faces = normalise(augmented)
    logits = network(faces)
    return keras.Model(images, with_teachers(faces, logits, teachers) if teachers else logits)


def compile_model(model: keras.Model, recipe: Recipe, phase: Phase, steps_per_epoch: int) -> None:
    """SGD with Nesterov momentum and decoupled weight decay; smoothed cross-entropy."""
    n_steps = (phase.end - phase.first) * steps_per_epoch
    optimizer = keras.optimizers.SGD(
        rise_and_cosine(phase.learning_rate, n_steps, recipe.warmup_steps),
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )
    counted = people_agreement if recipe.people_head else accuracy
    metric = keras.metrics.MeanMetricWrapper(counted, name="accuracy")
    compile_with(model, optimizer, _loss(recipe), [metric])


def _loss(recipe: Recipe) -> keras.losses.Loss:
    if recipe.people_head:
        return TwoHeadLoss()
    if recipe.teachers:
        return DistilLoss(
            teacher_share=recipe.teacher_share,
            temperature=recipe.teacher_temperature,
            label_smoothing=recipe.label_smoothing,
        )
    return keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )


def validated(network: keras.Model, faces: Faces, inputs: FloatArray, *, people: bool) -> Row:
    """Loss and accuracy on the validation split, whose normalised faces are (n, S, S, 1).

    With `people`, whether the network has that head, too, also what people say of them.
    """
    logits = network.predict(inputs, batch_size=256, verbose=0).astype(np.float64)
    of_labels = logits[:, : len(EMOTIONS)]
    log_p = of_labels - np.logaddexp.reduce(of_labels, axis=1, keepdims=True)
    return {
        "val_loss": float(-log_p[np.arange(len(faces)), faces.labels].mean()),
        "val_accuracy": float((of_labels.argmax(axis=1) == faces.labels).mean()),
        **(validation_row(logits, faces) if people else {}),
    }


def train(
    recipe: Recipe,
    data: Path,
    folder: Path,
    weights_dir: Path | None = None,
    *,
    start: Path | None = None,
    photos: Path | None = None,
) -> list[dict[str, float]]:
    """Train by `recipe` on `data`, in `folder`; goes on from the last finished epoch there.

    Runs that the recipe starts from (unless by the weights `start`) or learns from are looked for
    beside `folder`. `weights_dir` holds pretrained backbones and `photos` is the file of a
    further set, for recipes that name one.

    Returns:
        The curves: one row an epoch, as in `<folder>/curves.json`.

    Raises:
        ValueError: if the recipe wants pretrained weights or photos and none are given.
    """
    _check_files(recipe, weights_dir, photos)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1))
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    face_input = FaceInput()
    validation_faces = load_split(data, "validation")
    faces = clean(load_split(data, "train"), validation_faces, recipe)
    teachers = load_teachers(recipe, face_input, folder.parent)
    of_photos = load_rafdb(photos, "train") if photos else None
    batches = _batches(recipe, faces, of_photos, teachers, face_input)
    network = build_network(recipe, face_input, weights_dir)
    if recipe.start_from is not None:
        before = folder.parent / as_folder(recipe.start_from) / "best.weights.h5"
        load_start(network, recipe, face_input, start or before)
    model = training_model(network, recipe, face_input, () if recipe.people_head else teachers)
    averager = AverageWeights(network, recipe.average_momentum)
    inputs = face_input.normalise(validation_faces.images[..., None])
    keeper = EpochKeeper(
        network,
        averager,
        batches,
        folder,
        measure=lambda net: validated(net, validation_faces, inputs, people=recipe.people_head),
        worth=lambda row: row["val_accuracy"] + row.get("val_people", 0.0),
    )
    _fit_phases(recipe, model, network, keeper, averager, batches)
    return list(
        json.loads((folder / "curves.json").read_text())
    )  # of a run that was finished before, too


def _check_files(recipe: Recipe, weights_dir: Path | None, photos: Path | None) -> None:
    if recipe.backbone_weights is not None and weights_dir is None:
        raise ValueError(
            f"recipe {recipe.name} wants {recipe.backbone_weights}: say in which folder"
        )
    if recipe.photo_set is not None and photos is None:
        raise ValueError(f"recipe {recipe.name}: {SETS[recipe.photo_set].missing('--photos')}")


def _fit_phases(
    recipe: Recipe,
    model: keras.Model,
    network: keras.Model,
    keeper: EpochKeeper,
    averager: AverageWeights,
    batches: BalancedBatches | MixedBatches,
) -> None:
    for phase in phases(recipe):
        if keeper.n_finished() >= phase.end:
            continue
        if recipe.frozen_epochs:
            network.get_layer("backbone").trainable = not phase.frozen
        compile_model(model, recipe, phase, len(batches))
        model.fit(
            batches,
            initial_epoch=keeper.resume(model, phase.first),
            epochs=phase.end,
            shuffle=False,  # the batches shuffle themselves, repeatably
            callbacks=[averager, keeper],
            verbose=1 if sys.stdout.isatty() else 2,  # a bar for people, lines for logs
        )


def load_start(network: keras.Model, recipe: Recipe, face_input: FaceInput, weights: Path) -> None:
    """Load what the recipe starts from; a first step with two heads follows one with labels."""
    before = load_recipe(recipe.start_from) if recipe.start_from else recipe
    if n_outputs(before) == n_outputs(recipe):
        network.load_weights(weights)
        return
    narrow = build_network(before, face_input)
    narrow.load_weights(weights)
    widened(network, narrow)


def _batches(
    recipe: Recipe,
    faces: Faces,
    photos: Faces | None,
    teachers: Sequence[keras.Model],
    face_input: FaceInput,
) -> BalancedBatches | MixedBatches:
    if recipe.people_head:
        taught = said_by(teachers, faces.images, face_input) if teachers else None
        return two_head_batches(recipe, faces, photos, taught)
    return BalancedBatches(
        faces,
        recipe.batch_size,
        recipe.balance_power,
        recipe.seed,
        vote_share=recipe.vote_share,
        mixup_alpha=recipe.mixup_alpha,
    )
