"""A JPEG's row of marker segments (ITU-T T.81, annex B), read without decoding a pixel."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# What ends a scan's data: neither a stuffed byte nor a restart; or the file's last byte.
_MARKER: Final = re.compile(rb"\xff(?:[^\x00\xd0-\xd7]|\Z)")
_START: Final = b"\xff\xd8"
_END: Final = 0xD9
_START_OF_SCAN: Final = 0xDA
# APP1 to APP15 without Adobe's APP14, and comments.
_NOTE_SEGMENTS: Final = (set(range(0xE1, 0xF0)) - {0xEE}) | {0xFE}
_RESTART_INTERVAL: Final = 0xDD
# Zeros, ones (with the zero that hides 0xFF), and mixtures: decoders read a zero where a code is
# invalid, so two do not tell whether a block is missing.
_TAILS: Final = (
    bytes(64),
    b"\xff\x00" * 64,
    *(bytes((start + step * i) % 255 for i in range(64)) for start, step in ((7, 101), (181, 58))),
    bytes(range(250, 7, -3)),
)
# More scans than programs write: decoding them again for each tail could take a minute.
_MOST_SCANS: Final = 20
# Of Huffman codes alone: each arithmetic-coded scan takes as long as a photo, six times over.
_PROGRESSIVE: Final = {0xC2}
_SEQUENTIAL: Final = {0xC0, 0xC1}


class Segment(NamedTuple):
    """One marker, such as 0xDA for a scan, with its content, entropy-coded data included.

    `start` is where its first byte 0xFF stands, `content` where what follows the length begins.
    """

    marker: int
    start: int
    content: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """The segments in their order; ends with the end marker, the file or what is no segment."""
    at = 2 if data.startswith(_START) else len(data)
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:  # a byte of filling
            at += 1
            continue
        if marker == _END:
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            found = _MARKER.search(data, end)
            end = found.start() if found else len(data)
        yield Segment(marker, at, at + 4, end)
        at = end


def without_notes(data: bytes) -> bytes:
    """A JPEG without the segments in which cameras and programs leave notes (EXIF, XMP, ICC, MPF).

    What decodes the pixels stays, JFIF's and Adobe's segments included, whose colour transform
    counts (ITU-T T.81, B.1; T.872, 6.5). Anything that is no well-formed row of segments, and any
    other format, comes back as it is.
    """
    kept = [data[:2]]
    for segment in segments(data):
        if segment.marker == _START_OF_SCAN:
            return b"".join((*kept, data[segment.start :]))
        if segment.marker not in _NOTE_SEGMENTS:
            kept.append(data[segment.start : segment.end])
    return data


def completed(data: bytes) -> tuple[bytes, ...]:
    """A JPEG without its end marker, completed in several ways; none where more is missing.

    Behind the last scan stand other bits in each, and the marker. A decoder that lacks a bit of
    the picture takes it from there, and the pictures differ; where they are alike, none was
    missing. Scans or restart intervals that are missing altogether, which no decoder would
    notice, are looked for here.
    """
    found = list(segments(data))
    n_scans = sum(segment.marker == _START_OF_SCAN for segment in found)
    if not 0 < n_scans <= _MOST_SCANS or found[-1].marker != _START_OF_SCAN:
        return ()
    whole = data[: found[-1].end]
    try:
        is_whole = len(whole) >= len(data.rstrip(b"\xff")) and _is_all_there(data, found)
    except (IndexError, ZeroDivisionError):  # headers that are cut short, or say nonsense
        return ()
    return tuple(whole + tail + bytes((0xFF, _END)) for tail in _TAILS) if is_whole else ()


def _is_all_there(data: bytes, found: list[Segment]) -> bool:
    """Whether the scans sent all 64 coefficients of every component to their last bit."""
    frames = [s for s in found if s.marker in _PROGRESSIVE | _SEQUENTIAL]
    if len(frames) != 1:
        return False
    (frame_at,) = frames
    frame = data[frame_at.content : frame_at.end]
    sent: dict[int, set[int]] = {frame[6 + 3 * i]: set() for i in range(frame[5])}
    for scan in (s for s in found if s.marker == _START_OF_SCAN):
        n = data[scan.content]
        first, last, bits = (data[scan.content + 1 + 2 * n + i] for i in range(3))
        if frame_at.marker in _SEQUENTIAL:
            first, last, bits = 0, 63, 0
        for i in range(n if bits & 0x0F == 0 else 0):
            sent.setdefault(data[scan.content + 1 + 2 * i], set()).update(range(first, last + 1))
    return all(set(range(64)) <= one for one in sent.values()) and _all_intervals(
        data, found, frame
    )


def _all_intervals(data: bytes, found: list[Segment], frame: bytes) -> bool:
    """Whether the last scan has as many restart markers as its picture needs."""
    intervals = [s.content for s in found if s.marker == _RESTART_INTERVAL]
    units = int.from_bytes(data[intervals[-1] : intervals[-1] + 2], "big") if intervals else 0
    if not units:
        return True
    height, width = (int.from_bytes(frame[i : i + 2], "big") for i in (1, 3))
    factors = {frame[6 + 3 * i]: divmod(frame[7 + 3 * i], 16) for i in range(frame[5])}
    most_x, most_y = (max(factor[axis] for factor in factors.values()) for axis in (0, 1))
    scan, across, down = found[-1], 8 * most_x, 8 * most_y
    if data[scan.content] == 1:  # one component alone: its own blocks are the units
        own_x, own_y = factors.get(data[scan.content + 1], (most_x, most_y))
        across, down = across // own_x, down // own_y
    n_intervals = -(-(-(-width // across) * -(-height // down)) // units)
    coded = data[scan.content + 4 + 2 * data[scan.content] : scan.end]
    return sum(coded.count(bytes((0xFF, 0xD0 + i))) for i in range(8)) == n_intervals - 1
