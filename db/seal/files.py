"""Small files beside the database: written whole or not at all, removed for good."""

import os
import secrets
from pathlib import Path

DRAFT_SUFFIX = ".tmp"


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` so that a crash leaves the old file or the new one, never a part.

    The file is readable by its owner only. Missing folders are made.

    Raises:
        OSError: the disk is full or the folder may not be written; no draft is left then.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    """Remove the file at `path`; a missing one is fine.

    Args:
        path: the file.
        overwrite: write zeros over it first; for keys, whose few bytes decide over all else.

    Returns:
        Whether there was a file.

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


def sync_folder(folder: Path) -> None:
    """Make removals in `folder` survive a power cut; a missing folder is fine."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
