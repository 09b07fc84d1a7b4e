"""The one reader of tables that people make: csv in any spelling, parquet, and the paths in them.

Text cells stay text: "007" is no number, "NA" is a name, and an empty cell is "". What was taken
for granted, such as the encoding, is said in a note. The first row under the header is row 1.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from core.errors import DatasetError
from core.pictures.files.names import printable

MAX_BYTES: Final = 200_000_000
MAX_COLUMNS: Final = 500
MAX_CELLS: Final = 2_000_000  # of a csv; each becomes an object of its own
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".parquet", ".pq")

_NAMED_ROWS: Final = 8
_KNOWN: Final = ("path", "image", "label", "split", "boxes_xyxy")
# Tried where the text is no UTF-8 and the guess names files that are not there.
_ENCODINGS: Final = ("cp1252", "mac_roman", "cp850", "cp1250", "cp1251", "shift_jis", "gb18030")


@dataclass(frozen=True, eq=False)
class Table:
    """A table with what is to be said of it.

    Attributes:
        frame: `index + 1` is the row in the file; the names `path`, `image`, `label`, `split` are
            in small letters, however the file writes them.
        notes: sentences for the user.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_table(name: str, data: bytes, *, exists: Callable[[str], bool] | None = None) -> Table:
    """The table in a csv (comma, semicolon or tab) or parquet.

    Args:
        name: of the file; its ending says which of the two it is.
        data: its content.
        exists: whether a path of the table is there; settles in which encoding it is written.

    Raises:
        DatasetError: it is no table, has no rows, or more columns than anybody needs.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise DatasetError(f"{name} is neither a .parquet nor a .csv file.")
    if len(data) > MAX_BYTES:
        raise DatasetError(
            f"{name} has {len(data) / 1e6:.0f} MB; the limit of a table is {MAX_BYTES / 1e6:.0f}."
        )
    is_parquet = suffix in (".parquet", ".pq")
    frame, notes = _parquet(name, data) if is_parquet else _csv(name, data, exists)
    frame = frame.rename(columns=_small_letters(list(map(str, frame.columns))))
    twice = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise DatasetError(f"{name} has two columns of one name: {', '.join(twice)}.")
    if len(frame.columns) > MAX_COLUMNS:
        raise DatasetError(
            f"{name} has {len(frame.columns):,} columns; at most {MAX_COLUMNS} are read."
        )
    if frame.empty:
        raise DatasetError(f"{name} has no rows; at least one picture is needed.")
    return Table(frame, notes)


def read_table_file(path: Path) -> Table:
    """`read_table` of a file on disk, whose paths start at its folder.

    Raises:
        DatasetError: also where the file cannot be read, or is a pipe or a device.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(f"{path.name} is neither a .parquet nor a .csv file.")
    try:
        if path.exists() and not path.is_file():
            raise DatasetError(f"{path.name} cannot be read: it is no file.")
        data = path.read_bytes()
    except OSError as exc:
        raise DatasetError(f"{path.name} cannot be read: {exc.strerror}.") from exc
    return read_table(path.name, data, exists=lambda text: locate(text, path.parent).is_file())


def locate(text: str, folder: Path) -> Path:
    """Where a path of a table leads: from the table's folder, Windows' separators understood."""
    text = text.strip()
    path = folder / text
    if "\\" in text and not path.exists():
        return folder / text.replace("\\", "/")
    return path


def find_files(column: "pd.Series[str]", folder: Path) -> tuple[list[Path], list[str]]:
    """The files that a column of paths names, and what to say of them.

    Raises:
        DatasetError: some are not there; all of their rows are named.
    """
    files = [locate(str(text), folder) for text in column]
    rows = [int(row) + 1 for row in column.index]
    absent = [
        (row, text)
        for row, text, file in zip(rows, column, files, strict=True)
        if not str(text).strip() or not file.is_file()
    ]
    if absent:
        raise DatasetError(missing_words(absent))
    return files, duplicate_notes(list(map(str, files)))


def missing_words(absent: Sequence[tuple[int, str]]) -> str:
    """Which pictures of a table are not there: row and name of the first eight."""
    named = ", ".join(
        f"{row} ({printable(str(text))})" if str(text).strip() else f"{row} (no path)"
        for row, text in absent[:_NAMED_ROWS]
    )
    more = len(absent) - _NAMED_ROWS
    which = f"picture of row {named} is" if len(absent) == 1 else f"pictures of rows {named}"
    and_more = f" and {more:,} more" if more > 0 else ""
    verb = "" if len(absent) == 1 else " are"
    return f"The {which}{and_more}{verb} not where path says."


