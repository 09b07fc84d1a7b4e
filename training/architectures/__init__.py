"""Networks for expression recognition, in Keras 3 with no backend of its own.

Each builder takes the number of classes and the input shape and returns an uncompiled
`keras.Model` whose output is *logits*: softmax, temperature and threshold belong to the
calibration that is stored in the model card, not to the network.
"""

from collections.abc import Callable

import keras

from training.architectures.convnext import convnext
from training.architectures.se_resnet import se_resnet
from training.architectures.separable import separable
from training.architectures.transfer import transfer
from training.architectures.vgg import vgg

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    "convnext": convnext,
    "se_resnet": se_resnet,
    "separable": separable,
    "transfer": transfer,
    "vgg": vgg,
}
