"""How much work a small file asks of a decoder, counted before it is decoded.

A progressive JPEG may repeat a scan of 42 bytes as often as it likes, and each one costs a pass
over all pixels; segments and chunks cost a step each even when they are empty. Ordinary photos
have about ten scans and a few dozen segments, so for them the count takes microseconds.
"""

import re
from collections.abc import Iterator
from typing import Final

from core.pictures.png import chunks

MAX_SCANS: Final = 100
# Of a JPEG that is arithmetic-coded or lossless, as no camera's is: a scan of fourteen bytes can
# give every coefficient of 25 million pixels something to do.
MAX_ODD_SCANS: Final = 20
MAX_PARTS: Final = 20_000  # segments before the first scan of a JPEG, chunks of a PNG
MAX_NOTES: Final = 300  # segments APP1 among them: Pillow copies all that came before for each
MAX_PROFILES: Final = 8  # of colours, in a PNG; each can unpack to a megabyte

_SCAN, _END, _NOTE = 0xDA, 0xD9, 0xE1
_LONE_MARKERS: Final = frozenset((0x01, 0xD8))  # without a length (ITU-T T.81, table B.1)
# Start of a frame that is neither baseline, extended nor progressive with Huffman codes.
_ODD_FRAMES: Final = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
# In a scan's data 0xFF is followed by 0x00 or a restart; anything else begins the next segment.
_MARKER: Final = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")


def asks_too_much(data: bytes) -> bool:
    """Whether a JPEG has more scans, or a JPEG or PNG more parts, than any camera makes."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg_asks_too_much(data)
    return _png_asks_too_much(data)


def _jpeg_asks_too_much(data: bytes) -> bool:
    # Cheap first: fewer such bytes than scans there cannot be. Appended videos have them, too.
    has_few_scans = data.count(b"\xff\xda") <= MAX_ODD_SCANS
    n_parts = n_notes = n_scans = 0
    most_scans = MAX_SCANS
    for marker in _markers(data):
        if marker == _SCAN:
            if has_few_scans:
                return False
            n_scans += 1
        elif not n_scans:
            n_parts += 1
            n_notes += marker == _NOTE
        if marker in _ODD_FRAMES:
            most_scans = MAX_ODD_SCANS
        if n_scans > most_scans or n_parts > MAX_PARTS or n_notes > MAX_NOTES:
            return True
    return False


def _markers(data: bytes) -> Iterator[int]:
    """Markers of a JPEG in their order, without its end; a reader may skip what is between."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = found[1][0], found.end()
        if marker == _END:
            return
        yield marker
        if marker not in _LONE_MARKERS:
            at += int.from_bytes(data[at : at + 2], "big")


def _png_asks_too_much(data: bytes) -> bool:
    n_profiles = 0
    for n_parts, chunk in enumerate(chunks(data), start=1):
        n_profiles += chunk.kind == b"iCCP"
        if n_profiles > MAX_PROFILES or n_parts > MAX_PARTS:
            return True
    return False
