"""A shipped model as a file for others: Keras, HDF5, ONNX, or LiteRT for an ensemble.

Unlike `model.tflite` these hold the whole way from grey levels to probabilities, so that whoever
loads them needs nothing of Mien: scaling, network, temperature, softmax. They need no custom
layer of ours either.
"""

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras
import numpy as np

from core.emotions import EMOTIONS
from core.errors import ModelError
from core.expression.classify import EmotionClassifier
from core.expression.model_card import Head, ModelCard, load_card, load_model_bytes
from core.expression.quantisation import Precision
from training.architectures.layers import BatchNorm, Tensor
from training.architectures.transfer import ToBackbone
from training.expression.network import build_network
from training.publishing.export import load_network, to_litert
from training.publishing.litert_weights import with_litert_weights
from training.recipes.base import Recipe, as_tuples

MAX_FILE_BYTES = 25_000_000  # of any file in the repository
# Of the logits' size, on noise. Where activations are 8-bit integers they differ by up to 0.19
# from those of floats; a network with two kernels exchanged says something else altogether.
_MAX_DIFFERENCE = 0.4


def export_network(
    card: ModelCard, models_dir: Path, form: str, file: Path, weights: Path | None = None
) -> None:
    """Write the model of `card` as `form` ("keras", "h5", "tflite" or "onnx") to `file`.

    Without `weights` of its training run, those that are shipped are taken, or else the numbers
    in the LiteRT file, rounded as they are there.

    Raises:
        ModelError: if a file of the model is missing or damaged, or weights are given for an
            ensemble.
    """
    if card.members and weights is not None:
        names = ", ".join(card.members)
        raise ModelError(f"{card.id!r} is a mean of models; weights belong to one of {names}.")
    if card.members:
        members = [load_card(name, models_dir) for name in card.members]
        networks = [_network(member, models_dir, None) for member in members]
        model = mean_model(networks, members, card)
    else:
        model = whole_model(_network(card, models_dir, weights), card)
    if form == "tflite":
        file.write_bytes(to_litert(model, None))
    elif form == "onnx":
        model(keras.ops.zeros((1, *model.input_shape[1:])))  # the exporter wants a called model
        with warnings.catch_warnings():
            # Keras asks NumPy for a name that NumPy 2 no longer has, before it mends tf2onnx.
            warnings.simplefilter("ignore", FutureWarning)
            model.export(file, format="onnx", verbose=False)
    else:
        model.save(file)


def _network(card: ModelCard, models_dir: Path, weights: Path | None) -> keras.Model:
    if weights := weights or shipped_weights(card, models_dir):
        return load_network(recipe_of(card), card.face_input, weights)
    return shipped_network(card, load_model_bytes(card, models_dir))


def shipped_network(card: ModelCard, model: bytes) -> keras.Model:
    """The network of the card, in 32-bit floats, with the weights of its LiteRT file.

    Raises:
        ModelError: if it says something else than the file does.
    """
    keras.config.set_dtype_policy("float32")
    network = with_litert_weights(build_network(recipe_of(card), card.face_input), model)
    spec = card.input
    shape = (16, spec.size_px, spec.size_px, spec.channels)
    noise = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    expected = EmotionClassifier(card, model).single_view().logits(noise)
    said = network.predict(noise, verbose=0)[:, card.head(card.serves).logits]
    if np.linalg.norm(said - expected) > _MAX_DIFFERENCE * np.linalg.norm(expected):
        raise ModelError(
            f"The weights of {card.id!r} could not be read back from its LiteRT file; say "
            "`--weights` of a training run."
        )
    return network


def whole_model(network: keras.Model, card: ModelCard) -> keras.Model:
    """Grey levels (b, S, S, 1) in 0..255 in, probabilities (b, 7) in the card's order out."""
    grey_levels, faces = _grey_levels_and_faces(card)
    return _calibrated(grey_levels, _in_kerass_layers(network)(faces, training=False), card)


def mean_model(
    networks: Sequence[keras.Model], members: Sequence[ModelCard], card: ModelCard
) -> keras.Model:
    """As `whole_model`, of an ensemble: the mean of what its members say of one view."""
    grey_levels, faces = _grey_levels_and_faces(card)
    calibrated = []
    for network, member in zip(networks, members, strict=True):
        part = _in_kerass_layers(network)
        part.name = member.id.replace("-", "_")
        logits = part(faces, training=False)
        # Log-probabilities, less what is the same for all labels and the softmax takes away.
        calibrated.append(_scaled(logits, member.head(card.serves)))
    return _calibrated(grey_levels, keras.layers.Average()(calibrated), card)


def _grey_levels_and_faces(card: ModelCard) -> tuple[Tensor, Tensor]:
    spec = card.input
    grey_levels = keras.Input((spec.size_px, spec.size_px, spec.channels), name="grey_levels")
    return grey_levels, keras.layers.Rescaling(spec.scale, spec.offset)(grey_levels)


def _calibrated(grey_levels: Tensor, logits: Tensor, card: ModelCard) -> keras.Model:
    scaled = _scaled(logits, card.head(card.serves))
    probabilities = keras.layers.Softmax(name="probabilities")(scaled)
    return keras.Model(grey_levels, probabilities, name=card.id.replace("-", "_"))


def _scaled(logits: Tensor, head: Head) -> Tensor:
    """The head's seven calibrated logits (b, 7), chosen by a dense layer that learns nothing.

    The softmax of the seven is what remains of eight outcomes' when the last is left out.
    """
    chosen = keras.layers.Dense(len(EMOTIONS), trainable=False)
    scaled = chosen(logits)
    kernel = np.zeros((logits.shape[-1], len(EMOTIONS)), np.float32)
    kernel[head.first + np.arange(len(EMOTIONS)), np.arange(len(EMOTIONS))] = 1 / head.temperature
    chosen.set_weights([kernel, np.asarray(head.bias[: len(EMOTIONS)], np.float32)])
    return scaled


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


def shipped_weights(card: ModelCard, models_dir: Path) -> Path | None:
    """`model.weights.h5` of the model, or of another by the same recipe; None if neither is there.

    In them the normalisation is not folded away, so that training can go on from them.
    """
    for folder in [models_dir / card.id, *sorted(models_dir.glob("*/"))]:
        file = folder / "model.weights.h5"
        other = folder / "card.json"
        if not file.exists() or not other.exists():
            continue
        if ModelCard.model_validate_json(other.read_text()).recipe == card.recipe:
            return file
    return None


def keep_weights(weights: Path, kept: Path, precision: Precision) -> None:
    """Ship Keras' weights beside the model, to go on from, unless they are too large.

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
    return Recipe(**as_tuples(card.recipe))
