"""ResNet50's last and lowest cosine, under both of our networks, which are better together."""

from dataclasses import replace

from training.recipes.resnet50_large import RECIPE as BEFORE

RECIPE = replace(
    BEFORE,
    name="resnet50_last",
    start_from="resnet50_large",  # its best weights
    teachers=("se_resnet_long", "se_resnet"),  # the mean of what they say
    epochs=5,
    learning_rate=0.02,  # half of the last peak: nothing is to be unlearnt
    seed=4,  # other batches than before
)
