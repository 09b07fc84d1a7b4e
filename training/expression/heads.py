"""Two heads on one trunk: FER-2013's own label of a face, and what people say of it.

FER-2013's labels are the words that its images were searched by; ten taggers agree with them in
two thirds of the images. So each gets its own output. An image that has no label of one kind
(RAF-DB has none of FER-2013's; a few images have no votes) leaves that head alone: its target is
a row of zeros.
"""

from dataclasses import replace
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.errors import DatasetError
from core.expression.classify import softmax
from core.measures.accuracy import measure
from core.measures.people import measure_people
from core.types import FloatArray
from training.architectures.layers import Tensor
from training.data.batches import MixedBatches, Part
from training.data.fer2013 import Faces
from training.recipes.base import Recipe

N_LABELS: Final = len(EMOTIONS)
N_PEOPLE: Final = N_LABELS + 1  # "none of these" is the last outcome
_NONE_BIAS: Final = -2.0  # of the new outcome's logit at the start: one image in ten


def n_outputs(recipe: Recipe) -> int:
    """Length of the network's output for one face."""
    return N_LABELS + N_PEOPLE if recipe.people_head else N_LABELS


def widened(network: keras.Model, narrow: keras.Model) -> None:
    """Give `network`, which has both heads, the weights of `narrow`, which has labels alone.

    The people's head begins as a copy of the other.
    """
    for layer, trained in zip(network.layers[:-1], narrow.layers[:-1], strict=True):
        layer.set_weights(trained.get_weights())
    kernel, bias = narrow.layers[-1].get_weights()
    kernels = [kernel, kernel, np.zeros_like(kernel[:, :1])]
    biases = [bias, bias, np.full(1, _NONE_BIAS, bias.dtype)]
    network.layers[-1].set_weights([np.concatenate(kernels, 1), np.concatenate(biases)])


def targets(
    faces: Faces, *, labelled: bool, smoothing: float, taught: FloatArray | None = None
) -> NDArray[np.float32]:
    """Both heads' targets, (n, 15); `smoothing` of a label's target is spread over all seven.

    Where teachers spoke, that share goes by what they said instead: `taught` (n, 7).
    """
    one_hot = np.eye(N_LABELS, dtype=np.float32)[faces.labels]
    others = np.float32(1 / N_LABELS) if taught is None else taught
    smooth = (1 - smoothing) * one_hot + np.float32(smoothing) * others
    votes = faces.votes if faces.votes is not None else np.zeros((len(faces), N_PEOPLE))
    if not labelled:  # one label stands for forty people, who were not of one mind
        spread = np.append(np.full(N_LABELS, smoothing / N_LABELS), 0)
        votes = (1 - smoothing) * votes + spread
    return np.concatenate([smooth if labelled else 0 * one_hot, votes], axis=1).astype(np.float32)


class TwoHeadLoss(keras.losses.Loss):
    """Sum of both heads' cross-entropies; a row of zeros switches a head off for a face."""

    def __init__(self) -> None:
        super().__init__(name="two_heads")

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss per face, of targets (b, 15) and logits (b, 15)."""
        logits = ops.cast(y_pred, "float32")
        heads = (slice(0, N_LABELS), slice(N_LABELS, N_LABELS + N_PEOPLE))
        parts = [-ops.sum(y_true[:, h] * ops.log_softmax(logits[:, h]), axis=-1) for h in heads]
        return parts[0] + parts[1]


def people_agreement(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Share of the faces whose most frequent vote gets the people head's highest logit."""
    return keras.metrics.categorical_accuracy(y_true[:, N_LABELS:], y_pred[:, N_LABELS:])


def validation_row(logits: FloatArray, faces: Faces) -> dict[str, float]:
    """What the curves say of both heads' logits (n, 15) on the validation split."""
    if faces.votes is None:
        raise DatasetError("What people say cannot be validated: FER+'s votes are missing.")
    said = softmax(logits[:, N_LABELS : 2 * N_LABELS].astype(np.float32))
    people = measure_people(faces.votes, said)
    labels = measure(faces.labels, softmax(logits[:, :N_LABELS].astype(np.float32)))
    return {
        "val_accuracy": labels.accuracy,
        "val_people": people.clear_agreement,
        "val_people_balanced": people.clear_balanced,
        "val_share_error": people.share_error,
    }


def drawing_weights(
    faces: Faces, *, labelled: bool, balance_power: float, people_power: float
) -> Any:
    """How often each face is drawn, relative to the mean: (n,).

    Labels, where they count, are drawn by count ** `balance_power`, as in `BalancedBatches`, and
    faces by (share of their vote in the set) ** -`people_power`, averaged over their votes: few
    majorities are disgust or fear.
    """
    assert faces.votes is not None
    counts = np.bincount(faces.labels, minlength=N_LABELS)
    of_label = np.maximum(counts, 1) ** (balance_power - 1.0) if labelled else np.ones(N_LABELS)
    prior = np.maximum(faces.votes.mean(axis=0)[:N_LABELS], 1e-6)
    factors = np.append((prior / prior.sum()) ** -people_power, 1.0)
    voted = faces.votes @ factors + (faces.votes.sum(axis=1) == 0)
    weights = of_label[faces.labels] * voted
    return np.asarray(weights / weights.mean(), np.float64)


def two_head_batches(
    recipe: Recipe, faces: Faces, photos: Faces | None, taught: FloatArray | None = None
) -> MixedBatches:
    """Batches of FER-2013's faces, and of photos where the recipe names a set of them.

    Faces without votes teach the label head alone; `taught` (n, 7) is what teachers say of the
    faces, which counts by the recipe's `teacher_share`.
    """
    if faces.votes is None:
        faces = replace(faces, votes=np.zeros((len(faces), N_PEOPLE), np.float32))
    smooth = recipe.label_smoothing
    counts = smooth if taught is None else recipe.teacher_share
    sets = [(faces, True, 1 - recipe.photo_share if photos else 1.0, counts, taught)]
    if photos:
        sets.append((photos, False, recipe.photo_share, smooth, None))
    parts = [
        Part(
            part.images,
            targets(part, labelled=labelled, smoothing=smoothing, taught=said),
            drawing_weights(
                part,
                labelled=labelled,
                balance_power=recipe.balance_power,
                people_power=recipe.people_power,
            ),
            share,
        )
        for part, labelled, share, smoothing, said in sets
    ]
    n_per_epoch = recipe.n_per_epoch or len(faces)
    return MixedBatches(parts, recipe.batch_size, n_per_epoch, recipe.seed)
