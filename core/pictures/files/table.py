"""The one reader of tables that people make: csv in any spelling, parquet, and the paths in them.

Text cells stay text: "007" is no number, "NA" is a name, and an empty cell is "". What was taken
for granted, such as the encoding, is said in a note. The first row under the header is row 1.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pandas as pd

from core.errors import DatasetError
from core.pictures.files.names import printable, texts
from core.pictures.files.walk import is_file, is_there

MAX_BYTES: Final = 200_000_000
MAX_COLUMNS: Final = 500
MAX_CELLS: Final = 2_000_000  # of a csv; each becomes an object of its own
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".parquet", ".pq")
# Tables that people have and that are not read.
OTHER_TABLES: Final = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers", ".json", ".jsonl", ".ndjson")

# Excel's files, new (a ZIP) and old, whatever their names say.
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_NAMED_ROWS: Final = 8
_SEPARATORS: Final = ",;\t|"
# Excel's own way to say which separator a csv has, in a line before the header.
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"\r\n])"?\r?\n', re.IGNORECASE)
_KNOWN: Final = ("path", "image", "label", "split", "boxes_xyxy")
# Tried where the text is no UTF-8 and the guess names files that are not there.
_ENCODINGS: Final = ("cp1252", "mac_roman", "cp850", "cp1250", "cp1251", "shift_jis", "gb18030")


@dataclass(frozen=True, eq=False)
class Table:
    """A table with what is to be said of it."""

    # `index + 1` is the row in the file; the names `path`, `image`, `label`, `split` are in small
    # letters, however the file writes them
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()  # sentences for the user


def read_table(name: str, data: bytes, *, exists: Callable[[str], bool] | None = None) -> Table:
    """The table in a csv (comma, semicolon, tab or bar) or parquet.

    `exists` says whether a path of the table is there: it settles in which encoding that is.

    Raises:
        DatasetError: it is no table, has no rows, or more columns than anybody needs.
    """
    suffix, name = Path(name).suffix.lower(), printable(name)
    if suffix not in SUFFIXES or data.startswith(_WORKBOOKS):
        raise DatasetError(not_a_table(name))
    if len(data) > MAX_BYTES:
        raise DatasetError(
            f"{name} has {len(data) / 1e6:.0f} MB; the limit of a table is {MAX_BYTES / 1e6:.0f}."
        )
    is_parquet = suffix in (".parquet", ".pq")
    frame, notes = _parquet(name, data) if is_parquet else _csv(name, data, exists)
    frame = with_known_names(frame)
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


def not_a_table(name: str) -> str:
    """That a file is not read as a table, and what to do."""
    called = ", whatever its name says" if name.lower().endswith(SUFFIXES) else ""
    return f"{name} is neither a .parquet nor a .csv file{called}; please save the table as one."


def read_table_file(path: Path) -> Table:
    """`read_table` of a file on disk, whose paths start at its folder.

    Raises:
        DatasetError: also where the file cannot be read, or is a pipe or a device.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(not_a_table(printable(path.name)))
    return read_table(
        path.name, read_bytes(path), exists=lambda text: is_file(locate(text, path.parent))
    )


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        DatasetError: it cannot be read, or is a folder, a pipe or a device.
    """
    try:
        if is_there(path) and not is_file(path):
            raise DatasetError(f"{printable(path.name)} cannot be read: it is no file.")
        return path.read_bytes()
    except OSError as exc:
        raise DatasetError(f"{printable(path.name)} cannot be read: {exc.strerror}.") from exc


def locate(text: str, folder: Path) -> Path:
    """Where a path of a table leads: from the table's folder, Windows' separators understood.

    So are `~` and addresses of files (`file://`).

    A letter with its accent can be one character or two; Macs write two, most tables one.
    """
    text = text.strip()
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    with suppress(RuntimeError):  # there is no such person
        text = str(Path(text).expanduser()) if text.startswith("~") else text
    plain = (text, text.replace("\\", "/"))
    composed = (unicodedata.normalize("NFC", one) for one in plain)
    apart = (unicodedata.normalize("NFD", one) for one in plain)
    spellings = (*plain, *composed, *apart)
    return next((folder / one for one in spellings if is_there(folder / one)), folder / text)


def find_files(column: "pd.Series[str]", folder: Path) -> tuple[list[Path], list[str]]:
    """The files that a column of paths names, and what to say of them.

    Raises:
        DatasetError: some are not there; all of their rows are named.
    """
    column = column.fillna("")
    files = [locate(str(text), folder) for text in column]
    rows = [int(row) + 1 for row in column.index]
    absent = [
        (row, text)
        for row, text, file in zip(rows, column, files, strict=True)
        if not str(text).strip() or not is_file(file)
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


def with_known_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Names such as " Path" as `path`, where no other column has that name already."""
    columns = list(map(str, frame.columns))
    found: dict[str, str] = {}
    for column in columns:
        small = column.strip().lower()
        if small in _KNOWN and small not in columns and small not in found.values():
            found[column] = small
    return frame.rename(columns=found)


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
    if (marked := _unicode_by_bytes(data)) is not None:
        yield marked
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