def duplicate_notes(paths: Sequence[str]) -> list[str]:
    """A note where rows name a picture that an earlier row names, too."""
    n = len(paths) - len(set(paths))
    if not n:
        return []
    which = "1 row names" if n == 1 else f"{n:,} rows name"
    return [f"{which} a picture that an earlier row names, too; each row counts."]


def rows_text(rows: Sequence[int]) -> str:
    """`rows_text([3])` is "row 3"; longer lists name the first eight and count the others."""
    named = ", ".join(map(str, rows[:_NAMED_ROWS]))
    more = len(rows) - _NAMED_ROWS
    return f"row{'s' * (len(rows) > 1)} {named}" + (f" and {more} more" if more > 0 else "")


def _small_letters(columns: list[str]) -> dict[str, str]:
    """Names such as " Path" -> "path", where no other column has that name already."""
    found: dict[str, str] = {}
    for column in columns:
        small = column.strip().lower()
        if small in _KNOWN and small not in columns and small not in found.values():
            found[column] = small
    return found


def _csv(
    name: str, data: bytes, exists: Callable[[str], bool] | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    first: tuple[str, pd.DataFrame] | None = None
    for encoding in _encodings(data):
        try:
            frame = _parse(name, data.decode(encoding))
        except UnicodeDecodeError:
            continue
        first = first or (encoding, frame)
        paths = next((frame[c] for c in frame.columns if str(c).strip().lower() == "path"), None)
        if exists is None or paths is None or all(exists(str(text)) for text in paths):
            return frame, _encoding_note(encoding)
    if first is None:
        raise DatasetError(f"{name} cannot be read as csv: its letters are in no known encoding.")
    return first[1], _encoding_note(first[0])


def _encodings(data: bytes) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
        return
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data[:200_000]).best()
        # A short table of Western names looks like many encodings; this is by far the commonest.
        western = best is None or best.encoding in ("cp1250", "cp1252", "latin_1", "iso8859_15")
        guessed = "cp1252" if best is None or western else best.encoding
        yield guessed
        yield from (encoding for encoding in _ENCODINGS if encoding != guessed)
    else:
        yield "utf-8-sig"


def _encoding_note(encoding: str) -> tuple[str, ...]:
    if encoding in ("utf-8-sig", "utf-16"):
        return ()
    return (f"The csv is no UTF-8; it was read as {encoding}.",)


def _parse(name: str, text: str) -> pd.DataFrame:
    text = text.lstrip("\r\n")
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)  # a comma where there is none of them
    n_columns, n_cells = header.count(separator) + 1, text.count(separator) + text.count("\n")
    if n_columns > MAX_COLUMNS:
        raise DatasetError(
            f"{name} has {n_columns:,} columns; at most {MAX_COLUMNS} may be there."
        )
    if n_cells > MAX_CELLS:
        raise DatasetError(
            f"{name} has about {n_cells:,} cells; at most {MAX_CELLS:,} may be there."
        )
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            index_col=False,
        )
    except MemoryError:
        raise
    except Exception as exc:  # pandas raises many kinds for what is no table
        reason = str(exc).split("\n", 1)[0][:200].rstrip(".")
        raise DatasetError(f"{name} cannot be read as csv: {reason}.") from exc
    frame = frame.fillna("")
    # Rows without any cell, as spreadsheets leave them at the end, count and are passed over.
    return frame[(frame.map(str.strip) != "").any(axis=1)] if len(frame) else frame


def _parquet(name: str, data: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        n_bytes = sum(group.total_byte_size for group in groups)
    # Arrow raises a dozen kinds of errors for files that are not what they seem.
    except Exception as exc:
        raise DatasetError(f"{name} cannot be read as parquet; it is damaged or none.") from exc
    if n_bytes > 4 * MAX_BYTES:  # column stores pack a million equal values into a few bytes
        raise DatasetError(
            f"{name} unpacks to {n_bytes / 1e6:.0f} MB; the limit is {4 * MAX_BYTES / 1e6:.0f} MB."
        )
    try:
        frame: pd.DataFrame = file.read().to_pandas().reset_index(drop=True)
    except Exception as exc:
        raise DatasetError(f"{name} cannot be read as parquet; it is damaged or none.") from exc
    return frame, ()
