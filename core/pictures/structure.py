"""How much work a small file asks of a decoder, counted before it is decoded.

A progressive JPEG may repeat a scan of 42 bytes as often as it likes, and each one costs a pass
over all pixels; segments and chunks cost a step each even when they are empty. Ordinary photos
have about ten scans and a few dozen segments, so for them the count takes microseconds.
"""

import re
from typing import Final

MAX_SCANS: Final = 100
MAX_PARTS: Final = 20_000  # segments before the first scan of a JPEG, chunks of a PNG

_SCAN, _END = 0xDA, 0xD9
_LONE_MARKERS: Final = frozenset((0x01, 0xD8))  # without a length (ITU-T T.81, table B.1)
# In a scan's data 0xFF is followed by 0x00 or a restart; anything else begins the next segment.
_MARKER: Final = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def asks_too_much(data: bytes) -> bool:
    """Whether a JPEG has more than `MAX_SCANS` scans, or a JPEG or PNG more than `MAX_PARTS`."""
    if data.startswith(b"\xff\xd8"):
        return _has_many_segments(data) or _has_many_scans(data)
    return data.startswith(_PNG) and _has_many_chunks(data)


def _has_many_segments(data: bytes) -> bool:
    at = 2
    for _ in range(MAX_PARTS):
        if data[at : at + 1] != b"\xff" or at + 4 > len(data) or data[at + 1] == _SCAN:
            return False
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return True


def _has_many_scans(data: bytes) -> bool:
    # Cheap first: fewer such bytes than scans there cannot be. Appended videos have them, too.
    if data.count(b"\xff\xda") <= MAX_SCANS:
        return False
    n_scans, at = 0, 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = found[1][0], found.end()
        if marker == _END:
            break
        n_scans += marker == _SCAN
        if marker not in _LONE_MARKERS:
            at += int.from_bytes(data[at : at + 2], "big")
        if n_scans > MAX_SCANS:
            return True
    return False


def _has_many_chunks(data: bytes) -> bool:
    at = len(_PNG)
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True
