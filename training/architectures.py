"""Networks for expression recognition, in Keras 3 with no backend of its own.

Each builder takes the number of classes and the input shape and returns an uncompiled
`keras.Model` whose output is *logits*: softmax, temperature and threshold belong to the
calibration that is stored in the model card, not to the network.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from training.layers import BatchNorm

Tensor = Any  # a keras.KerasTensor; Keras ships no types


def squeeze_excite(features: Tensor, ratio: int = 8) -> Tensor:
    """Channel attention (Hu et al. 2018, arXiv 1709.01507); same shape out as in."""
    n_channels = features.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(features)
    gate = layers.Conv2D(max(n_channels // ratio, 8), 1, activation="relu")(gate)
    gate = layers.Conv2D(n_channels, 1, activation="sigmoid")(gate)
    return layers.Multiply()([features, gate])


def conv_bn(features: Tensor, width: int, stride: int = 1, kernel: int = 3) -> Tensor:
    """Convolution without bias, then batch normalisation."""
    features = layers.Conv2D(
        width,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(features)
    return BatchNorm(momentum=0.9, epsilon=1e-5)(features)


def residual_block(features: Tensor, width: int, stride: int) -> Tensor:
    """Two 3x3 convolutions with squeeze-excitation, and a shortcut past both.

    Where shapes differ the shortcut is average-pooled, then convolved 1x1: that keeps
    the three quarters of the pixels that a strided shortcut throws away (He et
    al. 2019, arXiv 1812.01187, "ResNet-D").
    """
    shortcut = features
    if stride > 1:
        shortcut = layers.AveragePooling2D(stride)(shortcut)
    if features.shape[-1] != width:
        shortcut = conv_bn(shortcut, width, kernel=1)
    out = layers.Activation("relu")(conv_bn(features, width, stride))
    out = squeeze_excite(conv_bn(out, width))
    return layers.Activation("relu")(layers.Add()([out, shortcut]))


def se_resnet(
    n_classes: int,
    input_shape: tuple[int, int, int],
    *,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    depths: tuple[int, ...] = (1, 2, 2, 2),
    dropout: float = 0.4,
) -> keras.Model:
    """Residual squeeze-excite network for small grey faces; 2.8 M parameters as given."""
    inputs = keras.Input(input_shape, name="face")
    features = layers.Activation("relu")(conv_bn(inputs, widths[0]))
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            features = residual_block(features, width, stride)
    features = layers.GlobalAveragePooling2D()(features)
    features = layers.Dropout(dropout)(features)
    logits = layers.Dense(n_classes, dtype="float32", name="logits")(features)
    return keras.Model(inputs, logits, name="se_resnet")


ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {"se_resnet": se_resnet}
