"""Distillation: a student learns from labels and from what its teachers say.

Hinton et al. 2015, arXiv 1503.02531. Teachers see the same augmented faces as the student, so
that their answer belongs to what the student is shown.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.expression.classify import softmax
from core.pictures.face_input import FaceInput
from core.types import FloatArray
from training.architectures.layers import Tensor
from training.expression.network import build_network
from training.recipes.base import Recipe, as_folder
from training.recipes.catalogue import load_recipe

_N = len(EMOTIONS)


def load_teachers(recipe: Recipe, face_input: FaceInput, runs: Path) -> list[keras.Model]:
    """The networks that `recipe.teachers` names, with the best weights of their runs, frozen.

    Raises:
        FileNotFoundError: if `<runs>/<teacher>/best.weights.h5` is missing; the message names it.
    """
    teachers = []
    for name in recipe.teachers:
        weights = runs / as_folder(name) / "best.weights.h5"
        if not weights.exists():
            raise FileNotFoundError(f"teacher {name} has no weights yet: run `mien train {name}`")
        teacher = build_network(load_recipe(name), face_input)
        teacher.load_weights(weights)
        teacher.trainable = False
        teacher.name = f"teacher_{as_folder(name)}"
        teachers.append(teacher)
    return teachers


def with_teachers(faces: Tensor, student: Tensor, teachers: Sequence[keras.Model]) -> Tensor:
    """Student's logits and the teachers' mean log-probabilities, (b, 14)."""
    spoken = [
        ops.log_softmax(ops.cast(teacher(faces, training=False), "float32"))
        for teacher in teachers
    ]
    mean = sum(spoken[1:], spoken[0]) / len(spoken)
    return ops.concatenate([ops.cast(student, "float32"), ops.stop_gradient(mean)], axis=-1)


def said_by(
    teachers: Sequence[keras.Model], images: NDArray[np.uint8], face_input: FaceInput
) -> FloatArray:
    """The teachers' mean probabilities (n, 7) of unchanged faces (n, S, S), mirrored ones, too.

    A fixed target costs nothing a step; two teachers beside a student cost half of its time.
    """
    faces = face_input.normalise(images[..., None])
    views = [faces, faces[:, :, ::-1]]
    logits = [
        teacher.predict(view, batch_size=256, verbose=0)[:, :_N]
        for teacher in teachers
        for view in views
    ]
    spoken = np.stack([softmax(one.astype(np.float32)) for one in logits])
    return np.asarray(spoken.mean(axis=0), np.float32)


class DistilLoss(keras.losses.Loss):
    """Cross-entropy to smoothed labels and, by `teacher_share`, to softened teachers.

    Args:
        teacher_share: weight of the teachers' part, 0..1.
        temperature: both sides are divided by it; the part is multiplied by its square, so that
            gradients keep their size (section 2 of the paper).
        label_smoothing: of the labels' part.
    """

    def __init__(
        self, *, teacher_share: float, temperature: float, label_smoothing: float
    ) -> None:
        super().__init__(name="distil")
        self.teacher_share, self.temperature = teacher_share, temperature
        self.label_smoothing = label_smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss per face, of labels (b, 7) and the output of `with_teachers` (b, 14)."""
        student, teacher = y_pred[:, :_N], y_pred[:, _N:]
        from_labels = keras.losses.categorical_crossentropy(
            y_true, student, from_logits=True, label_smoothing=self.label_smoothing
        )
        softened = ops.softmax(teacher / self.temperature)
        from_teachers = -ops.sum(softened * ops.log_softmax(student / self.temperature), axis=-1)
        share = self.teacher_share
        return (1 - share) * from_labels + share * self.temperature**2 * from_teachers


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Share of the faces whose label gets the student's highest logit."""
    return keras.metrics.categorical_accuracy(y_true, y_pred[:, :_N])
