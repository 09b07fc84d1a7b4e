"""Which files are photos by their names, and what is said of those that are passed over.

Names only choose what is opened; whether a file is a picture is decided by its content.
"""

import importlib.util
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Final

# Decoded by the extra `heic`, which `make app` takes.
HEIC_IS_READ: Final = importlib.util.find_spec("pi_heif") is not None
HEIC_SUFFIXES: Final = (".heic", ".heif", ".hif")
SUFFIXES: Final = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif"),
    *(HEIC_SUFFIXES if HEIC_IS_READ else ()),
)
FORMAT_WORDS: Final = (
    "JPEG, PNG, WebP, HEIC or AVIF" if HEIC_IS_READ else "JPEG, PNG, WebP or AVIF"
)

# What `passed_over` takes in place of a name, with the words for one and for more.
NO_FILE: Final = ""
LINKED: Final = "\0link"
UNREAD: Final = "\0unread"
_NO_NAMES: Final = {
    NO_FILE: ("pipe or device", "pipes or devices"),
    LINKED: ("link to a folder", "links to folders"),
    UNREAD: ("folder that may not be read", "folders that may not be read"),
}
_LEFTOVERS: Final = ("thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store")
# Waste baskets too: who threw a photo away does not want it looked at.
_LEFTOVER_FOLDERS: Final = (
    *("__macosx", "@eadir", ".appledouble", ".spotlight-v100", ".thumbnails"),
    *(".trashes", ".trash", "$recycle.bin", "@recycle", "#recycle"),
)
_LEFTOVER_STARTS: Final = ("._", ".trashed-", ".pending-")  # of Macs, and of Android
_KINDS: Final = {
    **dict.fromkeys(HEIC_SUFFIXES, "HEIC"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".wmv"), "video"),
    **dict.fromkeys((".mpg", ".mpeg", ".mts", ".m2ts", ".3gp", ".asf"), "video"),
    **dict.fromkeys((".flv", ".ogv", ".vob", ".3g2"), "video"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2"), "raw photo"),
}
_BEGINNINGS: Final = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x00\x00\x01\xb3": "mpegvideo",
}
_MOV_ATOMS: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_UPPER: Final = (".gif", ".bmp", ".pdf", ".svg", ".psd", ".txt", ".csv", ".json", ".xmp", ".zip")


def is_photo_name(name: str) -> bool:
    """Whether a file of this name is looked at when nobody named it itself."""
    return name.lower().endswith(SUFFIXES) and not is_leftover(name)


def is_video_name(name: str) -> bool:
    """Whether a file of this name should be a video, of a kind that is read or not."""
    return _KINDS.get(PurePath(name).suffix.lower()) == "video"


def is_leftover(name: str) -> bool:
    """Whether systems put this file beside the photos unasked; nobody wants to hear of it.

    Examples:
        >>> is_leftover("a/._IMG_1.jpg"), is_leftover("__MACOSX/IMG_1.jpg")
        (True, True)
    """
    *folders, file = name.replace("\\", "/").split("/")
    return (
        file.startswith(_LEFTOVER_STARTS)
        or file.lower() in _LEFTOVERS
        or any(_is_leftover_folder(folder.lower()) for folder in folders)
    )


def _is_leftover_folder(name: str) -> bool:
    # Linux has a basket for each user on other disks, such as .Trash-1000.
    return name in _LEFTOVER_FOLDERS or name.startswith(".trash-")


def passed_over(names: Iterable[str]) -> str:
    """One sentence on files that were not looked at, by kind; "" where there are none.

    Args:
        names: of files; `NO_FILE`, `LINKED` and `UNREAD` stand for what is none. Leftovers of
            systems are left out.

    Examples:
        >>> passed_over(["a.tif", "b.TIFF", "c.mov"])
        'Passed over: 2 TIFF files, 1 video.'
    """
    counts = Counter(_kind(name) for name in names if not is_leftover(name))
    if not counts:
        return ""
    words = ", ".join(_counted(kind, n) for kind, n in counts.most_common())
    hint = "" if HEIC_IS_READ or "HEIC" not in counts else " The extra `heic` reads HEIC."
    return f"Passed over: {words}.{hint}"


def _kind(name: str) -> str:
    if name in _NO_NAMES:
        return name
    suffix = PurePath(name).suffix.lower()
    if suffix in _KINDS or suffix in _UPPER:
        return _KINDS.get(suffix, suffix[1:].upper())
    return "other"


def _counted(kind: str, n: int) -> str:
    if kind in _NO_NAMES:
        return f"{n:,} {_NO_NAMES[kind][n > 1]}"
    word = kind if kind in ("video", "raw photo") else f"{kind} file"
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def is_regular(path: Path) -> bool:
    """Whether opening `path` cannot wait for good: a file, and no pipe, socket or device."""
    return stat.S_ISREG(path.stat().st_mode)


def video_format_of(head: bytes) -> str | None:
    """FFmpeg's name of the video format that begins so (400 bytes tell), None for any other.

    Examples:
        >>> video_format_of(b"RIFF....AVI LIST"), video_format_of(b"no video")
        ('avi', None)
    """
    if head[4:8] in _MOV_ATOMS:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    # Transport streams have no beginning but packets of one length, cameras' with 4 bytes more.
    for first, step in ((0, 188), (4, 192)):
        if len(head) > first + step and head[first] == head[first + step] == 0x47:
            return "mpegts"
    return next((name for start, name in _BEGINNINGS.items() if head.startswith(start)), None)
