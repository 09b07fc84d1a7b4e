"""Small files beside the database: written whole or not at all, removed for good."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

DRAFT_SUFFIX = ".tmp"
RESERVE_FILE = "reserve"
# Room for the write-ahead log of an erasure, whose rows are overwritten with zeros.
RESERVE_BYTES = 8 << 20


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` so that a crash leaves the old file or the new one, never a part.

    The file is readable by its owner only. Missing folders are made.

    Raises:
        OSError: the disk is full or the folder may not be written; no draft is left then.
    """
    # Each by itself: `parents=True` makes those above with whatever rights the umask leaves.
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}{DRAFT_SUFFIX}")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def remove(path: Path, *, overwrite: bool = False) -> bool:
    """Remove the file at `path`, a missing one is fine; return whether there was one.

    Overwriting it with zeros first is for keys, whose few bytes decide over all else.

    Raises:
        OSError: it is there and cannot be removed.
    """
    try:
        if overwrite:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def hold_reserve(data_dir: Path) -> None:
    """Hold space back for removals, as long as there is more than enough of it."""
    path = data_dir / RESERVE_FILE
    with contextlib.suppress(OSError):
        if path.exists() or shutil.disk_usage(data_dir).free < 4 * RESERVE_BYTES:
            return
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)


def give_up_reserve(data_dir: Path, *, if_tight: bool) -> bool:
    """Free the space held back, or only where little else is; return whether there was any."""
    if if_tight and shutil.disk_usage(data_dir).free >= RESERVE_BYTES:
        return False
    return remove(data_dir / RESERVE_FILE)


def sync_folder(folder: Path) -> None:
    """Make removals in `folder` survive a power cut; a missing folder is fine."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