def _unicode_by_bytes(data: bytes) -> str | None:
    """UTF-16 or UTF-32 by its mark, or by the zeros of Latin letters where the mark is missing."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:1000]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[first::2].count(0) > len(head) / 4 and not head[1 - first :: 2].count(0):
            return encoding
    return None


def _encoding_note(encoding: str) -> tuple[str, ...]:
    if encoding in ("utf-8-sig", "utf-16", "utf-32"):
        return ()
    return (f"The csv is no UTF-8; it was read as {encoding}.",)


def _parse(name: str, text: str) -> pd.DataFrame:
    text = text.lstrip("\r\n")
    said = _SEPARATOR_LINE.match(text)
    text = text[said.end() :] if said else text
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = said[1] if said else max(_SEPARATORS, key=header.count)  # a comma where none is
    n_columns = header.count(separator) + 1
    n_cells = text.count(separator) + max(text.count("\n"), text.count("\r"))
    if n_columns > MAX_COLUMNS:
        raise DatasetError(
            f"{name} has {n_columns:,} columns; at most {MAX_COLUMNS} may be there."
        )
    if n_cells > MAX_CELLS:
        raise DatasetError(
            f"{name} has about {n_cells:,} cells; at most {MAX_CELLS:,} may be there."
        )
    columns, rows = _cells(name, text, separator)
    frame = pd.DataFrame(rows, columns=columns, dtype=str)
    # Rows without any cell, as spreadsheets leave them at the end, count and are passed over.
    return frame[(frame.map(str.strip) != "").any(axis=1)] if len(frame) else frame


def _cells(name: str, text: str, separator: str) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and rows with a cell for each; what a row has more must be empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header, *rows = [*reader] or [[]]
    except csv.Error as exc:
        raise DatasetError(
            f"{name} cannot be read as csv: line {reader.line_num:,} has a quotation mark that is "
            "not closed, or a cell that is far too long."
        ) from exc
    if not any(map(str.strip, header)):
        raise DatasetError(f"{name} cannot be read as csv: it is empty.")
    n_columns = len(header)
    wide = [row for row, cells in enumerate(rows, 1) if any(map(str.strip, cells[n_columns:]))]
    if wide:
        raise DatasetError(
            f"{name} has more cells than columns in {rows_text(wide)}; a cell that holds the "
            "separator must stand in quotation marks."
        )
    even = [(cells + [""] * n_columns)[:n_columns] for cells in rows]
    return _distinct([c or f"Unnamed: {i}" for i, c in enumerate(header)]), even


def _distinct(columns: list[str]) -> list[str]:
    """Columns of one name numbered from the second on, such as `note.1`."""
    seen: Counter[str] = Counter()
    names = []
    for column in columns:
        names.append(f"{column}.{seen[column]}" if seen[column] else column)
        seen[column] += 1
    return names


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
        frame: pd.DataFrame = file.read().to_pandas()
    except Exception as exc:
        raise DatasetError(f"{name} cannot be read as parquet; it is damaged or none.") from exc
    # An index that has a name was a column.
    frame = frame.reset_index(drop=not any(frame.index.names))
    for column in frame.columns:
        if isinstance(frame[column].dtype, pd.CategoricalDtype):
            frame[column] = frame[column].astype(object)
        if column.strip().lower() != "image" and frame[column].dtype == object:
            found = texts(column, frame[column])
            frame[column] = frame[column] if found is None else pd.Series(found, dtype=object)
    return frame, ()
