"""From trained weights to LiteRT: floats, or integers of eight bits fitted to example faces.

Runs on the TensorFlow backend, whatever backend trained: the converter is TensorFlow's.
"""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from core.pictures.face_input import FaceInput
from core.types import FloatArray
from training.data.fer2013 import Faces
from training.expression.network import build_network
from training.recipes.base import Recipe

N_REPRESENTATIVE = 500


def load_network(recipe: Recipe, face_input: FaceInput, weights: Path) -> keras.Model:
    """The recipe's network in float32 with the weights of a training run."""
    keras.config.set_dtype_policy("float32")
    network = build_network(recipe, face_input)
    network.load_weights(weights)
    return network


def representative(train: Faces, face_input: FaceInput) -> FloatArray:
    """Normalised training faces (n, S, S, 1) by chance, for `to_litert`."""
    chosen = np.random.default_rng(0).permutation(len(train))[:N_REPRESENTATIVE]
    return face_input.normalise(train.images[chosen][..., None])


def to_litert(
    network: keras.Model, examples: FloatArray | None, *, float16: bool = False
) -> bytes:
    """Convert `network` to a LiteRT flatbuffer with float inputs and outputs.

    The activations of `examples`, faces (n, S, S, C), set the ranges of 8-bit integers; None
    keeps floats, with `float16` stored as 16-bit ones.
    """
    import tensorflow as tf

    # Said aloud, because Keras 3.15 exports a backbone behind a `Resizing` layer as if it were
    # still in training: its normalisation then takes the statistics of the face in hand.
    faces = keras.Input(network.input_shape[1:], name="face")
    serving = keras.Model(faces, network(faces, training=False))
    with tempfile.TemporaryDirectory() as folder:
        # The detour over a saved model turns variables into constants, which int8 needs.
        serving.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        return _convert(converter, examples, float16)


def _convert(converter: Any, examples: FloatArray | None, float16: bool) -> bytes:
    import tensorflow as tf

    if float16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    if examples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([face[None]] for face in examples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())
