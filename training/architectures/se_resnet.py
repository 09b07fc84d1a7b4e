"""Residual network with squeeze-excitation, for small grey faces."""

import keras
from keras import layers

from training.architectures.blocks import (
    classifier_head,
    conv_bn,
    squeeze_excite,
    stem_and_stages,
)
from training.architectures.layers import Tensor


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
    """`stem_and_stages` of residual blocks, and the head.

    `widths` are the channels and `depths` the blocks of each stage; all stages but the first
    begin with half the side.

    Examples:
        >>> small = se_resnet(7, (48, 48, 1), widths=(8, 16), depths=(1, 1))
        >>> small.output_shape
        (None, 7)
    """
    inputs, features = stem_and_stages(input_shape, widths, depths, residual_block)
    return keras.Model(inputs, classifier_head(features, n_classes, dropout), name="se_resnet")
