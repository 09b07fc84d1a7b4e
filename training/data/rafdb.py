"""RAF-DB: real photos' faces, labelled by some forty people each; for research only.

Li, Deng and Du 2017, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression
Recognition in the Wild" (CVPR). The set is given on request for non-commercial research and may
not be passed on, so a model that learned from it says so on its card and is not the default.
"""

from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import DatasetError
from core.pictures.face_input import FaceInput
from core.types import Box
from training.data.fer2013 import Faces, split_off
from training.data.framing import decode_rgb
from training.data.sets import SETS
from training.data.votes import share_rows

Part = Literal["train", "held_out", "test"]
_HELD_OUT_SHARE: Final = 0.1  # of the set's train split, for choices; training never sees it


def load_rafdb(path: Path, part: Part) -> Faces:
    """Read one part of RAF-DB, cut as FER-2013's faces are.

    Args:
        path: parquet with columns `image` (encoded, aligned), `label` (0..6), `split` and
            `square_xyxy` (where FER-2013's square lies in the image; None: the usual place).
        part: "train" is nine tenths of the train split, "held_out" the others (stratified, seed
            0), "test" the test split, which the evaluation alone reads.

    Returns:
        Faces whose `votes` are one-hot: what most people said.

    Raises:
        DatasetError: if there is no such file, or a column is missing.
    """
    split = "test" if part == "test" else "train"
    columns = ["image", "label", "square_xyxy"]
    try:
        frame = pd.read_parquet(path, columns=columns, filters=[("split", "==", split)])
    except (OSError, ValueError) as exc:
        raise DatasetError(
            f"RAF-DB cannot be read from {path}: a parquet with the columns {', '.join(columns)} "
            f"and split is needed. {SETS['rafdb'].terms} docs/datasets.md tells who gives it."
        ) from exc
    labels = frame["label"].to_numpy(np.int64, copy=True)
    faces = Faces(_squares(frame), labels, share_rows(labels))
    if part == "test":
        return faces
    train, held_out = split_off(faces, _HELD_OUT_SHARE)
    return train if part == "train" else held_out


def _squares(frame: pd.DataFrame) -> NDArray[np.uint8]:
    """FER-2013's square of each image: uint8 (n, 48, 48)."""
    known = [square for square in frame["square_xyxy"] if square is not None]
    usual_xyxy = np.median(np.stack(known), axis=0)
    face_input, images = FaceInput(), []
    for encoded, square_xyxy in zip(frame["image"], frame["square_xyxy"], strict=True):
        square = Box(*map(float, usual_xyxy if square_xyxy is None else square_xyxy))
        images.append(face_input.crop(decode_rgb(encoded), square)[..., 0])
    return np.stack(images)
