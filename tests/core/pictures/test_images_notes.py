"""Damaged notes of a camera (EXIF and the like) cost their content, not the picture."""

import struct
import zlib

import numpy as np
import pytest

from core.errors import DamagedImageError
from core.pictures.images import NOTES_DAMAGED, decode_image
from tests.helpers.pictures import colourful, encode, png_chunks, png_from_chunks

TIFF = b"II*\0" + struct.pack("<I", 8)


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


ON_ITS_SIDE = entry(0x0112, 3, 1, 6)
DAMAGED = {
    "entry cut short": TIFF + struct.pack("<H", 3) + ON_ITS_SIDE[:7],
    "values beyond the end": TIFF + struct.pack("<H", 2) + ON_ITS_SIDE
    + entry(0x011A, 5, 1, 99_999) + bytes(4),
    "directory beyond the end": b"II*\0" + struct.pack("<I", 4_000_000),
}  # fmt: skip


def with_segment(jpeg: bytes, marker: int, content: bytes, *, jfif: bool = True) -> bytes:
    """The JPEG with a segment put in front; without JFIF's own, as many cameras write it."""
    rest = 2 if jfif else 4 + int.from_bytes(jpeg[4:6], "big")
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
    return jpeg[:2] + segment + jpeg[rest:]


@pytest.mark.parametrize("jfif", [True, False])
@pytest.mark.parametrize("tiff", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_photo_with_damaged_notes_gives_its_pixels_and_says_so(tiff: bytes, jfif: bool) -> None:
    plain = encode(colourful(), "JPEG")
    damaged = with_segment(plain, 0xE1, b"Exif\0\0" + tiff, jfif=jfif)
    decoded = decode_image(damaged)
    assert decoded.notes == (NOTES_DAMAGED,)
    assert np.array_equal(decoded.image_rgb, decode_image(plain).image_rgb)


def test_a_picture_list_that_leads_nowhere_costs_nothing_of_the_first() -> None:
    """Phones keep further pictures behind the first one, listed in a segment of its own (MPF)."""
    plain = encode(colourful(), "JPEG")
    listed = TIFF + struct.pack("<H", 1) + entry(0xB001, 4, 1, 9) + bytes(4)
    decoded = decode_image(with_segment(plain, 0xE2, b"MPF\0" + listed))
    assert np.array_equal(decoded.image_rgb, decode_image(plain).image_rgb)


@pytest.mark.parametrize("fmt", ["PNG", "WEBP"])
def test_other_formats_with_damaged_notes_are_taken_too(fmt: str) -> None:
    options = {"lossless": True} if fmt == "WEBP" else {}
    data = encode(colourful(), fmt, exif=b"Exif\0\0" + DAMAGED["entry cut short"], **options)
    decoded = decode_image(data)
    assert decoded.notes == (NOTES_DAMAGED,)
    assert np.array_equal(decoded.image_rgb, colourful())


def test_damaged_pixels_stay_damaged_whatever_the_notes_are_like() -> None:
    plain = encode(colourful(), "JPEG")
    damaged = with_segment(plain, 0xE1, b"Exif\0\0" + DAMAGED["entry cut short"])
    with pytest.raises(DamagedImageError):
        decode_image(damaged[: len(damaged) // 2])
    chunks = png_chunks(encode(colourful(), "PNG"))
    with pytest.raises(DamagedImageError):
        decode_image(png_from_chunks([chunks[0], (b"eXIf", DAMAGED["entry cut short"])]))


@pytest.mark.parametrize("n_bytes", range(0, 40, 3))
def test_a_row_of_segments_that_ends_anywhere_is_refused_and_no_crash(n_bytes: int) -> None:
    plain = encode(colourful(), "JPEG")
    damaged = with_segment(plain, 0xE1, b"Exif\0\0" + DAMAGED["entry cut short"])
    with pytest.raises(DamagedImageError):
        decode_image(damaged[: 4 + n_bytes])


@pytest.mark.parametrize(
    "chunk",
    [
        (b"iCCP", b"printer\0\0" + zlib.compress(bytes(2_000_000))),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"history" * 300_000)),
        (b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(b"0a" * 900_000)),
    ],
    ids=["profile", "history", "text"],
)
def test_a_png_with_a_large_profile_or_text_is_decoded(chunk: tuple[bytes, bytes]) -> None:
    """Those of printers and of picture programs have more than the megabyte that Pillow takes."""
    header, *rest = png_chunks(encode(colourful(), "PNG", exif=on_its_side()))
    decoded = decode_image(png_from_chunks([header, chunk, *rest]))
    assert decoded.image_rgb.shape == (40, 24, 3)  # what turns it is read all the same
    assert np.array_equal(decoded.image_rgb, np.rot90(colourful(), -1))


def test_a_png_whose_text_is_damaged_gives_its_pixels_and_one_that_lacks_pixels_does_not() -> None:
    header, *rest = png_chunks(encode(colourful(), "PNG"))
    whole = png_from_chunks([header, (b"tEXt", b"Comment\0hello"), *rest])
    assert np.array_equal(decode_image(whole.replace(b"hello", b"HELLO")).image_rgb, colourful())
    with pytest.raises(DamagedImageError):
        decode_image(whole.replace(b"hello", b"HELLO")[:-60])


def on_its_side() -> bytes:
    return b"Exif\0\0" + TIFF + struct.pack("<H", 1) + ON_ITS_SIDE + bytes(4)
