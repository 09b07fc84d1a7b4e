"""Pieces that several networks share."""

from collections.abc import Callable, Sequence

import keras
from keras import layers

from training.architectures.layers import BatchNorm, Tensor


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


def stem_and_stages(
    input_shape: tuple[int, int, int],
    widths: Sequence[int],
    depths: Sequence[int],
    block: Callable[[Tensor, int, int], Tensor],
) -> tuple[Tensor, Tensor]:
    """A 3x3 convolution, then stages of blocks, each at half the last one's size.

    `widths` are the channels of each stage, the first also those of the convolution; `depths`
    count blocks; `block` makes one of features, width and stride. Returns input and features.
    """
    inputs = keras.Input(input_shape, name="face")
    features = layers.Activation("relu")(conv_bn(inputs, widths[0]))
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for index in range(depth):
            features = block(features, width, 2 if stage > 0 and index == 0 else 1)
    return inputs, features


def classifier_head(features: Tensor, n_classes: int, dropout: float) -> Tensor:
    """Global average, dropout, logits in float32."""
    features = layers.GlobalAveragePooling2D()(features)
    features = layers.Dropout(dropout)(features)
    return layers.Dense(n_classes, dtype="float32", name="logits")(features)
