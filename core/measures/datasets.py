"""Labelled sets of images that `mien evaluate` measures a model on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import label_index
from core.errors import DatasetError


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Encoded images with their labels; the bytes are read one after another.

    Attributes:
        labels: (n,) in 0..6.
        groups: a column per attribute to group by, n rows.
        name: file name of the set.
        rows: (n,) where each stands in the file; the first row under the header is 1.
    """

    labels: NDArray[np.int64]
    groups: pd.DataFrame
    name: str
    rows: NDArray[np.int64]
    _sources: Sequence[bytes | Path | Callable[[], bytes]]

    def __len__(self) -> int:
        """Count of images."""
        return len(self.labels)

    def encoded(self) -> Iterator[bytes]:
        """The images' bytes, in the order of `labels`.

        Raises:
            DatasetError: if a file that a csv names, or one in a ZIP, cannot be read.
        """
        for row, source in zip(self.rows, self._sources, strict=True):
            if isinstance(source, bytes):
                yield source
                continue
            if not isinstance(source, Path):
                yield source()
                continue
            try:
                yield source.read_bytes()
            except OSError as exc:
                raise DatasetError(f"Row {row}: the image {source} cannot be read.") from exc


def load_labelled(
    path: Path, *, split: str | None = None, group_by: tuple[str, ...] = ()
) -> LabelledImages:
    r"""Open a parquet with columns `image, label` or a csv with `path,label`.

    Args:
        path: the file. Relative paths in a csv start at the csv's folder.
        split: keep only rows whose column `split` says so.
        group_by: further columns to keep.

    Raises:
        DatasetError: if the file, a column, a label or the split is not there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = Path(folder) / "mine.csv"
        ...     _ = table.write_text("path,label\na.jpg,happy\nb.jpg,sad")
        ...     load_labelled(table).labels.tolist()
        [3, 4]
    """
    frame = _read(path)
    is_parquet = path.suffix.lower() == ".parquet"
    source_column = "image" if is_parquet else "path"
    needed = [source_column, "label", *group_by, *(["split"] if split else [])]
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise DatasetError(
            f"{path.name} has no column {', '.join(missing)}; "
            f"it has: {', '.join(map(str, frame.columns))}."
        )
    if split:
        splits = sorted(frame["split"].dropna().astype(str).unique())
        frame = frame[frame["split"].astype(str) == split]
        if frame.empty:
            raise DatasetError(f"{path.name} has no split {split!r}; it has: {', '.join(splits)}.")
    groups = frame[list(dict.fromkeys(group_by))].reset_index(drop=True)
    rows = frame.index.to_numpy(np.int64) + 1
    return LabelledImages(
        _labels(frame, path), groups, path.name, rows, _sources(frame[source_column], path)
    )


def _read(path: Path) -> pd.DataFrame:
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise DatasetError(f"{path.name} is neither a .parquet nor a .csv file.")
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path).reset_index(drop=True)
        # As text: one gap among whole numbers would make all of them fractions.
        return pd.read_csv(path, dtype={"path": str, "label": str, "split": str})
    # The two readers raise a dozen kinds of errors for files that are not what they seem.
    except Exception as exc:
        raise DatasetError(f"{path.name} cannot be read as {suffix[1:]}: {exc}") from exc


def _sources(column: "pd.Series[Any]", path: Path) -> list[bytes | Path]:
    """Encoded images of a parquet, or where a csv says that they lie."""
    sources = column.tolist()
    if column.name == "image":
        if not all(isinstance(source, bytes) for source in sources):
            raise DatasetError(f"Column image of {path.name} must hold encoded bytes (JPEG, PNG).")
        return sources
    for position, source in enumerate(sources):
        if not isinstance(source, str):
            row = column.index[position] + 1
            raise DatasetError(f"{path.name}, row {row}: there is no path.")
    return [path.parent / source for source in sources]


def _labels(frame: pd.DataFrame, path: Path) -> NDArray[np.int64]:
    labels = np.empty(len(frame), np.int64)
    for position, label in enumerate(frame["label"]):
        try:
            labels[position] = label_index(label)
        except ValueError as exc:
            row = frame.index[position] + 1
            raise DatasetError(f"{path.name}, row {row}: {exc}.") from exc
    return labels
