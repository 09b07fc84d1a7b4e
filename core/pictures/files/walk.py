"""What lies where: questions about paths to which nothing on a disk is an exception.

`Path.is_file` and its kin raise for names that are too long and folders that may not be entered;
a person's folder holds such things, and the rest of it is to go on.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from core.pictures.files.kinds import LINKED, NO_FILE, UNREAD, is_leftover, is_photo_name


def is_folder(path: Path | str) -> bool:
    """Whether it is a folder, or leads to one, as far as may be known."""
    return os.path.isdir(path)  # noqa: PTH112 - Path's raises


def is_file(path: Path | str) -> bool:
    """Whether it is a regular file, or leads to one, as far as may be known."""
    return os.path.isfile(path)  # noqa: PTH113 - Path's raises


def is_there(path: Path | str) -> bool:
    """Whether there is anything, as far as may be known."""
    return os.path.exists(path)  # noqa: PTH110 - Path's raises


def files_below(folder: str, others: list[str]) -> Iterator[str]:
    """Regular files under a folder, each folder's entries in the order of their names.

    Links to folders are not followed, because they can lead in a circle. They, folders that may
    not be read, pipes and dead links go into `others` as `passed_over` takes them; leftovers of
    systems are left out.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        others.append(UNREAD)
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if not is_leftover(f"{entry.name}/"):
                yield from files_below(entry.path, others)
        elif is_leftover(entry.name):
            continue
        elif entry.is_file(follow_symlinks=False) or is_file(entry.path):
            yield entry.path
        else:
            others.append(LINKED if is_folder(entry.path) else NO_FILE)


def photos_in(folder: Path) -> tuple[list[Path], list[str]]:
    """Photos under a folder in the order of their paths, and the names of what is no photo.

    Pipes, devices and dead links are among the latter: to open one can wait for good.
    """
    photos: list[Path] = []
    others: list[str] = []
    for file in files_below(str(folder), others):
        path = Path(file)
        if is_photo_name(path.name):
            photos.append(path)
        else:
            others.append(path.name)
    return photos, others
