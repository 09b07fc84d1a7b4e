"""ImageNet backbones of Keras with a head of our own: VGG16, MobileNetV2, ResNet50.

The backbone sees the grey face enlarged, three times over, in the scaling it was trained with.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from core.pictures.face_input import FaceInput
from training.architectures.inception_resnet import inception_resnet_v1
from training.architectures.layers import BatchNorm, Tensor

BACKBONES = {
    "vgg16": keras.applications.VGG16,
    "mobilenet_v2": keras.applications.MobileNetV2,
    "resnet50": keras.applications.ResNet50,
    "inception_resnet_v1": inception_resnet_v1,
}
# value = grey / 255 * scale + offset per channel, as each backbone's weights want it.
_TORCHVISION = (
    (1 / 0.229, 1 / 0.224, 1 / 0.225),
    (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
_SYMMETRIC = ((2.0, 2.0, 2.0), (-1.0, -1.0, -1.0))
_CAFFE = ((255.0, 255.0, 255.0), (-103.939, -116.779, -123.68))
# FaceNet standardises each image; these are mean and deviation of FER-2013's grey levels.
_STANDARDISED = ((3.92, 3.92, 3.92), (-1.99, -1.99, -1.99))
_SCALINGS = {
    "vgg16": _TORCHVISION,
    "mobilenet_v2": _SYMMETRIC,
    "resnet50": _CAFFE,
    "inception_resnet_v1": _STANDARDISED,
}


def transfer(
    n_classes: int,
    input_shape: tuple[int, int, int],
    *,
    backbone: str,
    weights: str | None = None,
    side_px: int = 96,
    head_units: int = 256,
    dropout: float = 0.5,
) -> keras.Model:
    """`backbone` on the face enlarged to `side_px`, then a dense layer, dropout and logits.

    The face is (S, S, 1), normalised as `FaceInput` does; `weights` is the file of the backbone's
    without top, "imagenet" to download them, None for none.
    """
    inputs = keras.Input(input_shape, name="face")
    enlarged = layers.Resizing(side_px, side_px, interpolation="bilinear")(inputs)
    scaled = ToBackbone(*_SCALINGS[backbone])(enlarged)
    base: Any = BACKBONES[backbone](
        include_top=False, weights=weights, input_shape=(side_px, side_px, 3)
    )
    base = _with_our_normalisation(base)
    if weights is None:
        _begin_as_identity(base)
    base.name = "backbone"
    features: Tensor = layers.GlobalAveragePooling2D()(base(scaled))
    features = layers.Dense(head_units, activation="relu")(features)
    features = layers.Dropout(dropout)(features)
    logits = layers.Dense(n_classes, dtype="float32", name="logits")(features)
    return keras.Model(inputs, logits, name=f"transfer_{backbone}")


def _with_our_normalisation(base: Any) -> Any:
    """The same network and weights, its batch normalisation trained faster in both senses.

    It is the fused one where there is one. And its statistics keep up with a short fine-tuning:
    MobileNetV2 comes with a momentum of 0.999, which still remembers ImageNet two epochs of
    FER-2013 later (55 % right in training mode were 44 % with the statistics).
    """

    def ours(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, layers.BatchNormalization):
            return BatchNorm.from_config({**config, "momentum": 0.9})
        return layer.__class__.from_config(config)

    clone = keras.models.clone_model(base, clone_function=ours)
    clone.set_weights(base.get_weights())
    return clone


def _begin_as_identity(base: Any) -> None:
    """Let every residual block of an untrained ResNet pass its input on unchanged at first.

    The last scale of each block starts at 0 (Goyal et al. 2017, arXiv 1706.02677, section 5.1),
    so that a deep network without pretrained weights begins as a shallow one.
    """
    for layer in base.layers:
        if layer.name.endswith("_3_bn"):
            layer.gamma.assign(ops.zeros_like(layer.gamma))


@keras.saving.register_keras_serializable("mien")
class ToBackbone(keras.layers.Layer):
    """Normalised grey (b, s, s, 1) to the three channels and the scaling of a backbone."""

    def __init__(self, scale: tuple[float, ...], offset: tuple[float, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = tuple(scale), tuple(offset)

    def call(self, faces: Tensor) -> Tensor:
        """Undo `FaceInput`, then scale as the backbone wants it."""
        spec = FaceInput()
        grey = (faces - spec.offset) / (spec.scale * 255)
        scale = ops.cast(ops.array(self.scale), faces.dtype)
        offset = ops.cast(ops.array(self.offset), faces.dtype)
        return grey * scale + offset

    def as_convolution(self) -> list[NDArray[np.float32]]:
        """Kernel (1, 1, 1, 3) and bias (3,) of the convolution that does the same."""
        spec = FaceInput()
        gain = np.array(self.scale, np.float32) / (spec.scale * 255)
        return [gain.reshape(1, 1, 1, -1), np.array(self.offset, np.float32) - spec.offset * gain]

    def get_config(self) -> dict[str, Any]:
        """What a saved model needs to make this layer again."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
