"""RAF-DB: real photos' faces, labelled by some forty people each; for research only.

Li, Deng and Du 2017, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression
Recognition in the Wild" (CVPR). The set is given on request for non-commercial research and may
not be passed on, so a model that learned from it says so on its card and is not the default.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import DatasetError
from core.pictures.face_input import FaceInput
from core.types import Box
from training.data.fer2013 import Faces, split_off
from training.data.framing import decode_rgb, load_geometry
from training.data.sets import SETS
from training.data.votes import share_rows

Part = Literal["train", "held_out", "test"]
_HELD_OUT_SHARE: Final = 0.1  # of the set's train split, for choices; training never sees it


def load_rafdb(path: Path, part: Part) -> Faces:
    """Read one part of RAF-DB, cut as FER-2013's faces are, which is how the app cuts them.

    Args:
        path: parquet with columns `image` (encoded, aligned), `label` (0..6), `split` and
            `square_xyxy` (around the face; None: the usual place). Where eyes and mouth lie in
            these squares was measured (models/rafdb_geometry.json).
        part: "train" is nine tenths of the train split, "held_out" the others (stratified, seed
            0), "test" the test split, which the evaluation alone reads.

    Returns:
        Faces whose `votes` are one-hot: what most people said.

    Raises:
        DatasetError: if there is no such file, or a column is missing.
    """
    frame = _rows(path, "test" if part == "test" else "train")
    labels = frame["label"].to_numpy(np.int64, copy=True)
    as_fer2013 = FaceInput(geometry=load_geometry("fer2013"))
    of_squares = load_geometry("rafdb")
    images = _cut(frame, lambda square: as_fer2013.square(square, of_squares))
    faces = Faces(images, labels, share_rows(labels))
    if part == "test":
        return faces
    train, held_out = split_off(faces, _HELD_OUT_SHARE)
    return train if part == "train" else held_out


def stored_squares(path: Path, split: Literal["train", "test"]) -> NDArray[np.uint8]:
    """The squares that the file names, as they are: uint8 (n, 48, 48); raises as `load_rafdb`."""
    return _cut(_rows(path, split), lambda square: square)


def _rows(path: Path, split: str) -> pd.DataFrame:
    columns = ["image", "label", "square_xyxy"]
    try:
        return pd.read_parquet(path, columns=columns, filters=[("split", "==", split)])
    except (OSError, ValueError) as exc:
        raise DatasetError(
            f"RAF-DB cannot be read from {path}: a parquet with the columns {', '.join(columns)} "
            f"and split is needed. {SETS['rafdb'].terms} docs/datasets.md tells who gives it."
        ) from exc


def _cut(frame: pd.DataFrame, where: Callable[[Box], Box]) -> NDArray[np.uint8]:
    """What lies in the square that `where` makes of each one of the file: uint8 (n, 48, 48)."""
    known = [square for square in frame["square_xyxy"] if square is not None]
    usual_xyxy = np.median(np.stack(known), axis=0)
    face_input, images = FaceInput(), []
    for encoded, square_xyxy in zip(frame["image"], frame["square_xyxy"], strict=True):
        square = Box(*map(float, usual_xyxy if square_xyxy is None else square_xyxy))
        images.append(face_input.crop(decode_rgb(encoded), where(square))[..., 0])
    return np.stack(images)
