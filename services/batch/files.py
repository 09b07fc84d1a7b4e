"""Which files a batch is about: a folder, a pattern, a table of paths, here or behind a URL.

Files come one after another and always in the same order; of a folder no more than its own names
are in memory at a time.
"""

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.errors import MienError
from core.pictures.kinds import SUFFIXES

_MAGIC: Final = re.compile(r"[*?\[]")


class BatchError(MienError):
    """A batch that cannot be begun or gone on with as asked."""

    kind = "batch_error"


def is_url(path: str) -> bool:
    """Whether `path` is for fsspec, such as "s3://bucket/a.jpg", and not of this machine."""
    return "://" in path


def iter_files(source: str) -> Iterator[str]:
    """The files of `source`: absolute paths, or URLs where the source is one.

    Args:
        source: a folder (searched through, by suffix), a pattern with `*`, `**`, `?` or `[]`, a
            .csv or .parquet with a column `path` (relative ones start at the table's folder), or
            one picture; each also as a URL that fsspec knows.

    Raises:
        BatchError: if there is no such thing, or nothing in it.
    """
    n_files = 0
    try:
        for file in _iter(source):
            n_files += 1
            yield file
    except MienError:
        raise
    except Exception as exc:
        if not is_url(source):
            raise
        # Each kind of storage has errors of its own, and their texts can hold its address.
        raise BatchError(f"The source cannot be read ({type(exc).__name__}).") from exc
    if not n_files:
        raise BatchError(f"The source holds no {', '.join(SUFFIXES)} file and no path of one.")


def _iter(source: str) -> Iterator[str]:
    if _MAGIC.search(source):
        yield from _matching(source)
        return
    suffix = Path(source).suffix.lower()
    if suffix == ".csv":
        yield from _based(_csv_paths(source), source)
    elif suffix in (".parquet", ".pq") and not _is_folder(source):
        yield from _based(_parquet_paths(source), source)
    elif _is_folder(source):
        yield from (file for file in _walk(source) if file.lower().endswith(SUFFIXES))
    elif _exists(source):
        yield source if is_url(source) else str(Path(source).absolute())
    else:
        raise BatchError("The source does not exist, or may not be read.")


def _filesystem(url: str) -> tuple[Any, str]:
    """Fsspec's file system of a URL and the path in it."""
    import fsspec

    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as exc:
        scheme = url.split("://", 1)[0]
        raise BatchError(f"URLs that begin with {scheme}:// cannot be read here: {exc}.") from exc
    return found


def _is_folder(source: str) -> bool:
    if not is_url(source):
        return Path(source).is_dir()
    fs, path = _filesystem(source)
    return bool(fs.isdir(path))


def _exists(source: str) -> bool:
    if not is_url(source):
        return Path(source).is_file()
    fs, path = _filesystem(source)
    return bool(fs.isfile(path))


def _walk(folder: str) -> Iterator[str]:
    """All files under a folder, each folder's entries in the order of their names."""
    if is_url(folder):
        fs, path = _filesystem(folder)
        yield from (str(fs.unstrip_protocol(file)) for file in _walk_remote(fs, path))
    else:
        yield from _walk_local(str(Path(folder).absolute()))


def _walk_local(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            # Links to folders are left out: they can lead in a circle.
            found = sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if entry.is_dir(follow_symlinks=False) or entry.is_file()
            )
    except OSError as exc:
        raise BatchError(f"A folder of the source cannot be read ({exc.strerror}).") from exc
    for name, is_dir in found:
        path = os.path.join(folder, name)  # noqa: PTH118 - a hundred thousand Path objects
        if is_dir:
            yield from _walk_local(path)
        else:
            yield path


def _walk_remote(fs: Any, folder: str) -> Iterator[str]:
    found = sorted((str(entry["name"]), entry["type"]) for entry in fs.ls(folder, detail=True))
    for name, kind in found:
        if kind == "directory":
            yield from _walk_remote(fs, name)
        else:
            yield name


def _matching(pattern: str) -> Iterator[str]:
    """Files under the last folder without magic whose whole path fits the pattern."""
    from fsspec.utils import glob_translate

    fs, full = _filesystem(pattern) if is_url(pattern) else (None, str(Path(pattern).absolute()))
    base = _MAGIC.split(full, maxsplit=1)[0].rpartition("/")[0] or "/"
    fits = re.compile(glob_translate(full)).match
    if fs is not None:
        yield from (fs.unstrip_protocol(file) for file in _walk_remote(fs, base) if fits(file))
    elif Path(base).is_dir():
        yield from (file for file in _walk_local(base) if fits(file))
    else:
        raise BatchError("The folder of this pattern does not exist, or may not be read.")


def _based(paths: Iterator[str], table: str) -> Iterator[str]:
    """Paths of a table made absolute: relative ones start at its folder."""
    folder = table.rpartition("/")[0] if is_url(table) else str(Path(table).absolute().parent)
    for path in paths:
        if is_url(path) or os.path.isabs(path):  # noqa: PTH117
            yield path
        else:
            yield f"{folder}/{path}"


def _open(table: str, mode: str) -> Any:
    import fsspec

    options = {"encoding": "utf-8-sig", "newline": ""} if mode == "r" else {}
    try:
        return fsspec.open(table, mode, **options).open()
    except (OSError, ValueError, ImportError) as exc:
        raise BatchError("The table of paths cannot be opened; does it exist?") from exc


def _csv_paths(table: str) -> Iterator[str]:
    with _open(table, "r") as file:
        reader = csv.DictReader(file)
        if "path" not in (reader.fieldnames or ()):
            raise BatchError("The csv needs a column path.")
        try:
            yield from (row["path"].strip() for row in reader if (row["path"] or "").strip())
        except (csv.Error, UnicodeDecodeError) as exc:
            raise BatchError("The csv cannot be read as a table; save it as UTF-8.") from exc


def _parquet_paths(table: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    with _open(table, "rb") as file:
        try:
            content = parquet.ParquetFile(file)
        except (pa.ArrowInvalid, OSError) as exc:
            raise BatchError("The parquet file is damaged or no parquet at all.") from exc
        if "path" not in content.schema_arrow.names:
            raise BatchError("The parquet needs a column path.")
        for batch in content.iter_batches(batch_size=4096, columns=["path"]):
            yield from (str(path) for path in batch.column(0).to_pylist() if path)
