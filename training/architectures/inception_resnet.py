"""Inception-ResNet v1 as FaceNet has it, for weights that were trained to tell people apart.

Szegedy et al. 2016, arXiv 1602.07261 (figures 10 to 15, with the reduced stem of FaceNet's
public implementation). Layers bear the names that its Keras weights are stored under.
"""

from typing import Any

import h5py
import keras
from keras import layers

from training.architectures.layers import Tensor

_LAST_WIDTH = 1792


def inception_resnet_v1(
    *, include_top: bool, weights: str | None, input_shape: tuple[int, int, int]
) -> keras.Model:
    """The network up to its last features, as `keras.applications` would build it.

    Args:
        include_top: must be False; the embedding has no use here.
        weights: file `facenet_keras.h5` (docs/guides/train.md says where from), None for none.
        input_shape: (S, S, 3), standardised images, S at least 80.

    Returns:
        Model of images (b, S, S, 3) to features (b, s, s, 1792).

    Raises:
        ValueError: if the embedding is asked for, or a layer is missing in the file.
    """
    if include_top:
        raise ValueError("inception_resnet_v1 has no top")
    images = keras.Input(input_shape)
    features = _stem(images)
    for index in range(1, 6):
        features = _block35(features, f"Block35_{index}")
    features = _mixed_6a(features)
    for index in range(1, 11):
        features = _block17(features, f"Block17_{index}")
    features = _mixed_7a(features)
    for index in range(1, 7):
        features = _block8(features, f"Block8_{index}", last=index == 6)
    model = keras.Model(images, features, name="inception_resnet_v1")
    if weights is not None:
        _load(model, weights)
    return model


def _conv(
    features: Tensor,
    name: str,
    width: int,
    kernel: int | tuple[int, int] = 1,
    *,
    stride: int = 1,
    padding: str = "same",
) -> Tensor:
    features = layers.Conv2D(
        width, kernel, strides=stride, padding=padding, use_bias=False, name=name
    )(features)
    features = layers.BatchNormalization(scale=False, epsilon=1e-3, name=f"{name}_BatchNorm")(
        features
    )
    return layers.Activation("relu")(features)


def _pool(features: Tensor) -> Tensor:
    return layers.MaxPooling2D(3, strides=2)(features)


def _stem(images: Tensor) -> Tensor:
    features = _conv(images, "Conv2d_1a_3x3", 32, 3, stride=2, padding="valid")
    features = _conv(features, "Conv2d_2a_3x3", 32, 3, padding="valid")
    features = _conv(features, "Conv2d_2b_3x3", 64, 3)
    features = _conv(_pool(features), "Conv2d_3b_1x1", 80, padding="valid")
    features = _conv(features, "Conv2d_4a_3x3", 192, 3, padding="valid")
    return _conv(features, "Conv2d_4b_3x3", 256, 3, stride=2, padding="valid")


def _residual(
    features: Tensor, branches: list[Tensor], name: str, scale: float, *, last: bool = False
) -> Tensor:
    """Branches back to the width of `features`, scaled down and added to them."""
    width = features.shape[-1]
    added = layers.Conv2D(width, 1, name=f"{name}_Conv2d_1x1")(layers.Concatenate()(branches))
    if scale != 1:
        added = layers.Rescaling(scale)(added)
    total = layers.Add()([features, added])
    return total if last else layers.Activation("relu")(total)


def _block35(features: Tensor, name: str) -> Tensor:
    first = _conv(features, f"{name}_Branch_0_Conv2d_1x1", 32)
    second = _conv(features, f"{name}_Branch_1_Conv2d_0a_1x1", 32)
    second = _conv(second, f"{name}_Branch_1_Conv2d_0b_3x3", 32, 3)
    third = _conv(features, f"{name}_Branch_2_Conv2d_0a_1x1", 32)
    third = _conv(third, f"{name}_Branch_2_Conv2d_0b_3x3", 32, 3)
    third = _conv(third, f"{name}_Branch_2_Conv2d_0c_3x3", 32, 3)
    return _residual(features, [first, second, third], name, 0.17)


def _block17(features: Tensor, name: str) -> Tensor:
    first = _conv(features, f"{name}_Branch_0_Conv2d_1x1", 128)
    second = _conv(features, f"{name}_Branch_1_Conv2d_0a_1x1", 128)
    second = _conv(second, f"{name}_Branch_1_Conv2d_0b_1x7", 128, (1, 7))
    second = _conv(second, f"{name}_Branch_1_Conv2d_0c_7x1", 128, (7, 1))
    return _residual(features, [first, second], name, 0.1)


def _block8(features: Tensor, name: str, *, last: bool) -> Tensor:
    first = _conv(features, f"{name}_Branch_0_Conv2d_1x1", 192)
    second = _conv(features, f"{name}_Branch_1_Conv2d_0a_1x1", 192)
    second = _conv(second, f"{name}_Branch_1_Conv2d_0b_1x3", 192, (1, 3))
    second = _conv(second, f"{name}_Branch_1_Conv2d_0c_3x1", 192, (3, 1))
    return _residual(features, [first, second], name, 1.0 if last else 0.2, last=last)


def _mixed_6a(features: Tensor) -> Tensor:
    name = "Mixed_6a_Branch"
    first = _conv(features, f"{name}_0_Conv2d_1a_3x3", 384, 3, stride=2, padding="valid")
    second = _conv(features, f"{name}_1_Conv2d_0a_1x1", 192)
    second = _conv(second, f"{name}_1_Conv2d_0b_3x3", 192, 3)
    second = _conv(second, f"{name}_1_Conv2d_1a_3x3", 256, 3, stride=2, padding="valid")
    return layers.Concatenate()([first, second, _pool(features)])


def _mixed_7a(features: Tensor) -> Tensor:
    name = "Mixed_7a_Branch"
    first = _conv(features, f"{name}_0_Conv2d_0a_1x1", 256)
    first = _conv(first, f"{name}_0_Conv2d_1a_3x3", 384, 3, stride=2, padding="valid")
    second = _conv(features, f"{name}_1_Conv2d_0a_1x1", 256)
    second = _conv(second, f"{name}_1_Conv2d_1a_3x3", 256, 3, stride=2, padding="valid")
    third = _conv(features, f"{name}_2_Conv2d_0a_1x1", 256)
    third = _conv(third, f"{name}_2_Conv2d_0b_3x3", 256, 3)
    third = _conv(third, f"{name}_2_Conv2d_1a_3x3", 256, 3, stride=2, padding="valid")
    merged: Tensor = layers.Concatenate()([first, second, third, _pool(features)])
    assert merged.shape[-1] == _LAST_WIDTH
    return merged


def _load(model: Any, file: str) -> None:
    """Weights by layer name, from Keras 2's form, which Keras 3 cannot read as a model."""
    with h5py.File(file) as stored:
        groups = stored["model_weights"]
        for layer in model.layers:
            if not layer.weights:
                continue
            if layer.name not in groups:
                raise ValueError(f"{file} has no layer {layer.name}")
            names = groups[layer.name].attrs["weight_names"]
            layer.set_weights([groups[layer.name][name][()] for name in names])
