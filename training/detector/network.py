"""The detector's network: three grids of cells, each of which may hold one face.

Anchor-free in the manner of FCOS (Tian et al. 2019, arXiv 1904.01355): a cell says how sure it is
of a face, where its box is and where five points are. Dense 3x3 convolutions of few channels
at high resolution, since they run faster than depthwise ones on the processors we serve on;
depthwise ones where channels are many.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from core.detection.detectors.grid import BOX_UNIT, STRIDES, cell_centres
from training.architectures.blocks import conv_bn
from training.architectures.layers import BatchNorm, Tensor

N_POINTS = 5
# Confidence of an untrained cell: the rarity of faces, so that background does not swamp the
# first steps (Lin et al. 2017, arXiv 1708.02002).
_PRIOR = 0.01


def build_network(
    widths: tuple[int, ...] = (16, 32, 48, 64, 96),
    depths: tuple[int, ...] = (1, 2, 2, 2),
    neck_width: int = 48,
    side_px: int | None = None,
) -> keras.Model:
    """The network in the form it is served: nine maps for a picture of any size.

    Args:
        widths: channels at strides 2, 4, 8, 16 and 32.
        depths: residual convolutions at strides 4, 8, 16 and 32.
        neck_width: channels of the pyramid (Lin et al. 2017, arXiv 1612.03144) and the heads.
        side_px: of square pictures; None for pictures of any size.

    Returns:
        Grey levels 0..255 (b, h, w, 3), sides multiples of 32, to a list: for each of the
        strides 8, 16 and 32 logits (.., 1), boxes (.., 4) and points (.., 10), as
        `core.detection.detectors.grid` reads them.
    """
    images = keras.Input((side_px, side_px, 3), name="grey_levels")
    features = layers.Rescaling(1 / 64, -2.0, dtype="float32")(images)
    features = _relu(conv_bn(features, widths[0], stride=2))
    stages = []
    for width, depth in zip(widths[1:], depths, strict=True):
        features = _relu(conv_bn(features, width, stride=2))
        for _ in range(depth):
            features = _residual(features, width)
        stages.append(features)
    outputs = []
    for level, features in enumerate(_pyramid(stages[1:], neck_width)):
        outputs.extend(_head(features, neck_width, STRIDES[level]))
    return keras.Model(images, outputs, name="mien_face")


def _relu(features: Tensor) -> Tensor:
    return layers.ReLU()(features)


def _residual(features: Tensor, width: int) -> Tensor:
    """Dense where channels are few, depthwise separable where they are many."""
    inner = conv_bn(features, width) if width <= 64 else _separable(features, width)
    return _relu(layers.Add()([features, inner]))


def _separable(features: Tensor, width: int) -> Tensor:
    features = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(features)
    features = BatchNorm(momentum=0.9, epsilon=1e-5)(features)
    return conv_bn(_relu(features), width, kernel=1)


def _pyramid(stages: list[Tensor], width: int) -> list[Tensor]:
    """Coarse features, which see more, are added to fine ones, which see sharper."""
    above: Tensor = None
    merged = []
    for features in reversed(stages):
        lateral = conv_bn(features, width, kernel=1)
        if above is not None:
            up = layers.UpSampling2D(2, interpolation="nearest")(above)
            lateral = layers.Add()([lateral, up])
        above = _relu(lateral)
        merged.append(above)
    return merged[::-1]


def _head(features: Tensor, width: int, stride: int) -> list[Tensor]:
    """Confidence, box and points of every cell; the last layers compute in full precision."""
    features = _relu(layers.Add()([features, conv_bn(features, width)]))
    sure = _relu(_separable(features, width))
    place = _relu(_separable(features, width))
    bias = keras.initializers.Constant(float(np.log(_PRIOR / (1 - _PRIOR))))
    small = keras.initializers.RandomNormal(stddev=0.01)

    def last(inputs: Tensor, n: int, name: str, **options: Any) -> Tensor:
        options = {"kernel_initializer": small, "dtype": "float32", **options}
        return layers.Conv2D(n, 1, name=f"{name}_{stride}", **options)(inputs)

    return [
        last(sure, 1, "logits", bias_initializer=bias),
        last(place, 4, "boxes"),
        last(place, 2 * N_POINTS, "points"),
    ]


def training_model(network: keras.Model, side_px: int) -> keras.Model:
    """The same network for squares of `side_px`, its maps as rows of cells (b, cells, 15)."""
    images = keras.Input((side_px, side_px, 3), name="images")
    maps = network(images)
    levels = []
    for level, stride in enumerate(STRIDES):
        n_cells = (side_px // stride) ** 2
        joined = layers.Concatenate(dtype="float32")(maps[3 * level : 3 * level + 3])
        levels.append(layers.Reshape((n_cells, 5 + 2 * N_POINTS), dtype="float32")(joined))
    return keras.Model(images, layers.Concatenate(axis=1, dtype="float32")(levels))


def decode(rows: Tensor, side_px: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (b, cells), boxes_xyxy (b, cells, 4) and points (b, cells, 5, 2) in pixels.

    The counterpart, in tensors, of `core.detection.detectors.grid.decode_level`.
    """
    centres, strides = (ops.convert_to_tensor(part) for part in all_cells(side_px))
    strides = strides[:, None]
    unit = strides * BOX_UNIT
    middle = centres + rows[..., 1:3] * strides
    half = ops.exp(ops.clip(rows[..., 3:5], -4.0, 4.0)) * unit / 2
    boxes = ops.concatenate([middle - half, middle + half], axis=-1)
    offsets = ops.reshape(rows[..., 5:], (-1, centres.shape[0], N_POINTS, 2))
    points = centres[:, None] + offsets * unit[:, None]
    return rows[..., 0], boxes, points


def all_cells(side_px: int) -> tuple[Any, Any]:
    """Centres (cells, 2) and strides (cells,) of a square's cells, level after level."""
    centres = [cell_centres(side_px // s, side_px // s, s).reshape(-1, 2) for s in STRIDES]
    strides = [np.full(len(c), s, np.float32) for c, s in zip(centres, STRIDES, strict=True)]
    return np.concatenate(centres), np.concatenate(strides)
