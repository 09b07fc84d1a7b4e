"""Somebody's own labelled pictures, read and checked, before a model is audited on them.

A set is a csv with `path,label` and any group columns, its pictures in a ZIP or beside it, or a
parquet with `image,label`. What is wrong with it is said at once for all rows it concerns; the
first row under the header is row 1.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS, label_index
from core.errors import DatasetError
from core.measures.datasets import LabelledImages
from core.pictures.archive import open_zip
from services.bias_audit.parquet_table import ParquetRefusedError, read_parquet

MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 500
MAX_CELLS: Final = 2_000_000
MAX_CSV_BYTES: Final = 50_000_000
MAX_PARQUET_BYTES: Final = 200_000_000
# Of all rows together, so that a picture named a thousand times counts a thousand times.
MAX_JUDGED_BYTES: Final = 4_000_000_000
MAX_GROUPS: Final = 30
_NAMED_ROWS: Final = 8
_NO_GROUPS: Final = ("path", "image", "label")

Source = bytes | Path | Callable[[], bytes]


class AuditInputError(DatasetError):
    """A set that cannot be audited as it is; the message names the rows."""


@dataclass(frozen=True, eq=False)
class AuditSet:
    """A checked set.

    Attributes:
        images: encoded pictures with labels and group columns.
        notes: what is unusual and was accepted, one sentence each.
    """

    images: LabelledImages
    notes: tuple[str, ...]


def read_table(name: str, data: bytes) -> pd.DataFrame:
    """The table of a csv or parquet, all text cells as text; raises AuditInputError."""
    suffix = Path(name).suffix.lower()
    limits = {".csv": MAX_CSV_BYTES, ".parquet": MAX_PARQUET_BYTES}
    if suffix not in limits:
        raise AuditInputError("The table must be a .csv or a .parquet file.")
    if len(data) > limits[suffix]:
        raise AuditInputError(
            f"The table has {len(data) / 1e6:.0f} MB; the limit is {limits[suffix] / 1e6:.0f}."
        )
    if suffix == ".csv":
        frame = _read_csv(data)
    else:
        try:
            frame = read_parquet(data, max_rows=MAX_ROWS, max_columns=MAX_COLUMNS)
        except ParquetRefusedError as refusal:
            raise AuditInputError(str(refusal)) from refusal
    if frame.empty:
        raise AuditInputError("The table has no rows; at least one picture is needed.")
    if len(frame) > MAX_ROWS:
        raise AuditInputError(
            f"The table has {len(frame):,} rows; at most {MAX_ROWS:,} are audited at a time."
        )
    return frame


def _read_csv(data: bytes) -> pd.DataFrame:
    try:
        text = data.decode("utf-8-sig")
        first_line = text.split("\n", 1)[0]
        separator = ";" if first_line.count(";") > first_line.count(",") else ","
        _check_cells(first_line.count(separator) + 1, text.count(separator) + text.count("\n"))
        # All as text: "007" stays so, and nothing is guessed to be a number or missing.
        return pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except UnicodeDecodeError as exc:
        raise AuditInputError("The csv is not UTF-8 text; please save it as UTF-8.") from exc
    except (AuditInputError, MemoryError):
        raise
    except Exception as exc:  # pandas raises many kinds for what is no table
        reason = str(exc).split("\n", 1)[0][:200].rstrip(".")
        raise AuditInputError(f"The csv cannot be read as a table: {reason}.") from exc


def _check_cells(n_columns: int, n_cells: int) -> None:
    """Before anything is read: each column and each cell becomes an object of its own."""
    if n_columns > MAX_COLUMNS:
        raise AuditInputError(
            f"The table has {n_columns:,} columns; at most {MAX_COLUMNS} may be there."
        )
    if n_cells > MAX_CELLS:
        raise AuditInputError(
            f"The table has about {n_cells:,} cells; at most {MAX_CELLS:,} may be there."
        )


def group_candidates(frame: pd.DataFrame) -> list[str]:
    """Columns that could be grouped by: 2 to `MAX_GROUPS` different values."""
    return [
        str(column)
        for column in frame.columns
        if column not in _NO_GROUPS and 2 <= frame[column].astype(str).nunique() <= MAX_GROUPS
    ]


def check_set(
    name: str,
    frame: pd.DataFrame,
    *,
    group_by: Sequence[str] = (),
    archive: bytes | None = None,
    folder: Path | None = None,
) -> AuditSet:
    """Check labels, groups and pictures of a table.

    Args:
        name: the table's file name.
        frame: from `read_table`.
        group_by: columns to break figures down by.
        archive: a ZIP that holds the pictures named in `path`.
        folder: where `path` starts instead, for the command line.

    Raises:
        AuditInputError: the first kind of fault found, with all rows that have it.
    """
    from_parquet = "image" in frame.columns and "path" not in frame.columns
    _check_columns(frame, group_by)
    labels = _labels(frame)
    groups, notes = _groups(frame, group_by)
    if from_parquet:
        sources = _embedded(frame)
    elif archive is not None:
        sources = _from_zip(frame, archive)
    elif folder is not None:
        sources = _from_folder(frame, folder)
    else:
        raise AuditInputError("A csv names its pictures; please add the ZIP that holds them.")
    present = np.unique(labels)
    if len(present) == 1:
        only = EMOTIONS[int(present[0])]
        notes.append(
            f"All {len(labels)} rows are labelled {only}: accuracy is then the share of {only} "
            "that is recognised, and curves against other expressions do not exist."
        )
    images = LabelledImages(labels, groups, name, np.arange(1, len(frame) + 1), sources)
    return AuditSet(images, tuple(notes))


def _check_columns(frame: pd.DataFrame, group_by: Sequence[str]) -> None:
    has = [str(column) for column in frame.columns]
    if "path" not in has and "image" not in has:
        raise AuditInputError(
            "The table needs a column path (csv) or image (parquet) for the pictures; "
            f"it has: {', '.join(has)}."
        )
    taken = [column for column in group_by if column in _NO_GROUPS]
    if taken:
        raise AuditInputError(
            f"Column {', '.join(taken)} holds what is judged and cannot be grouped by; "
            "please choose another."
        )
    missing = [column for column in ("label", *group_by) if column not in has]
    if missing:
        raise AuditInputError(
            f"The table has no column {', '.join(missing)}; it has: {', '.join(has)}."
        )


def _labels(frame: pd.DataFrame) -> NDArray[np.int64]:
    labels = np.zeros(len(frame), np.int64)
    wrong: list[int] = []
    for position, value in enumerate(frame["label"].tolist()):
        try:
            labels[position] = label_index(value)
        except ValueError:
            wrong.append(position + 1)
    if wrong:
        raise AuditInputError(
            f"Unknown label in {rows_text(wrong)}; labels are {', '.join(EMOTIONS)} or 0 to 6."
        )
    return labels


def _groups(frame: pd.DataFrame, group_by: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Group columns as text, "" for no value, and what to say of them."""
    result, notes = {}, []
    for column in dict.fromkeys(group_by):
        raw = frame[column]
        values = np.where(raw.isna(), "", raw.astype(str).str.strip())
        empty = [int(position) + 1 for position in np.flatnonzero(values == "")]
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


