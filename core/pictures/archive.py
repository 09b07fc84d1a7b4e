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
        files = {
            _normal(entry.filename): entry
            for entry in entries
            if not entry.is_dir() and not is_leftover(entry.filename)
        }
        tops = {name.split("/", 1)[0] for name in files}
        inside = {name.split("/", 1)[1]: e for name, e in files.items() if "/" in name}
        self._files = {**inside, **files} if len(tops) == 1 else files
        self._names = list(files)

    def __len__(self) -> int:
        return len(self._names)

    def pictures(self) -> list[str]:
        """Names of the files that look like pictures, in the order of the names."""
        return [name for name in sorted(self._names) if is_photo_name(name)]

    def passed_over(self) -> str:
        """What is said of the other files, by kind; "" where there are none."""
        return passed_over(name for name in self._names if not is_photo_name(name))

    def size(self, name: str) -> int | None:
        """Bytes that a file has unpacked, as the archive says; None where there is none."""
        entry = self._files.get(_normal(name))
        return None if entry is None else entry.file_size

    def read(self, name: str) -> bytes:
        """Content of a file.

        Raises:
            ZipRefusedError: if there is none of that name, it is damaged or larger than the
                archive says.
        """
        entry = self._files.get(_normal(name))
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


def _normal(name: str) -> str:
    # Macs write a letter and its accent as two characters, most tables as one.
    one = unicodedata.normalize("NFC", name.strip().replace("\\", "/"))
    return str(PurePosixPath(one))
