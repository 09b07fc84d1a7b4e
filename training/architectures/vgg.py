"""A VGG-like network (Khaireddin and Chen 2021, arXiv 2105.03588, reach 73.28 % by one)."""

import keras
from keras import layers

from training.architectures.blocks import classifier_head, conv_bn


def vgg(
    n_classes: int,
    input_shape: tuple[int, int, int],
    *,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    convolutions: int = 2,
    dropout: float = 0.5,
) -> keras.Model:
    """Stages of 3x3 convolutions with batch normalisation, each followed by max pooling."""
    inputs = keras.Input(input_shape, name="face")
    features = inputs
    for stage, width in enumerate(widths):
        for _ in range(convolutions):
            features = layers.Activation("relu")(conv_bn(features, width))
        if stage < len(widths) - 1:
            features = layers.MaxPooling2D()(features)
    return keras.Model(inputs, classifier_head(features, n_classes, dropout), name="vgg")
