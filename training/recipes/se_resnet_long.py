"""The residual squeeze-excite network trained on: a second cosine, with mixup."""

from dataclasses import replace

from training.recipes.se_resnet import RECIPE as FIRST

RECIPE = replace(
    FIRST,
    name="se_resnet_long",
    title="Residual squeeze-excite network, from scratch, two cosines, the second with mixup",
    start_from="se_resnet",  # its best weights (warm restarts: Loshchilov 2017, arXiv 1608.03983)
    epochs=20,
    learning_rate=0.03,  # below the first peak: far enough to leave the minimum, and to find back
    warmup_steps=200,
    mixup_alpha=0.2,  # pairs of faces mixed (Zhang et al. 2018, arXiv 1710.09412)
    seed=1,  # other batches than the first cosine's
)
