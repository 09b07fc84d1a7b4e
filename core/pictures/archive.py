"""A stranger's ZIP of pictures, read in memory and within limits; nothing is unpacked to disk."""

import io
import unicodedata
import zipfile
from pathlib import PurePosixPath
from typing import Final

from core.errors import DatasetError
from core.pictures.files.kinds import is_leftover, is_photo_name, passed_over
from core.pictures.images import MAX_BYTES

MAX_FILES: Final = 25_000
MAX_UNPACKED_BYTES: Final = 600_000_000
MAX_RATIO: Final = 100  # photographs hardly shrink; zeros shrink a thousandfold
_RATIO_FROM_BYTES: Final = 1_000_000
_SAYS_UTF8: Final = 0x800  # else names are in code page 437 (APPNOTE, 4.4.4)


class ZipRefusedError(DatasetError):
    """An archive that is damaged, dangerous or too large."""


def open_zip(data: bytes, *, max_file_bytes: int = MAX_BYTES) -> "ZipPictures":
    """Check an archive before anything in it is unpacked.

    A file in it that is larger than `max_file_bytes` is refused when it is asked for.

    Raises:
        ZipRefusedError: if it is damaged, encrypted, a bomb, or holds paths that climb out.

    Examples:
        >>> written = io.BytesIO()
        >>> with zipfile.ZipFile(written, "w") as archive:
        ...     archive.writestr("holiday/a.jpg", "")
        >>> open_zip(written.getvalue()).pictures()
        ['holiday/a.jpg']
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as exc:  # of damaged archives almost anything
        raise ZipRefusedError("This is no ZIP archive, or a damaged one.") from exc
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise ZipRefusedError(f"The ZIP holds {len(entries):,} files; at most {MAX_FILES:,} may.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise ZipRefusedError(
            f"The ZIP unpacks to {unpacked / 1e6:.0f} MB; at most "
            f"{MAX_UNPACKED_BYTES / 1e6:.0f} MB may be unpacked."
        )
    for number, entry in enumerate(entries, start=1):
        _check_entry(number, entry)
    return ZipPictures(archive, entries, max_file_bytes)


def _check_entry(number: int, entry: zipfile.ZipInfo) -> None:
    # Windows' separators count as well, and drives: what is harmless here is not elsewhere.
    raw = entry.orig_filename.replace("\\", "/")
    path = PurePosixPath(raw)
    if path.is_absolute() or ".." in path.parts or raw[1:2] == ":" or "\0" in raw:
        raise ZipRefusedError(
            f"File {number} in the ZIP has a path that leads out of the archive; this is refused."
        )
    if entry.flag_bits & 1:
        raise ZipRefusedError("The ZIP is encrypted; please save it without a password.")
    # Of these two alone Python unpacks no more than it is asked for.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ZipRefusedError(
            f"File {number} in the ZIP is packed in an unusual way; please make an ordinary ZIP."
        )
    packed = max(entry.compress_size, 1)
    if entry.file_size > _RATIO_FROM_BYTES and entry.file_size / packed > MAX_RATIO:
        raise ZipRefusedError(
            f"File {number} in the ZIP unpacks to {entry.file_size / packed:.0f} times its size, "
            "as no picture does; this looks like a ZIP bomb and is refused."
        )


class ZipPictures:
    """Files of a checked archive by name, unpacked one after another when asked for."""

    def __init__(
        self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], max_file_bytes: int
    ) -> None:
        """Index the files, also without the one folder that zipping a folder puts around all."""
        self._archive, self._max_file_bytes = archive, max_file_bytes
        named = [(_normal(_name_of(entry)), entry) for entry in entries if not entry.is_dir()]
        files, self._shared = _told_apart([one for one in named if not is_leftover(one[0])])
        tops = {name.split("/", 1)[0] for name in files}
        self._top = f"{tops.pop()}/" if len(tops) == 1 else ""
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def pictures(self) -> list[str]:
        """Names of the files that look like pictures, in the order of the names.

        Of two files of one name the second is called `a (2).jpg`.
        """
        return [name for name in sorted(self._files) if is_photo_name(name)]

    def passed_over(self) -> str:
        """What is said of the other files, by kind; "" where there are none."""
        return passed_over(name for name in self._files if not is_photo_name(name))

    def size(self, name: str) -> int | None:
        """Bytes that a file has unpacked, as the archive says; None where there is none."""
        entry = self._entry(name)
        return None if entry is None else entry.file_size

    def is_shared(self, name: str) -> bool:
        """Whether several different files have this very name, so that it tells none of them."""
        return bool({_normal(name), self._top + _normal(name)} & self._shared)

    def _entry(self, name: str) -> zipfile.ZipInfo | None:
        one = _normal(name)
        return self._files.get(one) or self._files.get(self._top + one)

    def read(self, name: str) -> bytes:
        """Content of a file.

        Raises:
            ZipRefusedError: if there is none of that name, it is damaged or larger than the
                archive says.
        """
        entry = self._entry(name)
        if entry is None:
            raise ZipRefusedError("The ZIP holds no file of that name.")
        try:
            with self._archive.open(entry) as file:
                data = file.read(self._max_file_bytes + 1)
        except MemoryError:
            raise
        except Exception as exc:  # as above; a lost first byte is a ValueError
            raise ZipRefusedError("The ZIP is damaged; please make it again.") from exc
        if len(data) > self._max_file_bytes:
            raise ZipRefusedError(
                f"A picture in the ZIP has more than {self._max_file_bytes / 1e6:.0f} MB; "
                "please shrink it."
            )
        return data


def _told_apart(
    named: list[tuple[str, zipfile.ZipInfo]],
) -> tuple[dict[str, zipfile.ZipInfo], set[str]]:
    """The entries by names of their own, and the names that different contents share.

    A ZIP may hold a name twice: two photos of one name dropped into it, one of them changed later,
    an accent written in two ways.
    """
    taken = {name for name, _ in named}
    files: dict[str, zipfile.ZipInfo] = {}
    shared: set[str] = set()
    last: dict[str, int] = {}  # number given last, of each name that comes again
    for name, entry in named:
        own, number = name, last.get(name, 1)
        if name in files:
            first = files[name]
            if (first.CRC, first.file_size) != (entry.CRC, entry.file_size):
                shared.add(name)
            suffix = PurePosixPath(name).suffix
            while own in taken:
                number += 1
                own = f"{name.removesuffix(suffix)} ({number}){suffix}"
            taken.add(own)
            last[name] = number
        files[own] = entry
    return files, shared


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name as whoever packed it read it: Macs write UTF-8 and do not say so."""
    if entry.flag_bits & _SAYS_UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _normal(name: str) -> str:
    # Macs write a letter and its accent as two characters, most tables as one.
    one = unicodedata.normalize("NFC", name.strip().replace("\\", "/"))
    return str(PurePosixPath(one))
