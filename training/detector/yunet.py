"""YuNet's published weights (ONNX, OpenCV Zoo) as the LiteRT file that is served.

    python -m training.detector.yunet --onnx models/yunet/face_detection_yunet_2023mar.onnx

The same arithmetic on the same numbers, but for three things that cost time: the four heads of a
stride are one, whose cells are read together; confidences stay logits, since only few cells'
are wanted; the picture comes as RGB.
"""

from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import onnx
import typer
from keras import layers, ops
from onnx import numpy_helper

from core.config import ROOT
from core.detection.detectors.grid import STRIDES
from core.detection.detectors.yunet import FILE_NAME
from training.architectures.layers import Tensor
from training.detector.export import to_litert

_HEADS = ("cls", "obj", "bbox", "kps")


class _Graph:
    """The ONNX file: which node makes what, and its weights."""

    def __init__(self, file: Path) -> None:
        graph = onnx.load(file).graph
        self.nodes, self.input_name = list(graph.node), graph.input[0].name
        self.maker = {node.output[0]: node for node in graph.node}
        self.weights = {item.name: numpy_helper.to_array(item) for item in graph.initializer}

    def of_conv(self, node: Any) -> tuple[np.ndarray, np.ndarray]:
        """Kernel (out, in of a group, height, width) and bias."""
        return self.weights[node.input[1]], self.weights[node.input[2]]

    def head(self, name: str) -> tuple[Any, Any]:
        """The two convolutions, pointwise and depthwise, that make this output."""
        node = self.maker[name]
        while node.op_type != "Conv":
            node = self.maker[node.input[0]]
        return self.maker[node.input[0]], node


def _conv(
    features: Tensor, kernel: np.ndarray, bias: np.ndarray, *, stride: int = 1, depthwise: bool
) -> Tensor:
    side = kernel.shape[2]
    # What ONNX pads on both sides Keras would pad on one where it strides.
    if stride > 1:
        features = layers.ZeroPadding2D(side // 2)(features)
    padding = "same" if stride == 1 else "valid"
    if depthwise:
        layer = layers.DepthwiseConv2D(side, strides=stride, padding=padding)
        kernel = kernel.transpose(2, 3, 0, 1)
    else:
        layer = layers.Conv2D(kernel.shape[0], side, strides=stride, padding=padding)
        kernel = kernel.transpose(2, 3, 1, 0)
    convolved = layer(features)
    layer.set_weights([kernel, bias])
    return convolved


def build_network(onnx_file: Path) -> keras.Model:
    """The network with its weights: grey levels RGB in, for each stride a map (h, w, 16) out."""
    graph = _Graph(onnx_file)
    image_rgb = keras.Input((None, None, 3), name="image_rgb")
    heads = {stride: [graph.head(f"{name}_{stride}") for name in _HEADS] for stride in STRIDES}
    in_heads = {node.output[0] for parts in heads.values() for pair in parts for node in pair}
    tensors = {graph.input_name: image_rgb}
    for node in graph.nodes:
        if node.output[0] not in in_heads and node.input[0] in tensors:
            tensors[node.output[0]] = _translated(graph, node, tensors)
    outputs = [_joined_head(graph, parts, tensors) for parts in heads.values()]
    return keras.Model(image_rgb, outputs, name="yunet")


def _translated(graph: _Graph, node: Any, tensors: dict[str, Tensor]) -> Tensor:
    """The node's output; its input is there, for ONNX lists nodes in order."""
    given = tensors[node.input[0]]
    if node.op_type == "Conv":
        attributes = {item.name: item for item in node.attribute}
        kernel, bias = graph.of_conv(node)
        if node.input[0] == graph.input_name:
            kernel = kernel[:, ::-1]  # of BGR
        return _conv(
            given,
            kernel,
            bias,
            stride=attributes["strides"].ints[0],
            depthwise=attributes["group"].i > 1,
        )
    if node.op_type == "Relu":
        return layers.ReLU()(given)
    if node.op_type == "MaxPool":
        return layers.MaxPooling2D(2)(given)
    if node.op_type == "Resize":
        # Each cell four times, without the operations on shapes that UpSampling2D becomes.
        return ops.depth_to_space(ops.concatenate([given] * 4, axis=-1), 2)
    if node.op_type == "Add":
        return layers.Add()([given, tensors[node.input[1]]])
    raise ValueError(f"YuNet was not expected to have a {node.op_type}")


def _joined_head(
    graph: _Graph, parts: list[tuple[Any, Any]], tensors: dict[str, Tensor]
) -> Tensor:
    """One pointwise and one depthwise convolution for the four outputs of a stride."""
    features = tensors[parts[0][0].input[0]]
    for position, depthwise in enumerate((False, True)):
        weights = [graph.of_conv(pair[position]) for pair in parts]
        kernel, bias = (np.concatenate(arrays) for arrays in zip(*weights, strict=True))
        features = _conv(features, kernel, bias, depthwise=depthwise)
    return features


def main(
    published: Annotated[Path, typer.Option("--onnx", help="The published file.")],
    out: Path = ROOT / "models" / "yunet" / FILE_NAME,
) -> None:
    """Write the file that is served."""
    out.write_bytes(to_litert(build_network(published), None))


if __name__ == "__main__":
    typer.run(main)
