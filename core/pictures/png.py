"""A PNG's row of chunks (ISO/IEC 15948, 5.3), read without decoding a pixel."""

from collections.abc import Iterator
from typing import Final, NamedTuple

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_FRAMED: Final = 12  # bytes of a chunk beside its content: length, kind, checksum
# Texts and the profile of colours: programs write megabytes of them, packed and not.
_TEXT_KINDS: Final = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP"))


class Chunk(NamedTuple):
    """One chunk, such as b"IDAT", which stands from `start` to before `end`."""

    kind: bytes
    start: int
    end: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks in their order, the last one perhaps cut short."""
    at = len(SIGNATURE) if data.startswith(SIGNATURE) else len(data)
    while at + _FRAMED <= len(data):
        end = at + _FRAMED + int.from_bytes(data[at : at + 4], "big")
        yield Chunk(data[at + 4 : at + 8], at, end)
        at = end


def without_texts(data: bytes) -> bytes:
    """A PNG without texts and profile of colours, which the pixels do not need; else as it is.

    Which way up it is stays known (`eXIf`).
    """
    kept = [data[: len(SIGNATURE)]]
    end = len(SIGNATURE)
    for chunk in chunks(data):
        if chunk.kind not in _TEXT_KINDS:
            kept.append(data[chunk.start : chunk.end])
        end = chunk.end
    return b"".join((*kept, data[end:]))
