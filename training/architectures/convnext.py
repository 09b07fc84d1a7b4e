"""A small ConvNeXt (Liu et al. 2022, arXiv 2201.03545): large depthwise kernels, GELU."""

import keras
from keras import layers

from training.architectures.blocks import classifier_head
from training.architectures.layers import Tensor


def convnext_block(features: Tensor, expansion: int = 4) -> Tensor:
    """7x7 depthwise, normalisation, 1x1 up, GELU, 1x1 down, shortcut."""
    width = features.shape[-1]
    out = layers.DepthwiseConv2D(7, padding="same")(features)
    out = layers.LayerNormalization(epsilon=1e-6)(out)
    out = layers.Conv2D(width * expansion, 1, activation="gelu")(out)
    # Near-zero start of the last layer stands for the paper's layer scale.
    small = keras.initializers.TruncatedNormal(stddev=0.002)
    out = layers.Conv2D(width, 1, kernel_initializer=small)(out)
    return layers.Add()([features, out])


def convnext(
    n_classes: int,
    input_shape: tuple[int, int, int],
    *,
    widths: tuple[int, ...] = (64, 128, 256),
    depths: tuple[int, ...] = (2, 4, 2),
    dropout: float = 0.3,
) -> keras.Model:
    """2x2 patches, then stages of blocks, each at half the last one's size."""
    inputs = keras.Input(input_shape, name="face")
    features = inputs
    for width, depth in zip(widths, depths, strict=True):
        features = layers.Conv2D(width, 2, strides=2)(features)
        features = layers.LayerNormalization(epsilon=1e-6)(features)
        for _ in range(depth):
            features = convnext_block(features)
    features = layers.LayerNormalization(epsilon=1e-6)(features)
    return keras.Model(inputs, classifier_head(features, n_classes, dropout), name="convnext")
