"""FER-2013 from any of the forms people have it in, as one `Faces` per split.

Forms: the project's parquet (columns `split, label, image`), Kaggle's `fer2013.csv` (columns
`emotion, pixels, Usage`) and Kaggle's folders (`train/<name>/*.jpg`, `test/<name>/*.jpg`).
Source: Goodfellow et al. 2013, arXiv 1307.0414. PublicTest is our validation split and
PrivateTest our test split; the test split is read by the evaluation command alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from core.emotions import EMOTIONS
from training.data.framing import decode_grey
from training.data.votes import USAGE, Fer2013Error, Split, vote_shares, votes_beside

SIDE_PX = 48
BLANK_STD = 2.0  # grey levels; below this an image shows nothing (14 of 35,887 do)


@dataclass(frozen=True, eq=False)
class Faces:
    """Labelled face crops.

    Attributes:
        images: uint8 (n, 48, 48).
        labels: int64 (n,) in 0..6.
        votes: float32 (n, 8), what share of FER+'s ten taggers (Barsoum et al. 2016, arXiv
            1608.01041) chose each expression, and "none of these" (contempt, unknown, not a
            face) last; rows of zeros where there are none.

    Raises:
        ValueError: for images or labels of another shape.

    Examples:
        >>> votes = np.zeros((2, 8), np.float32)  # none are known of the second face
        >>> votes[0, [3, 6]] = 0.75, 0.25  # of the first three of four say happy, one neutral
        >>> faces = Faces(np.zeros((2, 48, 48), np.uint8), np.array([3, 0]), votes)
        >>> faces.targets(vote_share=0.5)[:, [0, 3, 6]].tolist()
        [[0.0, 0.875, 0.125], [1.0, 0.0, 0.0]]
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.shape[1:] != (SIDE_PX, SIDE_PX):
            raise ValueError(f"images must have shape (n, 48, 48), got {self.images.shape}")
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels must have shape ({len(self.images)},), got {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def keep(self, mask: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Faces":
        """The faces where `mask` (n,) is true, or those at these places, in their order."""
        votes = None if self.votes is None else self.votes[mask]
        return Faces(self.images[mask], self.labels[mask], votes)

    def shuffled(self, limit: int | None = None) -> "Faces":
        """The faces in random order (seed 0), so that any first part of them is a fair sample.

        Files are often sorted by label; with `limit` only the first so many are kept.
        """
        return self.keep(np.random.default_rng(0).permutation(len(self))[:limit])

    def targets(self, vote_share: float) -> NDArray[np.float32]:
        """One-hot labels (n, 7); where votes are known, `vote_share` of them is the votes'."""
        one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[self.labels]
        if self.votes is None or not vote_share:
            return one_hot
        seven = self.votes[:, : len(EMOTIONS)]
        total = seven.sum(axis=1, keepdims=True)
        mixed = (1 - vote_share) * one_hot + vote_share * seven / np.maximum(total, 1e-6)
        return np.where(total > 0, mixed, one_hot).astype(np.float32)


def load_split(path: Path, split: Split) -> Faces:
    r"""Read one split of FER-2013, with FER+'s votes where they lie beside it.

    Args:
        path: the parquet, the Kaggle csv, or the Kaggle folder. Votes are taken from a file
            beside the first two (`training.data.votes`), else from the parquet's own column.
        split: "train", "validation" or "test". Kaggle's folders have no validation split, so a
            tenth of `train` (stratified, seed 0) stands in for it; their `test` holds all
            7,178 images of both test splits, so figures on it are not private-test figures.

    Raises:
        Fer2013Error: if the path is none of the three forms, or lacks the split.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "fer2013.csv"
        ...     grey = " ".join(["128"] * 48 * 48)
        ...     _ = file.write_text(f"emotion,pixels,Usage\n3,{grey},Training\n")
        ...     faces = load_split(file, "train")
        >>> len(faces), faces.images.shape, len(drop_blank(faces))  # it shows nothing
        (1, (1, 48, 48), 0)
    """
    if path.is_dir():
        return _load_folder(path, split)
    if path.suffix == ".parquet":
        return _load_parquet(path, split)
    if path.suffix == ".csv":
        return _load_csv(path, split)
    raise Fer2013Error(f"{path} is not a .parquet, a Kaggle fer2013.csv or a Kaggle folder")


def drop_blank(faces: Faces) -> Faces:
    """Leave out images that show nothing (standard deviation under `BLANK_STD` grey levels)."""
    return faces.keep(faces.images.std(axis=(1, 2)) >= BLANK_STD)


def load_rows(path: Path, split: Split, columns: list[str]) -> pd.DataFrame:
    """Further columns of the parquet, as `name`, in the order of `load_split`."""
    return pd.read_parquet(path, columns=columns, filters=[("split", "==", split)])


def _load_parquet(path: Path, split: Split) -> Faces:
    frame = pd.read_parquet(path, filters=[("split", "==", split)])
    if frame.empty:
        raise Fer2013Error(f"{path} has no rows with split {split!r}")
    images = np.stack([decode_grey(encoded) for encoded in frame["image"]])
    votes = votes_beside(path, split, len(frame))
    if votes is None and "ferplus_votes" in frame:
        votes = vote_shares(frame["ferplus_votes"])
    return Faces(images, frame["label"].to_numpy(np.int64), votes)


def _load_csv(path: Path, split: Split) -> Faces:
    frame = pd.read_csv(path)
    missing = {"emotion", "pixels", "Usage"} - set(frame.columns)
    if missing:
        raise Fer2013Error(f"{path} lacks the columns {sorted(missing)} of Kaggle's fer2013.csv")
    frame = frame[frame["Usage"] == USAGE[split]]
    if frame.empty:
        raise Fer2013Error(f"{path} has no rows with split {split!r} ({USAGE[split]})")
    images = np.stack([np.array(pixels.split(), np.uint8) for pixels in frame["pixels"]])
    labels = frame["emotion"].to_numpy(np.int64, copy=True)
    votes = votes_beside(path, split, len(frame))
    return Faces(images.reshape(-1, SIDE_PX, SIDE_PX), labels, votes)


def _load_folder(path: Path, split: Split) -> Faces:
    root = path / ("test" if split == "test" else "train")
    images, labels = [], []
    for label, emotion in enumerate(EMOTIONS):
        for file in sorted((root / emotion).glob("*")):
            images.append(decode_grey(file.read_bytes()))
            labels.append(label)
    if not images:
        raise Fer2013Error(f"{root} holds no images in folders {', '.join(EMOTIONS)}")
    faces = Faces(np.stack(images), np.array(labels, np.int64))
    if split == "test":
        return faces
    train, validation = split_off(faces, 0.1)
    return train if split == "train" else validation


def split_off(faces: Faces, share: float) -> tuple[Faces, Faces]:
    """The faces but for a stratified `share` (seed 0), and that share, in their order."""
    _, chosen = train_test_split(
        np.arange(len(faces)), test_size=share, random_state=0, stratify=faces.labels
    )
    mask = np.isin(np.arange(len(faces)), chosen)
    return faces.keep(~mask), faces.keep(mask)
