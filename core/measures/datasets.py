"""Labelled sets of images that `mien evaluate` measures a model on."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS, label_index
from core.errors import DatasetError
from core.pictures.files.kinds import FORMAT_WORDS
from core.pictures.files.names import printable
from core.pictures.files.table import find_files, read_table_file, rows_text
from core.pictures.images import PictureLimits

_TEXTS: Final = (".csv", ".tsv", ".txt")
Source = bytes | Path | Callable[[], bytes]  # an encoded picture, or where to read it


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Encoded images with their labels; the bytes are read one after another."""

    labels: NDArray[np.int64]  # (n,) in 0..6
    groups: pd.DataFrame  # a column per attribute to group by, n rows
    name: str  # file name of the set
    # (n,) where each stands in the file; the first row under the header is 1
    rows: NDArray[np.int64]
    _sources: Sequence[Source]
    notes: tuple[str, ...] = ()  # what is unusual and was accepted, one sentence each
    # what one of the pictures may cost
    limits: PictureLimits = field(default_factory=PictureLimits)

    def __len__(self) -> int:
        return len(self.labels)

    def encoded(self) -> Iterator[bytes]:
        """The images' bytes, in the order of `labels`.

        Raises:
            DatasetError: if a file that a csv names, or one in a ZIP, cannot be read.
        """
        return read_pictures(self.rows.tolist(), self._sources, self.limits.max_bytes)


def read_pictures(
    rows: Iterable[int], sources: Iterable[Source], max_bytes: int
) -> Iterator[bytes]:
    """The bytes of each picture, of `rows` of a table; of a file too large, enough to be refused.

    Raises:
        DatasetError: if one cannot be read.
    """
    for row, source in zip(rows, sources, strict=True):
        if not isinstance(source, Path):
            yield source if isinstance(source, bytes) else source()
            continue
        try:
            with source.open("rb") as file:
                yield file.read(max_bytes + 1)
        except OSError as exc:
            raise DatasetError(f"Row {row}: the image {source} cannot be read.") from exc


def load_labelled(
    path: Path,
    *,
    split: str | None = None,
    group_by: tuple[str, ...] = (),
    limits: PictureLimits | None = None,
) -> LabelledImages:
    r"""Open a parquet with columns `image, label` or a table with `path,label`.

    Relative paths in a table start at its folder; of its columns `group_by` are kept, of its rows
    those of `split`. Without `limits` a picture may cost what is usual.

    Raises:
        DatasetError: if the file, a column, a picture or the split is not there, or if no label
            is known.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = Path(folder) / "mine.csv"
        ...     _ = table.write_text("path,label\na.jpg,happy\nb.jpg,sad")
        ...     for name in ("a.jpg", "b.jpg"):
        ...         (Path(folder) / name).touch()
        ...     load_labelled(table).labels.tolist()
        [3, 4]
    """
    table, name = read_table_file(path), printable(path.name)
    frame = table.frame
    check_columns(name, frame, (*group_by, *(["split"] if split else [])))
    if split:
        splits = sorted(set(frame["split"].dropna().astype(str)) - {""})
        frame = frame[frame["split"].astype(str) == split]
        if frame.empty:
            raise DatasetError(f"{name} has no split {split!r}; it has: {', '.join(splits)}.")
    frame, labels, notes = known_labels(name, frame)
    sources, more = pictures_of(path, frame)
    groups = frame[list(dict.fromkeys(group_by))].reset_index(drop=True)
    rows = frame.index.to_numpy(np.int64) + 1
    return LabelledImages(
        labels,
        groups,
        name,
        rows,
        sources,
        (*table.notes, *notes, *more),
        limits or PictureLimits(),
    )


def check_columns(name: str, frame: pd.DataFrame, group_by: Iterable[str]) -> None:
    """Raise DatasetError unless pictures, labels and all columns to group by are there."""
    taken = [column for column in group_by if column in ("path", "image", "label")]
    if taken:
        raise DatasetError(
            f"Column {', '.join(taken)} holds what is judged and cannot be grouped by; "
            "please choose another."
        )
    require_columns(name, frame, ("label", *group_by))


def require_columns(name: str, frame: pd.DataFrame, others: Iterable[str]) -> None:
    """Raise DatasetError unless pictures and these columns are there."""
    has = [str(column) for column in frame.columns]
    pictures = "image" if holds_pictures(name, frame) or "path" not in has else "path"
    pictures = "path" if name.lower().endswith(_TEXTS) else pictures
    missing = [column for column in (pictures, *others) if column not in has]
    if missing:
        named = ", ".join(map(printable, has))
        raise DatasetError(f"{name} has no column {', '.join(missing)}; it has: {named}.")


def holds_pictures(name: str, frame: pd.DataFrame) -> bool:
    """Whether a table holds its pictures and does not name them by path."""
    return "image" in frame.columns and not name.lower().endswith(_TEXTS)


def known_labels(
    name: str, frame: pd.DataFrame
) -> tuple[pd.DataFrame, NDArray[np.int64], list[str]]:
    """The rows whose label is one of the seven, their labels (n,), and what to say of it.

    Raises:
        DatasetError: none is.
    """
    kept: list[int] = []
    labels: list[int] = []
    unknown: Counter[str] = Counter()
    other_words: dict[str, str] = {}
    for position, value in enumerate(frame["label"].tolist()):
        # Numbers of a column that has empty cells are written as 3.0.
        word = str(value).strip().lower().removesuffix(".0")
        try:
            index = label_index(word)
        except ValueError:
            empty = value is None or value != value or not str(value).strip()
            unknown["(empty)" if empty else printable(str(value).strip())] += 1
            continue
        kept.append(position)
        labels.append(index)
        if word not in EMOTIONS and not word.isdecimal():
            other_words[word] = EMOTIONS[index]
    if not kept:
        raise DatasetError(
            f"{name} has no label that is known; labels are {', '.join(EMOTIONS)} or 0 to 6."
        )
    notes = []
    if other_words:
        taken = ", ".join(f"{word} as {emotion}" for word, emotion in other_words.items())
        notes.append(f"Labels were taken so: {taken}.")
    if unknown:
        n = sum(unknown.values())
        words = ", ".join(f"{count:,} × {word}" for word, count in unknown.most_common(8))
        notes.append(
            f"{n:,} {'row is' if n == 1 else 'rows are'} left out, whose label is none of the "
            f"seven: {words}."
        )
    return frame.iloc[kept], np.array(labels, np.int64), notes


def pictures_of(path: Path, frame: pd.DataFrame) -> tuple[Sequence[bytes | Path], list[str]]:
    """The pictures that the table at `path` holds, or names by path, and what to say of them.

    Raises:
        DatasetError: some are not there.
    """
    if holds_pictures(path.name, frame):
        return embedded_pictures(printable(path.name), frame["image"]), []
    return find_files(frame["path"], path.parent)


def embedded_pictures(name: str, column: "pd.Series[Any]") -> list[bytes]:
    """Encoded pictures of a parquet; raises DatasetError with all rows that hold none."""
    # Hugging Face's data sets wrap the bytes: {"bytes": …, "path": …}.
    cells = [cell.get("bytes") if isinstance(cell, dict) else cell for cell in column]
    wrong = [
        int(row) + 1
        for row, cell in zip(column.index, cells, strict=True)
        if not isinstance(cell, bytes) or not cell
    ]
    if wrong:
        raise DatasetError(
            f"Column image of {name} must hold encoded bytes ({FORMAT_WORDS}); it does not in "
            f"{rows_text(wrong)}."
        )
    return [bytes(cell) for cell in cells if cell]
