"""MobileNetV2 fine-tuned on: a second, lower cosine from where the first one ended."""

from dataclasses import replace

from training.recipes.mobilenet_v2 import RECIPE as FIRST

RECIPE = replace(
    FIRST,
    name="mobilenet_v2_long",
    title="MobileNetV2, pretrained on ImageNet, fine-tuned in two cosines",
    start_from="mobilenet_v2",  # its best weights
    backbone_weights=None,  # they are in those
    frozen_epochs=0,  # the head has found its place
    epochs=7,
    learning_rate=0.02,  # below the first peak
    warmup_steps=100,
    seed=1,  # other batches than the first cosine's
)