def _embedded(frame: pd.DataFrame) -> list[Source]:
    cells = frame["image"].tolist()
    wrong = [i + 1 for i, cell in enumerate(cells) if not isinstance(cell, bytes) or not cell]
    if wrong:
        raise AuditInputError(
            f"Column image holds no encoded picture (JPEG, PNG, WebP) in {rows_text(wrong)}."
        )
    _check_judged(sum(map(len, cells)))
    return cells


def _from_zip(frame: pd.DataFrame, archive: bytes) -> list[Source]:
    """What reads each row's picture when it is its turn; none is held."""
    pictures = open_zip(archive)
    names = [str(path) for path in frame["path"]]
    sizes = [pictures.size(name) for name in names]
    absent = [i + 1 for i, size in enumerate(sizes) if size is None]
    if absent:
        raise AuditInputError(
            f"The ZIP lacks the pictures of {rows_text(absent)}; it holds {len(pictures)} files."
        )
    _check_judged(sum(size or 0 for size in sizes))
    return [partial(pictures.read, name) for name in names]


def _check_judged(n_bytes: int) -> None:
    if n_bytes > MAX_JUDGED_BYTES:
        raise AuditInputError(
            f"The rows name pictures of {n_bytes / 1e6:,.0f} MB, each counted as often as it is "
            f"named; at most {MAX_JUDGED_BYTES / 1e6:,.0f} MB are judged at a time."
        )


def _from_folder(frame: pd.DataFrame, folder: Path) -> list[Source]:
    files = [folder / str(path) for path in frame["path"]]
    absent = [i + 1 for i, file in enumerate(files) if not file.is_file()]
    if absent:
        raise AuditInputError(f"The pictures of {rows_text(absent)} are not where path says.")
    return list(files)


def rows_text(rows: Sequence[int]) -> str:
    """`rows_text([3])` is "row 3"; longer lists name the first eight and count the others."""
    named = ", ".join(map(str, rows[:_NAMED_ROWS]))
    more = len(rows) - _NAMED_ROWS
    return f"row{'s' * (len(rows) > 1)} {named}" + (f" and {more} more" if more > 0 else "")
