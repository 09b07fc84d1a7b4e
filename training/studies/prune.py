"""Magnitude pruning with fine-tuning, step by step, then 8-bit integers.

After Han et al. 2015, arXiv 1506.02626. LiteRT runs a sparse network no faster than a dense one
on these processors: what pruning gains here is the size of the compressed file, and what it
costs is accuracy. The table says both.
"""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from core.expression.classify import EmotionClassifier
from core.expression.model_card import ModelCard
from core.measures.accuracy import wilson_interval
from core.pictures.face_input import FaceInput
from training.data.batches import BalancedBatches
from training.data.cleaning import clean
from training.data.fer2013 import Faces, load_split
from training.expression.callbacks import AverageWeights
from training.expression.train import Phase, compile_model, training_model
from training.publishing.export import load_network, representative, to_litert
from training.recipes.base import Recipe
from training.studies.bias.robustness import times_ms

FINE_TUNING_RATE = 0.005  # a tenth of the training's peak


class KeepZeros(keras.callbacks.Callback):
    """Puts the `sparsity` (0..1) smallest weights of each kernel back to zero after each step."""

    def __init__(self, network: keras.Model, sparsity: float) -> None:
        super().__init__()
        self._masked = [(kernel, _mask(kernel, sparsity)) for kernel in prunable(network)]
        self._zero()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Undo what the optimizer did to them."""
        self._zero()

    def _zero(self) -> None:
        for kernel, mask in self._masked:
            kernel.assign(ops.multiply(kernel, mask))


def prunable(network: keras.Model) -> list[keras.Variable]:
    """Kernels of convolutions and dense layers."""
    return [weight for weight in network.trainable_weights if len(weight.shape) > 1]


def _mask(kernel: keras.Variable, sparsity: float) -> Any:
    size = np.abs(ops.convert_to_numpy(kernel))
    threshold = np.quantile(size, sparsity)
    return ops.convert_to_tensor((size > threshold).astype(np.float32))


def sparsity_of(network: keras.Model) -> float:
    """Share of zeros among the weights that can be pruned."""
    kernels = [ops.convert_to_numpy(kernel) for kernel in prunable(network)]
    zeros = sum(int((kernel == 0).sum()) for kernel in kernels)
    return zeros / sum(int(kernel.size) for kernel in kernels)


def prune(
    recipe: Recipe,
    weights: Path,
    data: Path,
    card: ModelCard,
    sparsities: tuple[float, ...],
    epochs: int,
) -> list[dict[str, Any]]:
    """Prune to rising `sparsities` (0..1), fine-tune after each step, measure as float and int8.

    Returns:
        One row a step and precision, the dense network first: sparsity, bytes plain and
        gzipped, ms a face, accuracy on the validation split.
    """
    keras.utils.set_random_seed(recipe.seed)
    face_input = FaceInput(geometry=card.input.geometry)
    network = load_network(recipe, face_input, weights)
    validation = load_split(data, "validation")
    train_faces = clean(load_split(data, "train"), validation, recipe)
    rows = _measure(network, 0.0, train_faces, validation, card)
    for sparsity in sparsities:
        _fine_tune(network, recipe, face_input, train_faces, sparsity, epochs)
        rows += _measure(network, sparsity, train_faces, validation, card)
    return rows


def _fine_tune(
    network: keras.Model,
    recipe: Recipe,
    face_input: FaceInput,
    faces: Faces,
    sparsity: float,
    epochs: int,
) -> None:
    """Train on with zeros kept, from labels alone; `network` ends with the averaged weights."""
    alone = replace(recipe, teachers=())
    zeros = KeepZeros(network, sparsity)
    batches = BalancedBatches(faces, recipe.batch_size, recipe.balance_power, recipe.seed)
    model = training_model(network, alone, face_input)
    compile_model(model, alone, Phase(0, epochs, FINE_TUNING_RATE, frozen=False), len(batches))
    averager = AverageWeights(network, 0.99)
    model.fit(batches, epochs=epochs, shuffle=False, callbacks=[zeros, averager], verbose=2)
    network.set_weights(averager.average)


def _measure(
    network: keras.Model, sparsity: float, train: Faces, validation: Faces, card: ModelCard
) -> list[dict[str, Any]]:
    face_input = card.face_input
    examples = representative(train, face_input)
    inputs = face_input.normalise(validation.images[..., None])
    rows = []
    for precision, given in (("float32", None), ("int8", examples)):
        model = to_litert(network, given)
        classifier = EmotionClassifier(card, model, n_threads=1)
        predicted = classifier.logits(inputs).argmax(axis=1)
        n_right = int((predicted == validation.labels).sum())
        rows.append(
            {
                "precision": precision,
                "target_sparsity": sparsity,
                "sparsity": round(sparsity_of(network), 4),
                "bytes": len(model),
                "bytes_gzipped": len(gzip.compress(model)),
                "ms_per_face": round(float(np.median(times_ms(classifier, 100))), 3),
                "accuracy": n_right / len(inputs),
                "accuracy_ci95": wilson_interval(n_right, len(inputs)),
            }
        )
    return rows
