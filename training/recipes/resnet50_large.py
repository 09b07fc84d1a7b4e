"""ResNet50 on faces half as large again: its last stage sees 3x3 cells instead of 2x2."""

from dataclasses import replace

from training.recipes.resnet50_longer import RECIPE as BEFORE

RECIPE = replace(
    BEFORE,
    name="resnet50_large",
    title="ResNet50, from scratch for want of ImageNet weights, on larger and larger faces under "
    "our own network",
    start_from="resnet50_longer",  # its best weights
    architecture_options={**BEFORE.architecture_options, "side_px": 96},  # nearly twice as slow
    epochs=10,
    learning_rate=0.04,  # a lower peak, for a shorter cosine
    seed=3,  # other batches than before
)
