"""Bytes from a stranger to RGB pixels, or an error that says what to do.

What counts is the content, never the name: Pillow is offered five formats only, sizes are
checked before any pixel is decoded, and the pixels are copied into a new array, so that
metadata, appended data and colour profiles stay behind (Pillow security handbook; OWASP ASVS
5.0, 5.2).
"""

import io
import json
import sys
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from core import errors
from core.errors import (
    DamagedImageError,
    EmptyFileError,
    FileTooLargeError,
    FileUnreadableError,
    ImageRefusedError,
    TooCostlyImageError,
    TooManyPixelsError,
    UnsupportedFormatError,
)
from core.pictures import isolated, png
from core.pictures.files.kinds import FORMAT_WORDS, HEIC_IS_READ, is_regular, video_format_of
from core.pictures.jpeg import completed, without_notes
from core.pictures.structure import asks_too_much
from core.types import ImageRGB

if HEIC_IS_READ:
    from pi_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", *(("HEIF",) if HEIC_IS_READ else ()))
MAX_BYTES: Final = 10_000_000
MAX_PIXELS: Final = 25_000_000
# Of a process that decodes one picture: what the largest one takes, three times.
_PROCESSOR_S: Final = 2
_PIXELS_A_PROCESSOR_S: Final = 8_000_000
_ELSEWHERE_S: Final = 60.0  # of a machine with much else to do
_MEMORY_BYTES: Final = 500_000_000
_MEMORY_BYTES_A_PIXEL: Final = 30
_LENGTH: Final = 4
_workers: Final = isolated.Workers("core.pictures.images")

NOTES_DAMAGED: Final = (
    "The camera's notes in this file are damaged; if the picture lies on its side, turn it and "
    "save it anew."
)
END_MISSING: Final = "The file lacks its end mark; all of the picture is there."
_ORIENTATION_TAG: Final = 0x0112
# What brings a picture upright, by its EXIF orientation.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIP_PIXELS: Final = 160_000  # copied at a time: they stay in a core's cache
_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# Pillow warns of what it suspects (a decompression bomb, cut metadata); here that is an error.
# Set once for the process: `warnings.catch_warnings` swaps a global list, and two threads that
# decode at a time would leave it swapped.
warnings.filterwarnings("error", module=r"PIL\.")


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """Pixels and what was done to get them.

    Attributes:
        image_rgb: uint8 (height, width, 3).
        notes: sentences for the user, such as that only the first frame was used.

    Examples:
        >>> file, exif = io.BytesIO(), Image.Exif()
        >>> exif[0x0112] = 6  # the camera noted that it was held on its side
        >>> Image.new("RGB", (30, 20)).save(file, "JPEG", exif=exif)
        >>> upright = decode_image(file.getvalue())
        >>> upright.image_rgb.shape, upright.notes
        ((30, 20, 3), ('The picture was turned the way up that its camera noted.',))
    """

    image_rgb: ImageRGB
    notes: tuple[str, ...] = ()


