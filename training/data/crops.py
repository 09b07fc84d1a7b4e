"""What the study reads: crops of FER-2013 with labels, without Keras."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.measures.datasets import load_labelled


@dataclass(frozen=True, eq=False)
class Crops:
    """Labelled crops: `images` uint8 (n, 48, 48), `labels` int64 (n,) in 0..6."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load_fer(path: Path, split: str, *, limit: int | None = None) -> Crops:
    """One split in random order (seed 0), so that any first part of it is a fair sample.

    Files are often sorted by label; with `limit` only the first so many are kept.

    Raises:
        DatasetError: if the file is no such set.
    """
    labelled = load_labelled(path, split=split)
    images = np.stack([_grey(encoded) for encoded in labelled.encoded()])
    chosen = np.random.default_rng(0).permutation(len(images))[:limit]
    return Crops(images[chosen], labelled.labels[chosen])


def _grey(encoded: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError("an image of the set cannot be decoded")
    return np.asarray(image, np.uint8)
