"""Photos with annotated faces, which `mien detect-eval` measures a detector on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection.boxes import Boxes
from core.errors import DatasetError, damage_is
from core.measures.datasets import pictures_of, read_pictures, require_columns
from core.measures.detection.matching import Mask
from core.pictures.files.table import read_table_file
from core.pictures.images import PictureLimits

T = TypeVar("T")
_HEAVY_OCCLUSION: Final = 2  # WIDER FACE's number for it


@dataclass(frozen=True, eq=False)
class AnnotatedPhotos:
    """Photos with the boxes of their faces."""

    name: str  # file name of the set
    images: Sequence[bytes | Path]  # encoded photos, or files that are read one after another
    boxes_xyxy: Sequence[Boxes]  # per photo (n, 4) in pixels of the stored image
    # column -> per photo (n,) values, such as WIDER FACE's `blur`
    flags: Mapping[str, Sequence[NDArray[Any]]]
    rows: Sequence[int]  # where each stands in the file; the first row under the header is 1
    notes: tuple[str, ...] = ()
    limits: PictureLimits = field(default_factory=PictureLimits)

    def encoded(self) -> Iterator[bytes]:
        """The photos' bytes, in their order; see `read_pictures`."""
        return read_pictures(self.rows, self.images, self.limits.max_bytes)

    def __len__(self) -> int:
        return len(self.images)

    def part(self, every: int) -> "AnnotatedPhotos":
        """Every `every`-th photo, the first among them."""
        return self.keep(np.arange(len(self)) % every == 0)

    def keep(self, mask: Mask) -> "AnnotatedPhotos":
        """The photos where `mask` (n,) is true."""

        def of(values: Sequence[T]) -> list[T]:
            return list(compress(values, mask))

        flags = {column: of(values) for column, values in self.flags.items()}
        return replace(
            self,
            images=of(self.images),
            boxes_xyxy=of(self.boxes_xyxy),
            flags=flags,
            rows=of(self.rows),
        )

    def unreadable(self, index: int, *, heavy: bool = True) -> Mask:
        """Faces (n,) that nobody can be asked to find: `invalid`, heavily occluded if `heavy`."""
        mask = np.zeros(len(self.boxes_xyxy[index]), bool)
        if "invalid" in self.flags:
            mask |= self.flags["invalid"][index].astype(bool)
        if heavy and "occlusion" in self.flags:
            mask |= self.flags["occlusion"][index] == _HEAVY_OCCLUSION
        return mask


def load_photos(path: Path, limits: PictureLimits | None = None) -> AnnotatedPhotos:
    """Open a parquet with columns `image` (encoded bytes) and `boxes_xyxy`, one row a photo.

    A table with `path` will do as well; in a csv, boxes are written as JSON.

    Every further column that holds one value a box is a flag to group by; `invalid` marks boxes
    that do not count.

    Raises:
        DatasetError: if the file, a column or a box is not as it should be.
    """
    table = read_table_file(path)
    frame = table.frame
    require_columns(path.name, frame, ["boxes_xyxy"])
    images, notes = pictures_of(path, frame)
    boxes = [_row_boxes(path, row, cell) for row, cell in enumerate(frame["boxes_xyxy"], 1)]
    others = [str(column) for column in frame.columns if column != "boxes_xyxy"]
    flags = {column: _flag(frame[column], boxes) for column in others}
    kept = {column: values for column, values in flags.items() if values is not None}
    rows = range(1, len(frame) + 1)
    said = (*table.notes, *notes)
    return AnnotatedPhotos(path.name, images, boxes, kept, rows, said, limits or PictureLimits())


def _row_boxes(path: Path, row: int, cell: Any) -> Boxes:
    sentence = f"{path.name}, row {row}: boxes_xyxy must be a list of [left, top, right, bottom]."
    with damage_is(DatasetError(sentence)):
        cell = json.loads(cell) if isinstance(cell, str) else cell
        boxes = np.array([list(box) for box in cell], np.float64).reshape(len(cell), 4)
    if not np.isfinite(boxes).all():
        raise DatasetError(f"{path.name}, row {row}: a box is not finite.")
    return boxes


def _flag(column: "pd.Series[Any]", boxes: Sequence[Boxes]) -> list[NDArray[Any]] | None:
    """One array a photo, or None where the column is no flag of the boxes."""
    values = []
    for cell, own_boxes in zip(column, boxes, strict=True):
        if not isinstance(cell, list | tuple | np.ndarray) or len(cell) != len(own_boxes):
            return None
        values.append(np.array(cell))
    return values
