"""Somebody's own labelled pictures, read and checked, before a model is audited on them.

A set is a csv with `path,label` and any group columns, its pictures in a ZIP or beside it, or a
parquet with `image,label`. What is wrong with it is said at once for all rows it concerns; the
first row under the header is row 1.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS, label_index
from core.errors import DatasetError
from core.measures.datasets import LabelledImages
from core.pictures.archive import open_zip

MAX_ROWS: Final = 20_000
MAX_TABLE_BYTES: Final = 200_000_000
MAX_GROUPS: Final = 30
_NAMED_ROWS: Final = 8


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
    if len(data) > MAX_TABLE_BYTES:
        raise AuditInputError(
            f"The table has {len(data) / 1e6:.0f} MB; the limit is {MAX_TABLE_BYTES / 1e6:.0f}."
        )
    suffix = Path(name).suffix.lower()
    if suffix == ".csv":
        frame = _read_csv(data)
    elif suffix == ".parquet":
        frame = _read_parquet(data)
    else:
        raise AuditInputError("The table must be a .csv or a .parquet file.")
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
        # All as text: "007" stays so, and nothing is guessed to be a number or missing.
        return pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except UnicodeDecodeError as exc:
        raise AuditInputError("The csv is not UTF-8 text; please save it as UTF-8.") from exc
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as exc:
        raise AuditInputError(f"The csv cannot be read as a table: {exc}.") from exc


def _read_parquet(data: bytes) -> pd.DataFrame:
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        n_bytes = sum(group.total_byte_size for group in groups)
        # Column stores pack a million equal values into a few bytes.
        if n_bytes > 4 * MAX_TABLE_BYTES or file.metadata.num_rows > MAX_ROWS:
            raise AuditInputError(
                f"The parquet unpacks to {n_bytes / 1e6:.0f} MB and {file.metadata.num_rows:,} "
                f"rows; the limits are {4 * MAX_TABLE_BYTES / 1e6:.0f} MB and {MAX_ROWS:,}."
            )
        frame: pd.DataFrame = file.read().to_pandas()
        return frame
    except AuditInputError:
        raise
    # Arrow raises a dozen kinds of errors for files that are not what they seem.
    except Exception as exc:
        raise AuditInputError("The parquet file is damaged or no parquet at all.") from exc


def group_candidates(frame: pd.DataFrame) -> list[str]:
    """Columns that could be grouped by: 2 to `MAX_GROUPS` different values."""
    taken = {"path", "image", "label"}
    return [
        str(column)
        for column in frame.columns
        if column not in taken
        and not frame[column].map(lambda value: isinstance(value, bytes)).any()
        and 2 <= frame[column].astype(str).nunique() <= MAX_GROUPS
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


def _embedded(frame: pd.DataFrame) -> list[bytes | Path]:
    cells = frame["image"].tolist()
    # Hugging Face's data sets wrap the bytes: {"bytes": …, "path": …}.
    cells = [cell.get("bytes") if isinstance(cell, dict) else cell for cell in cells]
    wrong = [i + 1 for i, cell in enumerate(cells) if not isinstance(cell, bytes) or not cell]
    if wrong:
        raise AuditInputError(
            f"Column image holds no encoded picture (JPEG, PNG, WebP) in {rows_text(wrong)}."
        )
    return cells


def _from_zip(frame: pd.DataFrame, archive: bytes) -> list[bytes | Path]:
    pictures = open_zip(archive)
    found = [pictures.get(str(path)) for path in frame["path"]]
    absent = [i + 1 for i, data in enumerate(found) if data is None]
    if absent:
        raise AuditInputError(
            f"The ZIP lacks the pictures of {rows_text(absent)}; it holds {len(pictures)} files."
        )
    return [data for data in found if data is not None]


def _from_folder(frame: pd.DataFrame, folder: Path) -> list[bytes | Path]:
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
