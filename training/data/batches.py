"""What a training draws its batches with."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from training.data.fer2013 import Faces


@dataclass(frozen=True, eq=False)
class Part:
    """One set of faces in a mixture."""

    images: NDArray[np.uint8]  # uint8 (n, 48, 48)
    targets: NDArray[np.float32]  # float32 (n, k) of whatever the loss wants
    weights: NDArray[np.float64]  # (n,) how often each face is drawn, relative to the mean
    share: float  # of the faces drawn that are from this part


class MixedBatches(keras.utils.PyDataset):
    """Batches (b, 48, 48, 1) in 0..255 drawn from several parts, with their targets (b, k).

    The parts' shares sum to 1. The order depends on `seed` and the epoch alone, so a resumed
    training sees what an uninterrupted one would have seen.
    """

    def __init__(
        self, parts: Sequence[Part], batch_size: int, n_per_epoch: int, seed: int
    ) -> None:
        super().__init__()
        self.batch_size, self.n_per_epoch, self.seed = batch_size, n_per_epoch, seed
        self._images = np.concatenate([part.images for part in parts])
        self._targets = np.concatenate([part.targets for part in parts])
        self._repeats = np.concatenate(
            [part.weights * part.share * n_per_epoch / len(part.images) for part in parts]
        )
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw and shuffle for the given epoch (0-based).

        Whole repeats for certain and the fraction by chance: expected counts are exact, and
        hardly an image of a large class is missed in an epoch.
        """
        self._epoch = epoch
        rng = np.random.default_rng((self.seed, epoch))
        times = np.floor(self._repeats + rng.random(len(self._repeats))).astype(np.int64)
        self._order = rng.permutation(np.repeat(np.arange(len(times)), times))

    def __len__(self) -> int:
        """Count of full batches, the same in each epoch, so that schedules can be planned."""
        return self.n_per_epoch // self.batch_size

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One batch, wrapping around where chance drew a few images less than usual."""
        positions = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        chosen = self._order[positions % len(self._order)]
        return self._images[chosen].astype(np.float32)[..., None], self._targets[chosen]


class BalancedBatches(MixedBatches):
    """Batches of one set with one-hot labels (b, 7), classes drawn more alike than they occur.

    Classes are drawn with frequency proportional to count ** `balance_power`: 1 leaves the data as
    it is, 0 draws all classes alike. With `mixup_alpha` above 0 each image is mixed with another
    of its batch, the shares drawn from Beta(alpha, alpha) (Zhang et al. 2018, arXiv 1710.09412);
    for `vote_share` see `Faces.targets`.
    """

    def __init__(
        self,
        faces: Faces,
        batch_size: int,
        balance_power: float,
        seed: int,
        *,
        vote_share: float = 0.0,
        mixup_alpha: float = 0.0,
    ) -> None:
        counts = np.bincount(faces.labels, minlength=len(EMOTIONS))
        wanted = counts**balance_power / (counts**balance_power).sum() * len(faces)
        weights = (wanted / np.maximum(counts, 1))[faces.labels]
        part = Part(faces.images, faces.targets(vote_share), weights, 1.0)
        super().__init__([part], batch_size, len(faces), seed)
        self.mixup_alpha = mixup_alpha

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        images, targets = super().__getitem__(index)
        if not self.mixup_alpha:
            return images, targets
        rng = np.random.default_rng((self.seed, self._epoch, index))
        alpha = self.mixup_alpha
        share = rng.beta(alpha, alpha, (len(images), 1)).astype(np.float32)
        other = rng.permutation(len(images))
        mixed = share[..., None, None] * images + (1 - share[..., None, None]) * images[other]
        return mixed, share * targets + (1 - share) * targets[other]
