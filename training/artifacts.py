"""A shipped model as a file for others: Keras, HDF5 or ONNX.

Unlike `model.tflite` these hold the whole way from grey levels to probabilities, so that whoever
loads them needs nothing of Mien: scaling, network, temperature, softmax. They need no custom
layer of ours either.
"""

import shutil
import warnings
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from core.errors import ModelError
from core.model_card import ModelCard
from core.precision import Precision
from training.architectures.transfer import ToBackbone
from training.export import load_network
from training.layers import BatchNorm
from training.recipe import Recipe

MAX_FILE_BYTES = 25_000_000  # of any file in the repository


def export_network(
    card: ModelCard, models_dir: Path, form: str, file: Path, weights: Path | None = None
) -> None:
    """Write the model of `card` as `form` ("keras", "h5" or "onnx") to `file`.

    A model of 8-bit integers is exported in the 32-bit floats that it was made from: `weights`,
    or else those that are shipped.

    Raises:
        ModelError: if the card is an ensemble's, or no shipped folder holds the weights.
    """
    if card.members:
        names = ", ".join(card.members)
        raise ModelError(f"{card.id!r} is a mean of models; export each of them: {names}.")
    weights = weights or shipped_weights(card, models_dir)
    network = load_network(recipe_of(card), card.face_input, weights)
    model = whole_model(network, card)
    if form == "onnx":
        model(keras.ops.zeros((1, *model.input_shape[1:])))  # the exporter wants a called model
        with warnings.catch_warnings():
            # Keras asks NumPy for a name that NumPy 2 no longer has, before it mends tf2onnx.
            warnings.simplefilter("ignore", FutureWarning)
            model.export(file, format="onnx", verbose=False)
    else:
        model.save(file)


def whole_model(network: keras.Model, card: ModelCard) -> keras.Model:
    """Grey levels (b, S, S, 1) in 0..255 in, probabilities (b, 7) in the card's order out."""
    spec = card.input
    grey_levels = keras.Input((spec.size_px, spec.size_px, spec.channels), name="grey_levels")
    faces = keras.layers.Rescaling(spec.scale, spec.offset)(grey_levels)
    logits = _in_kerass_layers(network)(faces, training=False)  # else a nested backbone trains
    scaled = keras.layers.Rescaling(1 / card.calibration.temperature)(logits)
    probabilities = keras.layers.Softmax(name="probabilities")(scaled)
    return keras.Model(grey_levels, probabilities, name=card.id.replace("-", "_"))


def _in_kerass_layers(network: keras.Model) -> keras.Model:
    """The same network, also inside a backbone, with Keras' own layers in place of ours."""

    def plain(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, BatchNorm):
            return keras.layers.BatchNormalization.from_config(layer.get_config())
        if isinstance(layer, ToBackbone):
            return keras.layers.Conv2D(len(layer.scale), 1, name=layer.name)
        return type(layer).from_config(layer.get_config())

    clone = keras.models.clone_model(network, clone_function=plain, recursive=True)
    for ours, kerass in zip(network.layers, clone.layers, strict=True):
        scaling = isinstance(ours, ToBackbone)
        kerass.set_weights(ours.as_convolution() if scaling else ours.get_weights())
    return clone


def shipped_weights(card: ModelCard, models_dir: Path) -> Path:
    """`model.weights.h5` of the model itself, or of the one that was trained by the same recipe.

    Raises:
        ModelError: if neither is shipped; the message says how to make them.
    """
    for folder in [models_dir / card.id, *sorted(models_dir.glob("*/"))]:
        file = folder / "model.weights.h5"
        other = folder / "card.json"
        if not file.exists() or not other.exists():
            continue
        if ModelCard.model_validate_json(other.read_text()).recipe == card.recipe:
            return file
    name = card.recipe.get("name")
    raise ModelError(
        f"The weights of {card.id!r} are not shipped; train it again by its recipe "
        f"(`mien train {name}`) and say `--weights runs/{name}/best.weights.h5`."
    )


def keep_weights(weights: Path, kept: Path, precision: Precision) -> None:
    """Ship Keras' weights beside the model, for `mien export`, unless they are too large.

    Beside a model of 16-bit floats the kernels are kept as such, as they are in the model.
    """
    shutil.copyfile(weights, kept)
    if precision is Precision.float16:
        _halve(kept)
    if kept.stat().st_size > MAX_FILE_BYTES:
        kept.unlink()


def _halve(weights: Path) -> None:
    """Store the kernels of a file of Keras' weights as 16-bit floats; vectors stay as they are."""
    with h5py.File(weights) as whole, h5py.File(half := weights.with_suffix(".half"), "w") as to:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                to.require_group(name).attrs.update(item.attrs)
                return
            kind = np.float16 if item.ndim > 1 else item.dtype
            to.create_dataset(name, data=item[()].astype(kind)).attrs.update(item.attrs)

        to.attrs.update(whole.attrs)
        whole.visititems(copy)
    half.replace(weights)


def recipe_of(card: ModelCard) -> Recipe:
    """The recipe in the card; JSON has lists where it had tuples."""

    def tuples(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(tuples(inner) for inner in value)
        if isinstance(value, dict):
            return {key: tuples(inner) for key, inner in value.items()}
        return value

    return Recipe(**{key: tuples(value) for key, value in card.recipe.items()})
