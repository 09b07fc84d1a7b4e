"""The residual squeeze-excite network trained on: a second cosine, with blur and noise."""

from dataclasses import replace

from training.recipes.se_resnet import RECIPE as FIRST

RECIPE = replace(
    FIRST,
    name="se_resnet_long",
    title="Residual squeeze-excite network, from scratch, then on blurred and noisy faces too",
    start_from="se_resnet",  # its best weights (warm restarts: Loshchilov 2017, arXiv 1608.03983)
    augment_options={
        **FIRST.augment_options,
        "blur_px": 2.0,  # of the 48: as an unsharp photo, or a face of 12 px that was enlarged
        "blur_share": 0.3,
        "noise": 25.0,  # grey levels: 8 of them left the first cosine 57 % right, 22 left 19 %
        "noise_share": 0.4,
    },
    epochs=20,
    learning_rate=0.03,  # below the first peak: far enough to leave the minimum, and to find back
    warmup_steps=200,
    seed=1,  # other batches than the first cosine's
)