def decode_image(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> DecodedImage:
    """Decode a JPEG, PNG, WebP or AVIF, and a HEIC where the extra is installed.

    Animated files give their first frame, transparent ones are laid on white, 16-bit ones are
    scaled to 8 bits, and the orientation that a camera noted is applied; where the camera's notes
    are damaged, the pixels are taken without them.

    Raises:
        ImageRefusedError: one of its subclasses, whose message fits to be shown.

    Examples:
        >>> from core.config import ROOT
        >>> photo = (ROOT / "samples" / "astronaut.jpg").read_bytes()
        >>> decode_image(photo).image_rgb.shape
        (512, 512, 3)
    """
    if not data:
        raise EmptyFileError("This file is empty; please choose the original photo.")
    if len(data) > max_bytes:
        raise _too_many_bytes(len(data), max_bytes)
    if asks_too_much(data):
        raise TooCostlyImageError(
            "This picture is put together from more parts than any camera makes; "
            "please open it in a picture program and save it anew."
        )
    if data[4:8] == b"ftyp":
        return _decoded_elsewhere(data, max_pixels)
    try:
        return _decode(data, max_pixels)
    except DamagedImageError:
        mended = _mended(data, max_pixels)
        if mended is None:
            raise
        return mended


def _mended(data: bytes, max_pixels: int) -> DecodedImage | None:
    """A picture decoded without what is damaged beside it; None where that is not all."""
    if data.startswith(png.SIGNATURE):
        return _without_texts(data, max_pixels)
    found = _without_end(data, max_pixels)
    bare = without_notes(data)
    if found is not None or len(bare) == len(data):
        return found
    try:
        found = _decode(bare, max_pixels)
    except DamagedImageError:
        found = _without_end(bare, max_pixels)
    return found and DecodedImage(found.image_rgb, (*found.notes, NOTES_DAMAGED))


def _without_texts(data: bytes, max_pixels: int) -> DecodedImage | None:
    """A PNG whose texts or profile are damaged, or larger than Pillow takes them."""
    bare = png.without_texts(data)
    try:
        return _decode(bare, max_pixels) if len(bare) < len(data) else None
    except DamagedImageError:
        return None


def _without_end(data: bytes, max_pixels: int) -> DecodedImage | None:
    """A JPEG that lacks its end marker and nothing else; None where it lacks more."""
    first: DecodedImage | None = None
    try:
        for whole in completed(data):
            found = _decode(whole, max_pixels)
            if first is not None and not np.array_equal(first.image_rgb, found.image_rgb):
                return None
            first = first or found
    except DamagedImageError:
        return None
    return first and DecodedImage(first.image_rgb, (*first.notes, END_MISSING))


def _decode(data: bytes, max_pixels: int) -> DecodedImage:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixel_count(image, max_pixels)
            return _decode_opened(image, max_pixels)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise _too_many_pixels(max_pixels) from exc
    except UnidentifiedImageError as exc:
        if _starts_like_an_image(data):
            raise _damaged() from exc
        raise _unsupported(data) from exc
    # Decoders of damaged files raise almost anything (OSError, SyntaxError, ValueError, struct
    # and zlib errors); MemoryError and our own refusals pass.
    except (TooManyPixelsError, MemoryError):
        raise
    except Exception as exc:
        raise _damaged() from exc


def _decoded_elsewhere(data: bytes, max_pixels: int) -> DecodedImage:
    """An AVIF or HEIC, decoded by a process of its own.

    Such a file describes how a picture is put together, from hundreds of others and those from
    others again, each of which need not be as large as it says; so nine kilobytes can ask for
    minutes, and only the decoder knows (ISO 23008-12, 6.6.2).
    """
    limits = (max_pixels, _PROCESSOR_S + max_pixels // _PIXELS_A_PROCESSOR_S)
    read = partial(_answered, max_pixels=max_pixels)
    try:
        found = _workers.ask(limits, data, read=read, seconds=_ELSEWHERE_S)
    except EOFError as exc:
        raise TooCostlyImageError(
            "This picture asks for more time or memory than any camera's; please open it in a "
            "picture program and save it as a JPEG."
        ) from exc
    if isinstance(found, ImageRefusedError):
        raise found
    return found


def _answered(sent: BinaryIO, max_pixels: int) -> DecodedImage | ImageRefusedError:
    """What `_decode_here` wrote; `max_pixels` holds, whatever happened to the process."""
    said = json.loads(isolated.exactly(sent, int.from_bytes(isolated.exactly(sent, _LENGTH))))
    if "refused" in said:
        refusal: ImageRefusedError = getattr(errors, said["refused"])(said["words"])
        return refusal
    height, width = said["size"]
    if height * width > max_pixels:
        raise EOFError
    pixels = np.empty((height, width, 3), np.uint8)
    isolated.fill(sent, pixels.data.cast("B"))
    return DecodedImage(pixels, tuple(said["notes"]))


def _decode_here(data: bytes, max_pixels: int, processor_s: int) -> None:
    """Decode to standard output, within limits: a length, JSON, and the pixels."""
    pixels = memoryview(b"")
    memory_bytes = _MEMORY_BYTES + _MEMORY_BYTES_A_PIXEL * max_pixels
    isolated.limit_myself(memory_bytes=memory_bytes, processor_s=processor_s)
    said: dict[str, Any]
    try:
        found = _decode(data, max_pixels)
        said = {"size": found.image_rgb.shape[:2], "notes": found.notes}
        pixels = found.image_rgb.data.cast("B")
    except ImageRefusedError as refusal:
        said = {"refused": type(refusal).__name__, "words": str(refusal)}
    body = json.dumps(said).encode()
    sys.stdout.buffer.write(len(body).to_bytes(_LENGTH) + body)
    sys.stdout.buffer.write(pixels)


@dataclass(frozen=True)
class PictureLimits:
    """What one picture may cost; alike on every way in (`Settings.picture_limits`).

    Examples:
        >>> white = encode_png(np.full((20, 30, 3), 255, np.uint8))
        >>> PictureLimits().decode(white).image_rgb.shape
        (20, 30, 3)
        >>> PictureLimits(max_pixels=500).decode(white)
        Traceback (most recent call last):
        core.errors.TooManyPixelsError: ...
    """

    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS

    def decode(self, data: bytes) -> DecodedImage:
        """`decode_image` within these limits."""
        return decode_image(data, max_bytes=self.max_bytes, max_pixels=self.max_pixels)

    def read(self, path: Path) -> DecodedImage:
        """`decode` for a file on disk; too large files are refused without being read.

        Raises:
            ImageRefusedError: also where the file cannot be read.
        """
        try:
            if not is_regular(path):
                raise FileUnreadableError(
                    "This cannot be read: it is a folder, a pipe or a device."
                )
            with path.open("rb") as file:
                data = file.read(self.max_bytes + 1)
                n_bytes = path.stat().st_size
        except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
            reason = getattr(exc, "strerror", None) or "no such name is possible"
            raise FileUnreadableError(
                f"This file cannot be read ({reason}); "
                "please check that it exists and that you may open it."
            ) from exc
        if n_bytes > self.max_bytes:
            raise _too_many_bytes(n_bytes, self.max_bytes)
        return self.decode(data)


def encode_png(image_rgb: ImageRGB) -> bytes:
    """The image as PNG without metadata."""
    buffer = io.BytesIO()
    # Level 1: a third of the default's time for a tenth more bytes on photographs.
    Image.fromarray(image_rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _starts_like_an_image(data: bytes) -> bool:
    return (
        data.startswith((b"\xff\xd8\xff", png.SIGNATURE))
        or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
        or data[4:12] in (b"ftypavif", b"ftypavis")
        or (HEIC_IS_READ and _is_heic(data))
    )


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS


def _unsupported(data: bytes) -> UnsupportedFormatError:
    if _is_heic(data):
        return UnsupportedFormatError(
            "This is a HEIC picture, which is not read here: install the extra heic, or save the "
            "photo as a JPEG."
        )
    if video_format_of(data[:400]):
        return UnsupportedFormatError(
            "This is a video, not a photo; please choose it on the page Webcam, or give it a name "
            "such as clip.mp4."
        )
    if data.startswith(b"PK\x03\x04"):
        return UnsupportedFormatError(
            f"This is not a {FORMAT_WORDS} picture but a ZIP; please unpack it, or take it to the "
            "page Upload, under Many photos."
        )
    return UnsupportedFormatError(
        f"This is not a {FORMAT_WORDS} picture, whatever its name says; "
        "please save the photo in one of these formats."
    )


def _damaged() -> DamagedImageError:
    return DamagedImageError(
        "This picture is damaged or cut short; please export or download it again."
    )


def _too_many_bytes(n_bytes: int, max_bytes: int) -> FileTooLargeError:
    return FileTooLargeError(
        f"This file has {n_bytes / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.0f} MB, "
        "so please save a smaller copy."
    )


def _too_many_pixels(max_pixels: int) -> TooManyPixelsError:
    return TooManyPixelsError(
        f"This picture has more than {max_pixels / 1e6:.0f} million pixels; "
        "please save a smaller copy."
    )


def _check_pixel_count(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(max_pixels)


def _decode_opened(image: Image.Image, max_pixels: int) -> DecodedImage:
    notes = []
    # Phones' files hold further pictures too (MPO: depth, brightness; HEIC: bursts), which are no
    # animation, and come with the main one chosen.
    if getattr(image, "n_frames", 1) > 1 and image.format not in ("MPO", "HEIF"):
        image.seek(0)
        notes.append("This file is animated: only its first frame was used.")
    image.load()  # first: what is wrong with the pixels must not pass for damaged notes
    _check_pixel_count(image, max_pixels)  # again: a HEIC's size can prove another than announced
    orientation = _noted_orientation(image)
    if orientation is None:
        notes.append(NOTES_DAMAGED)
    rgb = _to_rgb(image)
    if orientation in _TURNS:
        rgb = rgb.transpose(_TURNS[orientation])
        notes.append("The picture was turned the way up that its camera noted.")
    return DecodedImage(_pixels(rgb), tuple(notes))


def _pixels(rgb: Image.Image) -> ImageRGB:
    """A copy (height, width, 3), strip by strip.

    `np.array(rgb)` goes over three more copies of the whole picture, in memory that the system
    has to hand out anew for each.
    """
    pixels = np.empty((rgb.height, rgb.width, 3), np.uint8)
    step = max(_STRIP_PIXELS // rgb.width, 1)
    for top in range(0, rgb.height, step):
        strip = pixels[top : top + step]
        part = rgb.crop((0, top, rgb.width, top + len(strip)))
        strip[:] = np.frombuffer(part.tobytes(), np.uint8).reshape(strip.shape)
    return pixels


def _noted_orientation(image: Image.Image) -> int | None:
    """The EXIF orientation, 1 (upright) where none is noted, None where EXIF is damaged."""
    try:
        orientation: int = image.getexif().get(_ORIENTATION_TAG, 1)
    except MemoryError:
        raise
    except Exception:  # as decoders of damaged files, its reader raises almost anything
        return None
    return orientation


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes as 8-bit RGB, transparency laid on white."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        grey = np.asarray(image, np.float64)
        # PNG stores 16 bits as 0..65535; Pillow's own conversion would clip at 255.
        grey_8bit = np.clip(np.round(grey / 257), 0, 255).astype(np.uint8)
        return Image.fromarray(grey_8bit).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        canvas.alpha_composite(rgba)
        return canvas.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it


if __name__ == "__main__":
    Image.init()  # or each fork would load Pillow's formats for itself
    isolated.serve(_decode_here)
