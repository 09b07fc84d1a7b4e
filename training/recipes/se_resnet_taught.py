"""The residual squeeze-excite network once more: taught by one that has seen millions of faces."""

from dataclasses import replace

from training.recipes.facenet import RECIPE as TEACHER
from training.recipes.se_resnet_long import RECIPE as BEFORE

RECIPE = replace(
    BEFORE,
    name="se_resnet_taught",
    title="Residual squeeze-excite network, taught by one that was pretrained on faces",
    start_from="se_resnet_long",
    pretraining=f"Nothing itself; but of its teacher: {TEACHER.pretraining}",
    teachers=("facenet",),  # its answer to the same augmented face
    teacher_share=0.8,  # of the loss: it is right more often than the noisy labels' 65 %
    teacher_temperature=2.0,  # softens both sides
    epochs=11,
    learning_rate=0.03,
    seed=2,  # other batches than before
)
