"""Somebody's own labelled pictures, read and checked, before a model is audited on them.

A set is a csv with `path,label` and any group columns, its pictures in a ZIP or beside it, or a
parquet with `image,label`. What is wrong with it is said at once for all rows it concerns; the
first row under the header is row 1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from core.emotions import EMOTIONS
from core.errors import DatasetError, ImageRefusedError
from core.measures.datasets import (
    LabelledImages,
    Source,
    check_columns,
    embedded_pictures,
    holds_pictures,
    known_labels,
)
from core.pictures.archive import open_zip
from core.pictures.files import table as tables
from core.pictures.files.table import Table, find_files, locate, rows_text
from core.pictures.files.walk import is_file
from core.pictures.images import PictureLimits
from services.bias_audit.parquet_table import read_parquet

MAX_ROWS: Final = 20_000
MAX_CSV_BYTES: Final = 50_000_000
MAX_PARQUET_BYTES: Final = 200_000_000
# Of all rows together, so that a picture named a thousand times counts a thousand times.
MAX_JUDGED_BYTES: Final = 4_000_000_000
MAX_GROUPS: Final = 30
_LARGEST_CROP_PX: Final = 256  # sets of face crops have 48 to 224
_SQUARE_TO: Final = 1.1  # longer side to shorter one
_N_LOOKED_AT: Final = 5
_NO_GROUPS: Final = ("path", "image", "label")


class AuditInputError(DatasetError):
    """A set that cannot be audited as it is; the message names the rows."""


@dataclass(frozen=True, eq=False)
class AuditSet:
    """A checked set, with sentences on what is unusual and was accepted."""

    images: LabelledImages
    notes: tuple[str, ...]

    def are_photos(self) -> bool:
        """Whether most of the first pictures are no squares, or larger than face crops are.

        In photos a face is to be found first. A picture that cannot be decoded is neither.
        """
        photos: list[bool] = []
        for encoded in islice(self.images.encoded(), _N_LOOKED_AT):
            with suppress(ImageRefusedError):
                height, width = self.images.limits.decode(encoded).image_rgb.shape[:2]
                is_square = max(height, width) <= _SQUARE_TO * min(height, width)
                photos.append(not is_square or max(height, width) > _LARGEST_CROP_PX)
        return 2 * sum(photos) > len(photos)


def read_table(name: str, data: bytes, *, beside: Path | None = None) -> Table:
    """The table of a csv or parquet within the limits of an audit.

    Its paths start at `beside`, if the pictures do not come in a ZIP.

    Raises:
        AuditInputError: it is no table, or asks for more than is allowed.
    """
    suffix = Path(name).suffix.lower()
    limit = MAX_PARQUET_BYTES if suffix == ".parquet" else MAX_CSV_BYTES
    if suffix in tables.SUFFIXES and len(data) > limit:
        raise AuditInputError(
            f"The table has {len(data) / 1e6:.0f} MB; the limit is {limit / 1e6:.0f}."
        )
    with _refused_here():
        if suffix == ".parquet":
            limits = {"max_columns": tables.MAX_COLUMNS, "max_cells": tables.MAX_CELLS}
            frame = read_parquet(data, max_rows=MAX_ROWS, **limits)
            table = Table(tables.with_known_names(frame))
        else:
            exists = None if beside is None else lambda text: is_file(locate(text, beside))
            table = tables.read_table(name, data, exists=exists)
    if table.frame.empty:
        raise AuditInputError("The table has no rows; at least one picture is needed.")
    if len(table.frame) > MAX_ROWS:
        raise AuditInputError(
            f"The table has {len(table.frame):,} rows; at most {MAX_ROWS:,} are audited at a time."
        )
    return table


def group_candidates(frame: pd.DataFrame) -> list[str]:
    """Columns that could be grouped by: 2 to `MAX_GROUPS` different values."""
    return [
        str(column)
        for column in frame.columns
        if column not in _NO_GROUPS
        and not frame[column].map(lambda value: isinstance(value, bytes)).any()
        and 2 <= frame[column].astype(str).nunique() <= MAX_GROUPS
    ]


def check_set(
    name: str,
    table: Table,
    *,
    group_by: Sequence[str] = (),
    archive: bytes | None = None,
    folder: Path | None = None,
    limits: PictureLimits | None = None,
) -> AuditSet:
    """Check labels, groups and pictures of a table, of which a path is in `archive` or `folder`.

    Raises:
        AuditInputError: the first kind of fault found, with all rows that have it.
    """
    limits = limits or PictureLimits()
    with _refused_here():
        check_columns(name, table.frame, group_by)
        frame, labels, notes = known_labels(name, table.frame)
        groups, more = _groups(frame, group_by)
        sources, unusual = _sources(name, frame, archive, folder, limits.max_bytes)
    notes = [*table.notes, *notes, *more, *unusual]
    present = np.unique(labels)
    if len(present) == 1:
        only = EMOTIONS[int(present[0])]
        notes.append(
            f"All {len(labels)} rows are labelled {only}: accuracy is then the share of {only} "
            "that is recognised, and curves against other expressions do not exist."
        )
    rows = frame.index.to_numpy(np.int64) + 1
    images = LabelledImages(labels, groups, name, rows, list(sources), tuple(notes), limits)
    return AuditSet(images, tuple(notes))


def _sources(
    name: str, frame: pd.DataFrame, archive: bytes | None, folder: Path | None, max_bytes: int
) -> tuple[Sequence[Source], list[str]]:
    """Of each row the picture, or what reads it, and what to say of them."""
    if holds_pictures(name, frame):
        pictures = embedded_pictures(name, frame["image"])
        _check_judged(sum(map(len, pictures)))
        return pictures, []
    if archive is not None:
        return _from_zip(frame, archive, max_bytes), []
    if folder is not None:
        return find_files(frame["path"], folder)
    raise AuditInputError("A csv names its pictures; please add the ZIP that holds them.")


@contextmanager
def _refused_here() -> Iterator[None]:
    """What is wrong with a table anywhere is a fault of the set that is to be audited."""
    try:
        yield
    except DatasetError as refusal:
        raise AuditInputError(str(refusal)) from refusal


def _groups(frame: pd.DataFrame, group_by: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Group columns as text, "" for no value, and what to say of them."""
    result, notes = {}, []
    for column in dict.fromkeys(group_by):
        raw = frame[column]
        values = np.where(raw.isna(), "", raw.astype(str).str.strip())
        empty = [int(frame.index[int(position)]) + 1 for position in np.flatnonzero(values == "")]
        if len(empty) == len(frame):
            raise AuditInputError(f"Column {column} is empty in every row; nothing to group by.")
        n_groups = len(set(values.tolist()) - {""})
        if n_groups > MAX_GROUPS:
            raise AuditInputError(
                f"Column {column} has {n_groups} different values; at most {MAX_GROUPS} groups "
                "can be compared. Put numbers into ranges first."
            )
        if empty:
            notes.append(
                f"Column {column} has no value in {rows_text(empty)}: left out of that breakdown."
            )
        if n_groups == 1:
            notes.append(f"Column {column} has one value only: there is no gap to measure.")
        result[column] = values.astype(str)
    return pd.DataFrame(result, index=range(len(frame))), notes


