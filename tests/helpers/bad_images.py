"""Files that people really upload, by mistake or on purpose, made from nothing.

`refused_files()` must each be refused by the error named; `odd_files()` must be accepted, with a
note where one is named. The keys are file names: whatever they say, only the content counts.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from core import errors
from core.errors import (
    DamagedImageError,
    EmptyFileError,
    FileTooLargeError,
    ImageRefusedError,
    TooManyPixelsError,
    UnsupportedFormatError,
)
from tests.helpers.heic import heic
from tests.helpers.pictures import (
    colourful,
    encode,
    png_16bit,
    png_chunks,
    png_from_chunks,
    png_header_only,
    with_orientation,
)

PAYLOAD = b"<script>alert('mien-payload')</script>"
ANIMATED_NOTE = "only its first frame"
TURNED_NOTE = "turned"


@dataclass(frozen=True)
class Refused:
    """A file and the error that it must meet; `words` stand in the message."""

    data: bytes
    error: type[ImageRefusedError]
    words: str


@dataclass(frozen=True)
class Odd:
    """A file that is unusual and fine; `note` stands in one of the notes, "" for no note."""

    data: bytes
    note: str = ""


@cache
def refused_files() -> dict[str, Refused]:
    """File name -> what must be refused."""
    picture = colourful()
    jpeg, png, webp, avif = (encode(picture, fmt) for fmt in ("JPEG", "PNG", "WEBP", "AVIF"))
    phone = heic(picture)
    not_ours = {
        "gif.jpg": encode(picture, "GIF"),
        "bmp.jpg": encode(picture, "BMP"),
        "tiff.jpg": encode(picture, "TIFF"),
        "pdf.jpg": encode(picture, "PDF"),
        "html.jpg": b"<!doctype html><title>404</title><p>Not found",
        "text.jpg": "Grüße aus dem Urlaub\n".encode() * 20,
        "zip.jpg": a_zip(),
        "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
        "one_byte.jpg": b"\xff",
        "zeros.png": bytes(4096),
    }
    damaged = {
        "half.jpg": jpeg[: len(jpeg) // 2],
        "half.png": png[: len(png) // 2],
        "half.webp": webp[: len(webp) // 2],
        "wrong_checksum.png": png[:-20] + bytes([png[-20] ^ 0xFF]) + png[-19:],
        "header_only.jpg": jpeg[:20],
        "half.avif": avif[: len(avif) // 2],
        "half.heic": phone[: len(phone) // 2],
        "header_only.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "no_pixels.png": png_from_chunks([png_chunks(png)[0], (b"IEND", b"")]),
    }
    too_many = {
        "huge.png": png_header_only(5001, 5000),
        "bomb.png": png_header_only(10_000, 10_000),  # Pillow's warning
        "big_bomb.png": png_header_only(60_000, 60_000),  # Pillow's error
        "huge.jpg": _jpeg_claiming(65_000, 65_000),
    }
    return {
        "empty.jpg": Refused(b"", EmptyFileError, "empty"),
        "too_large.jpg": Refused(jpeg + bytes(10_000_001), FileTooLargeError, "10 MB"),
        **{k: Refused(v, UnsupportedFormatError, "JPEG, PNG, WebP") for k, v in not_ours.items()},
        **{k: Refused(v, DamagedImageError, "damaged") for k, v in damaged.items()},
        **{k: Refused(v, TooManyPixelsError, "25 million") for k, v in too_many.items()},
    }


@cache
def odd_files() -> dict[str, Odd]:
    """File name -> what must be accepted although it is unusual."""
    picture = colourful()
    rgba = Image.fromarray(np.dstack([picture, np.full(picture.shape[:2], 128, np.uint8)]))
    grey = Image.fromarray(picture).convert("L")
    sixteen = (np.arange(24 * 40, dtype=np.uint16) * 68).reshape(24, 40)
    return {
        "animated.webp": Odd(animated("WEBP"), ANIMATED_NOTE),
        "animated.png": Odd(animated("PNG"), ANIMATED_NOTE),
        "phone_with_two_pictures.jpg": Odd(
            encode(picture, "MPO", save_all=True, append_images=[grey.convert("RGB")])
        ),
        "sixteen_bit.png": Odd(png_16bit(sixteen)),
        "cmyk.jpg": Odd(encode(Image.fromarray(picture).convert("CMYK"), "JPEG")),
        "palette_transparent.png": Odd(encode(palette_with_transparency(), "PNG")),
        "alpha.png": Odd(encode(rgba, "PNG")),
        "alpha.webp": Odd(encode(rgba, "WEBP", lossless=True)),
        "grey_alpha.png": Odd(encode(rgba.convert("LA"), "PNG")),
        "one_bit.png": Odd(encode(grey.convert("1"), "PNG")),
        "grey.jpg": Odd(encode(grey, "JPEG")),
        "progressive.jpg": Odd(encode(picture, "JPEG", progressive=True)),
        "one_pixel.png": Odd(encode(picture[:1, :1], "PNG")),
        "sideways.jpg": Odd(encode(picture, "JPEG", exif=with_orientation(6)), TURNED_NOTE),
        "jpeg_called.png": Odd(encode(picture, "JPEG")),
        "without_end.jpg": Odd(encode(picture, "JPEG")[:-2], "end mark"),
        "without_end_progressive.jpg": Odd(
            encode(picture, "JPEG", progressive=True)[:-2], "end mark"
        ),
        "phone.heic": Odd(heic(picture)),
        "plain.avif": Odd(encode(picture, "AVIF")),
        "animated.avif": Odd(animated("AVIF"), ANIMATED_NOTE),
        **{name: Odd(data) for name, data in polyglots().items()},
    }


@cache
def polyglots() -> dict[str, bytes]:
    """Pictures that are something else as well; each holds `PAYLOAD`."""
    picture = colourful()
    jpeg, png, webp = (encode(picture, fmt) for fmt in ("JPEG", "PNG", "WEBP"))
    chunks = png_chunks(png)
    text = (b"tEXt", b"Comment\0" + PAYLOAD)
    exif = Image.Exif()
    exif[0x010E] = PAYLOAD.decode()  # image description
    profile = b"icc " + PAYLOAD
    return {
        "jpeg_and_zip.jpg": jpeg + a_zip(),
        "jpeg_and_html.jpg": encode(picture, "JPEG", comment=PAYLOAD),
        "jpeg_appended.jpg": jpeg + PAYLOAD,
        "jpeg_exif.jpg": encode(picture, "JPEG", exif=exif.tobytes()),
        "jpeg_profile.jpg": encode(picture, "JPEG", icc_profile=profile),
        "png_and_phar.png": png + b"<?php __HALT_COMPILER(); ?>" + PAYLOAD,
        "png_text.png": png_from_chunks([chunks[0], text, *chunks[1:]]),
        "png_appended.png": png + a_zip(),
        "webp_exif.webp": encode(picture, "WEBP", exif=exif.tobytes()),
        "webp_xmp.webp": encode(picture, "WEBP", xmp=PAYLOAD),
        "webp_appended.webp": webp + PAYLOAD,
    }


def animated(fmt: str) -> bytes:
    """Three frames: the first colourful, the others black."""
    first = Image.fromarray(colourful())
    black = Image.new("RGB", first.size)
    options = {"lossless": True} if fmt == "WEBP" else {}
    return encode(first, fmt, save_all=True, append_images=[black, black], duration=100, **options)


def palette_with_transparency() -> Image.Image:
    """Left half red, right half an entry of the palette that is wholly transparent."""
    image = Image.new("P", (40, 24))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (20, 0, 40, 24))
    image.info["transparency"] = bytes([255, 0])
    return image


def a_zip() -> bytes:
    """An archive that holds the payload, uncompressed so that it can be searched for."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("payload.html", PAYLOAD)
    return buffer.getvalue()


def _jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims another size."""
    jpeg = bytearray(encode(colourful(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(jpeg)


def assert_fit_to_be_shown(message: str) -> None:
    """One sentence for people: no path, no class name, no quote from the library."""
    assert re.fullmatch(r"[A-Z][^\n]*[a-z0-9)]\.", message), message
    assert not re.search(r"/|\\|0x|Error|Exception|<|Pillow|PIL|BytesIO", message), message
    assert not any(name in message for name in vars(errors) if name[0].isupper()), message
