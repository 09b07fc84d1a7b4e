"""A recipe's network, and what one pass through a network costs."""

from pathlib import Path

import keras
import numpy as np

from core.pictures.face_input import FaceInput
from training.architectures import ARCHITECTURES
from training.expression.heads import n_outputs
from training.recipes.base import Recipe


def build_network(
    recipe: Recipe, face_input: FaceInput, weights_dir: Path | None = None
) -> keras.Model:
    """The recipe's network: normalised faces (b, S, S, C) in, logits (b, 7 or 15) out.

    Without `weights_dir`, the folder of pretrained backbones, a backbone stays untrained, for
    weights that are loaded afterwards.
    """
    builder = ARCHITECTURES[recipe.architecture]
    shape = (face_input.size_px, face_input.size_px, face_input.channels)
    options = dict(recipe.architecture_options)
    if recipe.backbone_weights is not None:
        pretrained = weights_dir and str(weights_dir / recipe.backbone_weights)
        options["weights"] = pretrained
    return builder(n_outputs(recipe), shape, **options)


def count_macs(network: keras.Model) -> int:
    """Multiply-accumulates of one forward pass, over convolutions and dense layers."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.Model):  # a backbone
            total += count_macs(layer)
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            n_outputs = int(np.prod(layer.output.shape[1:-1]))
            n_weights = int(np.prod(layer.kernel.shape))
            total += n_outputs * n_weights
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
    return total
