"""A stranger's parquet, read in a process of its own: a few bytes of it can unpack to gigabytes.

What a parquet says of its own size need not be true, and one picture may stand in a thousand rows.
So the process has limits that the operating system keeps, and each picture is handed over once.
"""

import io
import json
import re
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from core.errors import DatasetError
from core.pictures import isolated
from core.pictures.files.names import texts

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow.parquet import ParquetFile

MAX_PICTURES_BYTES: Final = 400_000_000  # different pictures, held in memory together
MEMORY_BYTES: Final = 1_500_000_000
MAX_TEXT_CHARACTERS: Final = 50_000_000  # of all cells beside the pictures, as a csv may have
SECONDS: Final = 30
AT_A_TIME: Final = 2  # however many people have sent one
_ROWS_AT_A_TIME: Final = 16
_LENGTH: Final = 8
# Arrow's names for columns of bytes, not of lists or structures that hold some.
_PLAIN_BYTES: Final = re.compile(r"(dictionary<values=)?(large_|fixed_size_)?binary")


_places = threading.BoundedSemaphore(AT_A_TIME)


class ParquetRefusedError(DatasetError):
    """A parquet that is damaged, or asks for more than is allowed."""

    kind = "parquet_refused"


def read_parquet(
    data: bytes, *, max_rows: int, max_columns: int, max_cells: int
) -> "pd.DataFrame":
    """The table with pictures as bytes in `image`, and other columns whose bytes are text.

    Waits where `AT_A_TIME` others are read.

    Raises:
        ParquetRefusedError: if it cannot be read within the limits.
    """
    limits = map(str, (max_rows, max_columns, max_cells))
    module = "services.bias_audit.parquet_table"
    try:
        with _places:
            return isolated.ask(module, *limits, data=data, read=table_of, seconds=2 * SECONDS)
    except EOFError as exc:
        raise ParquetRefusedError(
            "The parquet needs more memory or time than is allowed "
            f"({MEMORY_BYTES / 1e9:.1f} GB, {SECONDS} s); please make smaller files of it."
        ) from exc


def table_of(sent: BinaryIO) -> "pd.DataFrame":
    """What `answer` wrote as a table; equal pictures are one object.

    Raises:
        ParquetRefusedError: if that was written.
        EOFError: if it ends too early.
    """
    import pandas as pd  # the process does without

    pictures = list(_parts(sent))
    said = json.loads(pictures.pop())
    if "refused" in said:
        raise ParquetRefusedError(said["refused"])
    columns: dict[str, list[Any]] = said["columns"]
    if "image" in columns:
        places = columns["image"]
        columns["image"] = [None if at is None else pictures[at] for at in places]
    return pd.DataFrame(columns)


def _parts(sent: BinaryIO) -> Iterator[bytes]:
    """Pictures, each after its length, and what is said last after a length of 0."""
    while True:
        length = int.from_bytes(isolated.exactly(sent, _LENGTH), "big")
        if length == 0:
            yield isolated.exactly(sent, int.from_bytes(isolated.exactly(sent, _LENGTH), "big"))
            return
        yield isolated.exactly(sent, length)


def _main(*limits: int) -> None:
    """From standard input to standard output."""
    import pyarrow.parquet  # noqa: F401 - before the limits: its libraries take memory, too

    data = sys.stdin.buffer.read()
    isolated.limit_myself(memory_bytes=MEMORY_BYTES, processor_s=SECONDS)
    try:
        answer(data, sys.stdout.buffer, *limits)
    except MemoryError:
        sys.exit(1)


def answer(data: bytes, out: BinaryIO, *limits: int) -> None:
    """Write the pictures of a parquet and what is said of its rows, or a refusal.

    `limits` are of rows, columns and cells.

    Raises:
        MemoryError: if there is too little.
    """
    try:
        said: dict[str, Any] = {"columns": _columns(data, _Pictures(out), *limits)}
    except ParquetRefusedError as refusal:
        said = {"refused": str(refusal)}
    except MemoryError:
        raise
    except Exception as exc:  # Arrow raises a dozen kinds for files that are not what they seem
        if "allocation failed" in str(exc) or "malloc" in str(exc):
            raise MemoryError from exc
        said = {"refused": "The parquet file is damaged or no parquet at all."}
    body = json.dumps(said, default=str).encode()
    out.write(bytes(_LENGTH) + len(body).to_bytes(_LENGTH, "big") + body)


def _columns(
    data: bytes, pictures: "_Pictures", max_rows: int, max_columns: int, max_cells: int
) -> dict[str, list[Any]]:
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(io.BytesIO(data), memory_map=False)
    names, n_rows = file.schema_arrow.names, file.metadata.num_rows
    if len(set(names)) < len(names):
        raise ParquetRefusedError("The parquet has two columns of one name; please rename one.")
    if len(names) > max_columns or n_rows > max_rows:
        raise ParquetRefusedError(
            f"The parquet has {n_rows:,} rows and {len(names):,} columns; "
            f"the limits are {max_rows:,} and {max_columns:,}."
        )
    image = next((name for name in names if name.strip().lower() == "image"), "image")
    image = "image" if "image" in names else image
    kept = [name for name in names if name == image or _may_be_text(file, name)]
    if len(kept) * n_rows > max_cells:
        raise ParquetRefusedError(
            f"The parquet has {len(kept) * n_rows:,} cells; at most {max_cells:,} may be there."
        )
    columns: dict[str, list[Any]] = {name: [] for name in kept}
    n_characters = 0
    for batch in file.iter_batches(batch_size=_ROWS_AT_A_TIME, columns=kept):
        for name in kept:
            cells = batch.column(batch.schema.get_field_index(name)).to_pylist()
            if name == image:
                columns[name] += map(pictures.place_of, cells)
            elif name in columns and (found := texts(name, cells)) is not None:
                columns[name] += found
                n_characters += sum(len(str(cell)) for cell in found)
            else:  # bytes that are no text
                columns.pop(name, None)
        if n_characters > MAX_TEXT_CHARACTERS:
            raise ParquetRefusedError(
                f"The parquet's columns beside the pictures have more than "
                f"{MAX_TEXT_CHARACTERS / 1e6:.0f} MB."
            )
    return {"image" if name == image else name: cells for name, cells in columns.items()}


def _may_be_text(file: "ParquetFile", name: str) -> bool:
    """Whether a column holds no bytes, or so few that they may well be text."""
    kind = str(file.schema_arrow.field(name).type)
    if "binary" not in kind:
        return True
    groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
    parts = (group.column(i) for group in groups for i in range(group.num_columns))
    n_bytes = sum(p.total_uncompressed_size for p in parts if p.path_in_schema == name)
    return bool(_PLAIN_BYTES.match(kind)) and n_bytes <= MAX_TEXT_CHARACTERS


class _Pictures:
    """Hands each different picture over once and remembers its place."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._places: dict[bytes, int] = {}
        self._n_bytes = 0

    def place_of(self, cell: Any) -> int | None:
        """Its place among the pictures handed over; None where there is none."""
        # Hugging Face's data sets wrap the bytes: {"bytes": …, "path": …}.
        picture = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(picture, bytes) or not picture:
            return None
        digest = sha256(picture).digest()
        if digest not in self._places:
            self._n_bytes += len(picture)
            if self._n_bytes > MAX_PICTURES_BYTES:
                raise ParquetRefusedError(
                    f"The parquet's pictures have more than {MAX_PICTURES_BYTES / 1e6:.0f} MB."
                )
            self._places[digest] = len(self._places)
            self._out.write(len(picture).to_bytes(_LENGTH, "big") + picture)
        return self._places[digest]


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:]))
