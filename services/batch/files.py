"""Which files a batch is about: a folder, a pattern, a table of paths, here or behind a URL.

Files come one after another and always in the same order; of a folder no more than its own names
are in memory at a time.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.errors import DatasetError, MienError
from core.pictures.files.kinds import is_leftover, is_photo_name, passed_over
from core.pictures.files.names import printable
from core.pictures.files.table import (
    MAX_BYTES,
    OTHER_TABLES,
    duplicate_notes,
    locate,
    missing_words,
    not_a_table,
    read_table,
)
from core.pictures.files.table import SUFFIXES as TABLES
from core.pictures.files.walk import files_below, is_file, is_folder

_ZIP: Final = "A ZIP is not looked into here; please unpack it and name its folder."
_MAGIC: Final = re.compile(r"[*?\[]")


class BatchError(MienError):
    """A batch that cannot be begun or gone on with as asked."""

    kind = "batch_error"


def is_url(path: str) -> bool:
    """Whether `path` is for fsspec, such as "s3://bucket/a.jpg", and not of this machine."""
    return "://" in path


def iter_files(source: str, notes: list[str] | None = None) -> Iterator[str]:
    """The files of `source`: absolute paths, or URLs where the source is one.

    Args:
        source: a folder (searched through, by suffix), a pattern with `*`, `**`, `?` or `[]`, a
            csv or parquet with a column `path` (relative ones start at the table's folder), or
            one picture; each also as a URL that fsspec knows. What exists is no pattern.
        notes: takes sentences on what was passed over or taken for granted.

    Raises:
        BatchError: if there is no such thing, or nothing in it.
    """
    n_files, said = 0, [] if notes is None else notes
    try:
        for file in _iter(source, said):
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
        told = " ".join(["The source holds no photo and no path of one.", *said])
        raise BatchError(told)


def _iter(source: str, notes: list[str]) -> Iterator[str]:
    is_there = _is_folder(source) or _exists(source)
    if not is_there and _MAGIC.search(source):
        yield from _matching(source, notes)
        return
    suffix = Path(source).suffix.lower()
    if _is_folder(source):
        others: list[str] = []
        for file in _walk(source, others):
            name = file.rpartition("/")[2]
            if is_photo_name(name):
                yield file
            else:
                others.append(name)
        notes.append(passed_over(others))
    elif suffix in (*OTHER_TABLES, ".zip") and is_there:
        name = printable(source.rpartition("/")[2])
        raise BatchError(_ZIP if suffix == ".zip" else not_a_table(name))
    elif suffix in TABLES and is_there:
        yield from _table_paths(source, notes)
    elif is_there:
        yield source if is_url(source) else str(Path(source).absolute())
    elif suffix in TABLES:
        raise BatchError("The table of paths cannot be opened; does it exist?")
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
        return is_folder(source)
    fs, path = _filesystem(source)
    return bool(fs.isdir(path))


def _exists(source: str) -> bool:
    if not is_url(source):
        return is_file(source)
    fs, path = _filesystem(source)
    return bool(fs.isfile(path))


def _walk(folder: str, others: list[str]) -> Iterator[str]:
    """All files under a folder, each folder's entries in the order of their names."""
    if is_url(folder):
        fs, path = _filesystem(folder)
        found = (file for file in _walk_remote(fs, path) if not is_leftover(file[len(path) :]))
        yield from (str(fs.unstrip_protocol(file)) for file in found)
    else:
        yield from files_below(str(Path(folder).absolute()), others)


def _walk_remote(fs: Any, folder: str) -> Iterator[str]:
    found = sorted((str(entry["name"]), entry["type"]) for entry in fs.ls(folder, detail=True))
    for name, kind in found:
        if kind == "directory":
            yield from _walk_remote(fs, name)
        else:
            yield name


def _matching(pattern: str, notes: list[str]) -> Iterator[str]:
    """Files under the pattern's first folders, which exist as they are written, that fit the rest.

    Capitals do not count: cameras write .JPG.
    """
    from fsspec.utils import glob_translate

    fs, full = _filesystem(pattern) if is_url(pattern) else (None, str(Path(pattern).absolute()))
    parts = full.split("/")
    n_base = next((i for i, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
    while fs is None and is_folder("/".join(parts[: n_base + 1])):
        n_base += 1
    base = "/".join(parts[:n_base]) or "/"
    rest = glob_translate("/".join(parts[n_base:]))
    fits = re.compile(rest, re.IGNORECASE).match

    def inside(file: str) -> str:
        return file[len(base) :].lstrip("/")

    if fs is not None:
        found = (file for file in _walk_remote(fs, base) if fits(inside(file)))
        yield from (fs.unstrip_protocol(file) for file in found)
    elif is_folder(base):
        unread: list[str] = []
        yield from (file for file in files_below(base, unread) if fits(inside(file)))
        notes.append(passed_over(unread))
    else:
        raise BatchError("The folder of this pattern does not exist, or may not be read.")


def _table_paths(source: str, notes: list[str]) -> Iterator[str]:
    """Paths of a table made absolute: relative ones start at its folder."""
    url = is_url(source)
    folder = source.rpartition("/")[0] if url else str(Path(source).absolute().parent)
    exists = None if url else lambda text: is_file(locate(text, Path(folder)))
    try:
        table = read_table(source.rpartition("/")[2], _content(source), exists=exists)
    except DatasetError as exc:
        raise BatchError(str(exc)) from exc
    if "path" not in table.frame.columns:
        raise BatchError("The table of files needs a column path.")
    column = table.frame["path"].fillna("").map(str)
    column = column[column.str.strip() != ""]
    notes += table.notes
    if url:
        yield from (text if is_url(text) else f"{folder}/{text.strip()}" for text in column)
        return
    files = [text if is_url(text) else str(locate(text, Path(folder))) for text in column]
    absent = [
        (int(row) + 1, text)
        for row, text, file in zip(column.index, column, files, strict=True)
        if not is_url(text) and not is_file(file)
    ]
    if absent:
        notes.append(f"{missing_words(absent)} The others are analysed.")
    notes += duplicate_notes(files)
    yield from files


def _content(source: str) -> bytes:
    """A table's bytes; fsspec is for URLs alone: it takes "a::b.csv" for a chain of them."""
    if is_url(source):
        import fsspec

        with fsspec.open(source, "rb") as remote:
            content: bytes = remote.read(MAX_BYTES + 1)
            return content
    try:
        with Path(source).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise BatchError(f"The table of paths cannot be read ({exc.strerror}).") from exc
