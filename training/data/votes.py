"""What people say of FER-2013's faces: the votes of FER+'s ten taggers for each image.

Barsoum et al. 2016, arXiv 1608.01041; the votes are under the MIT licence. They lie in a file
beside FER-2013: Microsoft's `fer2013new.csv`, or a parquet `<name of the set>_votes.parquet` with
columns `split, ferplus_votes`, whose rows are those of the set.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.errors import DatasetError

Split = Literal["train", "validation", "test"]
USAGE: Final[dict[Split, str]] = {
    "train": "Training",
    "validation": "PublicTest",
    "test": "PrivateTest",
}
# What the taggers could choose, in the order of the counts. The last three are none of the seven.
FERPLUS: Final = (
    *("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear"),
    *("contempt", "unknown", "not a face"),
)
_SEVEN: Final = [FERPLUS.index(name) for name in EMOTIONS]
_MICROSOFT: Final = "fer2013new.csv"
_MICROSOFTS: Final = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"),
    *("contempt", "unknown", "NF"),
)


class Fer2013Error(DatasetError, ValueError):
    """A file or folder that is no FER-2013, or votes that are not its votes."""

    kind = "fer2013_error"


def vote_shares(votes: Iterable[Any]) -> NDArray[np.float32]:
    """Counts of FER+'s ten choices as shares (n, 8): the seven expressions, and none of these.

    Images without votes (None) have a row of zeros.

    Examples:
        >>> vote_shares([[6, 0, 0, 3, 0, 0, 0, 1, 0, 0], None]).round(1).tolist()[0]
        [0.0, 0.0, 0.0, 0.0, 0.30000001192092896, 0.0, 0.6000000238418579, 0.10000000149011612]
    """
    rows = list(votes)
    shares = np.zeros((len(rows), len(EMOTIONS) + 1), np.float32)
    for row, counts in enumerate(rows):
        if counts is None or np.isscalar(counts):
            continue
        ten = np.asarray(counts, np.float32)
        shares[row, :-1], shares[row, -1] = ten[_SEVEN], ten[len(EMOTIONS) :].sum()
        shares[row] /= max(ten.sum(), 1)
    return shares


def share_rows(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Labels (n,) in 0..6 as votes (n, 8) that all fall on them."""
    return np.eye(len(EMOTIONS) + 1, dtype=np.float32)[labels]


def votes_beside(path: Path, split: Split, n_images: int) -> NDArray[np.float32] | None:
    """Votes (n, 8) for one split of the FER-2013 file `path`; None where no file lies beside it.

    Raises:
        Fer2013Error: if the file has another number of rows than the split has images.
    """
    file = path.with_name(f"{path.stem}_votes.parquet")
    if file.exists():
        frame = pd.read_parquet(file, filters=[("split", "==", split)])
        votes = vote_shares(frame["ferplus_votes"])
    elif (file := path.with_name(_MICROSOFT)).exists():
        frame = pd.read_csv(file)
        frame = frame[frame["Usage"] == USAGE[split]]
        votes = vote_shares(frame[list(_MICROSOFTS)].to_numpy())
    else:
        return None
    if len(votes) != n_images:
        raise Fer2013Error(
            f"{file.name} has {len(votes)} rows for the {split} split, and {path.name} has "
            f"{n_images} images: they are not of one set."
        )
    return votes
