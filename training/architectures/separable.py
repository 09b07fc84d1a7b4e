"""Depthwise-separable network: inverted residuals (Sandler et al. 2018, arXiv 1801.04381)."""

from functools import partial

import keras
from keras import layers

from training.architectures.blocks import (
    classifier_head,
    conv_bn,
    squeeze_excite,
    stem_and_stages,
)
from training.architectures.layers import BatchNorm, Tensor


def inverted_residual(features: Tensor, width: int, stride: int, expansion: int) -> Tensor:
    """1x1 up, 3x3 depthwise, squeeze-excite, 1x1 down; a shortcut where shapes allow."""
    hidden = features.shape[-1] * expansion
    out = layers.Activation("relu")(conv_bn(features, hidden, kernel=1))
    out = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(out)
    out = layers.Activation("relu")(BatchNorm(momentum=0.9, epsilon=1e-5)(out))
    out = conv_bn(squeeze_excite(out), width, kernel=1)
    if stride == 1 and features.shape[-1] == width:
        return layers.Add()([out, features])
    return out


def separable(
    n_classes: int,
    input_shape: tuple[int, int, int],
    *,
    widths: tuple[int, ...] = (32, 64, 96, 160),
    depths: tuple[int, ...] = (1, 3, 3, 3),
    expansion: int = 4,
    dropout: float = 0.3,
) -> keras.Model:
    """`stem_and_stages` of inverted residuals, a last 1x1 convolution, and the head."""
    block = partial(inverted_residual, expansion=expansion)
    inputs, features = stem_and_stages(input_shape, widths, depths, block)
    features = layers.Activation("relu")(conv_bn(features, 2 * widths[-1], kernel=1))
    return keras.Model(inputs, classifier_head(features, n_classes, dropout), name="separable")
