"""Files that a person asked for: checked before the work, and there whole or not at all."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MienError
from core.pictures.files.names import ESCAPE, printable
from core.pictures.files.walk import is_folder

_PROBE = bytes(64 * 1024)  # on a full disk an empty file can still be made


class OutputError(MienError):
    """A result that cannot be written where it should go; the person named the place."""

    kind = "output_error"


def check_output(path: Path) -> None:
    """Say before minutes of work that a file cannot be written, as far as that can be known.

    Raises:
        OutputError: it is a folder, has no folder, may not be written, or the disk is full.
    """
    try:
        if path.is_dir():
            raise OutputError(f"{_named(path)} cannot be written: it is a folder.")
        if path.exists() and not path.is_file():  # such as /dev/stdout
            return
        with appearing(path, keep=False) as probe:
            probe.write_bytes(_PROBE)
    except OSError as exc:
        raise _failed(path, exc) from exc


def write_output(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write a whole file, text as UTF-8, or leave what was there.

    A `private` one is for its owner alone.

    Raises:
        OutputError: it cannot be written.
    """
    data = content.encode("utf-8", ESCAPE) if isinstance(content, str) else content
    try:
        with appearing(path) as unfinished:
            if private:
                unfinished.touch(0o600)
            unfinished.write_bytes(data)
    except OSError as exc:
        raise _failed(path, exc) from exc


@contextmanager
def appearing(path: Path, *, keep: bool = True) -> Iterator[Path]:
    """A file to write beside `path`; on success it is on disk and takes its name.

    Without `keep` it is only tried, and nothing is left.
    """
    if path.exists() and not path.is_file():  # such as /dev/stdout: nothing is beside a device
        yield path
        return
    # Of a link, the file changes; `Path.resolve` has an error of its own for links in a circle.
    path = Path(os.path.realpath(path))
    unfinished = path.with_name(f"_unfinished-{uuid.uuid4().hex}")
    try:
        yield unfinished
        if keep:
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _named(path: Path) -> str:
    return printable(str(path))


def _failed(path: Path, exc: OSError) -> OutputError:
    if exc.errno in (errno.ENOENT, errno.ENOTDIR) and not is_folder(path.absolute().parent):
        return OutputError(
            f"{_named(path)} cannot be written: the folder {_named(path.absolute().parent)} "
            "does not exist."
        )
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"{_named(path)} cannot be written: the disk is full.")
    return OutputError(f"{_named(path)} cannot be written: {exc.strerror}.")
