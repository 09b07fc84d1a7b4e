"""A trained network in Keras again, from the LiteRT file that it was shipped as.

So every shipped model can be exported in any form without a second file of weights beside it.
The converter has folded batch normalisation into the convolutions before it: the network that
comes back has biases instead, and computes the same.
"""

from typing import Any

import keras
import numpy as np
from ai_edge_litert.tools import flatbuffer_utils as schema
from keras import layers

from core.errors import ModelError
from core.types import FloatArray

_WEIGHTED = layers.Conv2D | layers.DepthwiseConv2D | layers.Dense
_DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT8: np.int8,
}


def with_litert_weights(network: keras.Model, model: bytes) -> keras.Model:
    """`network`, its normalisation folded away, with kernels and biases of the LiteRT `model`.

    Weights of 8-bit integers come back as the floats that they stand for.

    Raises:
        ModelError: if the file's layers are other ones than the network's.
    """
    folded = _fold(network)
    ours, stored = _weighted(folded), _kernels_and_biases(model)
    if len(ours) != len(stored):
        raise ModelError(f"The file has {len(stored)} layers with weights, not {len(ours)}.")
    for layer, (kernel, bias) in zip(ours, stored, strict=True):
        # LiteRT has (o, h, w, i), (1, h, w, c) of depthwise ones, or (o, i).
        axes = (1, 0) if isinstance(layer, layers.Dense) else (1, 2, 3, 0)
        shape = tuple(layer.kernel.shape)
        if kernel.ndim != len(axes) or kernel.transpose(axes).shape != shape:
            raise ModelError(f"The file has a kernel of {kernel.shape} where Keras has {shape}.")
        layer.set_weights([kernel.transpose(axes), bias])
    return folded


def _fold(network: keras.Model) -> keras.Model:
    """The same layers with biases and without normalisation, in a backbone, too."""

    def folded(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if isinstance(layer, layers.BatchNormalization):
            return layers.Identity(name=layer.name)
        if isinstance(layer, _WEIGHTED):
            config["use_bias"] = True
        return type(layer).from_config(config)

    def without_mask(layer: layers.Layer, *args: Any, **_: Any) -> Any:
        return layer(*args)  # normalisation took a mask

    return keras.models.clone_model(
        network, clone_function=folded, call_function=without_mask, recursive=True
    )


def _weighted(network: keras.Model) -> list[layers.Layer]:
    """Layers with weights, from the output back, each after those it depends on.

    Both sides are walked in this order: that of computation is another in Keras than in LiteRT
    where there are branches.
    """
    found: dict[layers.Layer, None] = {}  # an ordered set

    def visit(tensor: Any) -> None:
        layer, node, _ = tensor._keras_history
        if layer in found:
            return
        for one in layer._inbound_nodes[node].input_tensors:
            visit(one)
        if isinstance(layer, keras.Model):  # a backbone
            visit(layer.outputs[0])
        found[layer] = None

    visit(network.outputs[0])
    return [layer for layer in found if isinstance(layer, _WEIGHTED)]


def _kernels_and_biases(model: bytes) -> list[tuple[FloatArray, FloatArray]]:
    """Of each convolution and dense layer of a LiteRT model, in the order of `_weighted`."""
    content = schema.read_model_from_bytearray(bytearray(model))
    (graph,) = content.subgraphs
    codes = schema.BuiltinOperator
    weighted = (codes.CONV_2D, codes.DEPTHWISE_CONV_2D, codes.FULLY_CONNECTED)
    makers = {made: operator for operator in graph.operators for made in operator.outputs}
    found: dict[int, tuple[FloatArray, FloatArray]] = {}  # by the tensor that the layer makes

    def constant(index: int) -> FloatArray:
        if index in makers:  # 16-bit floats are turned into 32 bits by an operator of their own
            (index,) = makers[index].inputs
        tensor = graph.tensors[index]
        data = content.buffers[tensor.buffer].data
        return _floats(data.view(_DTYPES[tensor.type]).reshape(tensor.shape), tensor.quantization)

    visited = set()

    def visit(index: int) -> None:
        if index in visited or index not in makers:
            return
        visited.add(index)
        operator = makers[index]
        for one in operator.inputs:
            visit(one)
        if content.operatorCodes[operator.opcodeIndex].builtinCode in weighted:
            found[index] = constant(operator.inputs[1]), constant(operator.inputs[2])

    visit(graph.outputs[0])
    return list(found.values())


def _floats(stored: np.ndarray, quantisation: schema.QuantizationParametersT | None) -> FloatArray:
    """The numbers that stored ones stand for: themselves, or (q - zero point) * scale."""
    if quantisation is None or quantisation.scale is None:
        return stored.astype(np.float32)
    per_channel = [1] * stored.ndim
    per_channel[quantisation.quantizedDimension] = -1
    scale = np.asarray(quantisation.scale, np.float32).reshape(per_channel)
    zero = np.asarray(quantisation.zeroPoint, np.float32).reshape(per_channel)
    return (stored - zero) * scale