def _from_zip(frame: pd.DataFrame, archive: bytes, max_file_bytes: int) -> list[Source]:
    """What reads each row's picture when it is its turn; none is held."""
    pictures = open_zip(archive, max_file_bytes=max_file_bytes)
    names = [str(path) for path in frame["path"]]
    sizes = [pictures.size(name) for name in names]
    absent = [int(row) + 1 for row, size in zip(frame.index, sizes, strict=True) if size is None]
    if absent:
        raise AuditInputError(
            f"The ZIP lacks the pictures of {rows_text(absent)}; it holds {len(pictures)} files."
        )
    shared = [
        int(row) + 1
        for row, name in zip(frame.index, names, strict=True)
        if pictures.is_shared(name)
    ]
    if shared:
        raise AuditInputError(
            f"The ZIP holds several different files under the name in {rows_text(shared)}; "
            "please name each picture differently."
        )
    _check_judged(sum(size or 0 for size in sizes))
    return [partial(pictures.read, name) for name in names]


def _check_judged(n_bytes: int) -> None:
    if n_bytes > MAX_JUDGED_BYTES:
        raise AuditInputError(
            f"The rows name pictures of {n_bytes / 1e6:,.0f} MB, each counted as often as it is "
            f"named; at most {MAX_JUDGED_BYTES / 1e6:,.0f} MB are judged at a time."
        )
