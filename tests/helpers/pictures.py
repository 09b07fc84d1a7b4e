"""Pictures made by code, and their encodings."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RGB = NDArray[np.uint8]


def colourful(height: int = 24, width: int = 40, seed: int = 0) -> RGB:
    """A smooth picture in which no two corners, rows or columns are alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    channels = [
        255 * x / max(width - 1, 1),
        255 * y / max(height - 1, 1),
        127 + 60 * np.sin(x / 3 + y / 5) + rng.normal(0, 2, (height, width)),
    ]
    return np.clip(np.stack(channels, axis=2), 0, 255).astype(np.uint8)


def encode(image: RGB | Image.Image, fmt: str, **options: Any) -> bytes:
    """`image` in one of Pillow's formats."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, fmt, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with its right checksum."""
    crc = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and body of each chunk of a PNG."""
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_from_chunks(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def png_header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size but holds a few bytes of pixels: cheap to make and to send."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return png_from_chunks(
        [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    )


def png_16bit(grey: NDArray[np.uint16]) -> bytes:
    """A 16-bit greyscale PNG, written by hand rather than by the library under test."""
    height, width = grey.shape
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in grey)
    return png_from_chunks([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


def with_orientation(orientation: int) -> bytes:
    """An EXIF block that holds an orientation and nothing else."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return bytes(exif.tobytes())


def in_mode(mode: str, fmt: str, orientation: int) -> bytes:
    """`colourful()` in one of Pillow's modes, with an orientation noted."""
    picture = Image.fromarray(colourful()).convert(mode)
    return encode(picture, fmt, exif=with_orientation(orientation))


def grey_of(data: bytes) -> RGB:
    """The pixels of an encoded grey picture (height, width), read by Pillow."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"), np.uint8)
