"""Pieces that several networks share."""

from typing import Any

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


def classifier_head(features: Tensor, n_classes: int, dropout: float) -> Tensor:
    """Global average, dropout, logits in float32."""
    features = layers.GlobalAveragePooling2D()(features)
    features = layers.Dropout(dropout)(features)
    return layers.Dense(n_classes, dtype="float32", name="logits")(features)
