"""The residual squeeze-excite network again: its last cosine, under an ensemble of three."""

from dataclasses import replace

from training.recipes.facenet import RECIPE as FACENET
from training.recipes.se_resnet_long import RECIPE as BEFORE

RECIPE = replace(
    BEFORE,
    name="se_resnet_taught",
    title="Residual squeeze-excite network, from scratch, at last taught by an ensemble",
    start_from="se_resnet_long",  # its best weights
    pretraining="This network itself began from nothing; its teacher `facenet` did not. "
    + FACENET.pretraining,
    teachers=("facenet", "se_resnet_long", "se_resnet"),  # the mean of what they say
    teacher_share=0.8,  # of the loss: they are right more often than the noisy labels
    teacher_temperature=2.0,  # softens both sides
    epochs=8,
    learning_rate=0.02,  # below the last peak: nothing is to be unlearnt
    seed=2,  # other batches than before
)
