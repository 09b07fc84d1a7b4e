"""Batches of random pictures."""

import keras
import numpy as np
from numpy.typing import NDArray

from training.detector.looks import random_look
from training.detector.photos import TrainingPhoto, target_rows
from training.detector.views import Rng, ViewOptions, random_picture


class PictureBatches(keras.utils.PyDataset):
    """Pictures float32 (b, side, side, 3), grey levels 0..255, with `target_rows` (b, 64, 16).

    Each photo comes once an epoch. All draws depend on seed, epoch and batch alone, so that a
    resumed training sees what an uninterrupted one would have seen. Made in the training's own
    thread: another one would make it wait for the interpreter at each operation.
    """

    def __init__(
        self,
        photos: list[TrainingPhoto],
        side_px: int,
        batch_size: int,
        options: ViewOptions,
        seed: int,
    ) -> None:
        super().__init__()
        self.photos, self.side_px, self.batch_size = photos, side_px, batch_size
        self.options, self.seed = options, seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for the given epoch (0-based)."""
        self._epoch = epoch
        self._order = np.random.default_rng((self.seed, epoch)).permutation(len(self.photos))

    def __len__(self) -> int:
        return len(self.photos) // self.batch_size

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng((self.seed, self._epoch, index))
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        pictures = np.empty((len(chosen), self.side_px, self.side_px, 3), np.float32)
        targets = []
        for row, photo_index in enumerate(chosen):
            picture, annotation = random_picture(
                self._draw, self.photos[photo_index], self.side_px, self.options, rng
            )
            pictures[row] = random_look(picture, annotation, rng)
            targets.append(target_rows(annotation))
        return pictures, np.stack(targets)

    def _draw(self, rng: Rng) -> TrainingPhoto:
        return self.photos[rng.integers(len(self.photos))]
