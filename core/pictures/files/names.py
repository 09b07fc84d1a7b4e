r"""One way to write any file's name as text that every file, log and screen can hold.

A name of Linux is bytes; where they are no UTF-8, Python holds them as surrogates, which no file
takes. `printable` writes these bytes and control characters as `\xNN` or `\uNNNN`, and `original`
reads them back. Names without them come through unchanged.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

# Bidirectional controls make "gpj.exe" look like "exe.jpg".
_BIDI: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ODD_KINDS: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))
_ESCAPED: Final = re.compile(r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4})")

ESCAPE: Final = "mien.escape"  # name of the way, for `errors=` of whatever writes text


def printable(name: str) -> str:
    r"""A name without what cannot be printed; `original` undoes it.

    Examples:
        >>> printable("Zo\udceb.jpg"), printable("写真.jpg")
        ('Zo\\xeb.jpg', '写真.jpg')
    """
    # The second: names that look escaped, such as a file called "\x41", must come back, too.
    if not any(map(_is_odd, name)) and not _ESCAPED.search(name):
        return name
    return "".join(_escape(character) for character in name)


def original(text: str) -> str:
    """The name that `printable` made `text` of."""
    return _ESCAPED.sub(_unescape, text)


def texts(column: str, cells: Iterable[Any]) -> list[Any] | None:
    r"""Cells of a table's column with bytes as the text that they are; None where they are none.

    Odd bytes of a path or label are escaped, to be told; what is no bytes stays as it is.

    Examples:
        >>> texts("label", [b"happy", None]), texts("scan", [b"\xff"])
        (['happy', None], None)
    """
    errors = "backslashreplace" if column.strip().lower() in ("path", "label") else "strict"
    try:
        return [
            cell.decode("utf-8", errors) if isinstance(cell, bytes) else cell for cell in cells
        ]
    except UnicodeDecodeError:
        return None


def _is_odd(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in _ODD_KINDS


def _escape(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if not _is_odd(character):
        return character
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"


def _unescape(match: re.Match[str]) -> str:
    found = match[1]
    if found == "\\":
        return found
    code = int(found[1:], 16)
    return chr(0xDC00 + code if found[0] == "x" else code)


def _escape_unprintable(error: UnicodeError) -> tuple[str, int]:
    r"""What a screen's encoding lacks as `\uNNNN`, above it as two, which JSON reads, too."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[i : i + 2].hex() for i in range(0, len(units), 2))
    return "".join(f"\\u{pair}" for pair in pairs), error.end


codecs.register_error(ESCAPE, _escape_unprintable)
