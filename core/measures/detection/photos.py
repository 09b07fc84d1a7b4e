"""Photos with annotated faces, which `mien detect-eval` measures a detector on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection.boxes import Boxes
from core.errors import DatasetError
from core.measures.detection.matching import Mask

_HEAVY_OCCLUSION: Final = 2  # WIDER FACE's number for it


@dataclass(frozen=True, eq=False)
class AnnotatedPhotos:
    """Photos with the boxes of their faces.

    Attributes:
        name: file name of the set.
        images: encoded photos.
        boxes_xyxy: per photo (n, 4) in pixels of the stored image.
        flags: column -> per photo (n,) values, such as WIDER FACE's `blur`.
    """

    name: str
    images: Sequence[bytes]
    boxes_xyxy: Sequence[Boxes]
    flags: Mapping[str, Sequence[NDArray[Any]]]

    def __len__(self) -> int:
        """Count of photos."""
        return len(self.images)

    def part(self, every: int) -> "AnnotatedPhotos":
        """Every `every`-th photo, the first among them."""
        flags = {column: values[::every] for column, values in self.flags.items()}
        return AnnotatedPhotos(self.name, self.images[::every], self.boxes_xyxy[::every], flags)

    def unreadable(self, index: int, *, heavy: bool = True) -> Mask:
        """Faces (n,) that nobody can be asked to find: `invalid`, heavily occluded if `heavy`."""
        mask = np.zeros(len(self.boxes_xyxy[index]), bool)
        if "invalid" in self.flags:
            mask |= self.flags["invalid"][index].astype(bool)
        if heavy and "occlusion" in self.flags:
            mask |= self.flags["occlusion"][index] == _HEAVY_OCCLUSION
        return mask


def load_photos(path: Path) -> AnnotatedPhotos:
    """Open a parquet with columns `image` (encoded bytes) and `boxes_xyxy`, one row a photo.

    Every further column that holds one value a box is a flag to group by; `invalid` marks boxes
    that do not count.

    Raises:
        DatasetError: if the file, a column or a box is not as it should be.
    """
    try:
        frame = pd.read_parquet(path)
    except Exception as exc:  # pyarrow raises a dozen kinds of errors for what is no parquet
        raise DatasetError(f"{path.name} cannot be read as parquet: {exc}") from exc
    missing = [column for column in ("image", "boxes_xyxy") if column not in frame.columns]
    if missing:
        raise DatasetError(
            f"{path.name} has no column {', '.join(missing)}; "
            f"it has: {', '.join(map(str, frame.columns))}."
        )
    images = frame["image"].tolist()
    if not all(isinstance(image, bytes) for image in images):
        raise DatasetError(f"Column image of {path.name} must hold encoded bytes (JPEG, PNG).")
    boxes = [_row_boxes(path, row, cell) for row, cell in enumerate(frame["boxes_xyxy"], 1)]
    others = [str(c) for c in frame.columns if c not in ("image", "boxes_xyxy")]
    flags = {column: _flag(frame[column], boxes) for column in others}
    kept = {column: values for column, values in flags.items() if values is not None}
    return AnnotatedPhotos(path.name, images, boxes, kept)


def _row_boxes(path: Path, row: int, cell: Any) -> Boxes:
    try:
        boxes = np.array([list(box) for box in cell], np.float64).reshape(-1, 4)
    except (TypeError, ValueError) as exc:
        raise DatasetError(
            f"{path.name}, row {row}: boxes_xyxy must be a list of [left, top, right, bottom]."
        ) from exc
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
