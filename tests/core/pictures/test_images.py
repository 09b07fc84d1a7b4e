import time

import numpy as np
import pytest
from PIL import Image

from core.errors import (
    DamagedImageError,
    FileTooLargeError,
    ImageRefusedError,
    TooManyPixelsError,
    UnsupportedFormatError,
)
from core.pictures.images import END_MISSING, decode_image, encode_png
from tests.helpers.bad_images import (
    PAYLOAD,
    Odd,
    Refused,
    assert_fit_to_be_shown,
    odd_files,
    polyglots,
    refused_files,
)
from tests.helpers.clips import encode_clip, plain
from tests.helpers.heic import heic
from tests.helpers.pictures import (
    colourful,
    encode,
    in_mode,
    png_16bit,
    png_chunks,
    png_header_only,
    with_orientation,
)

REFUSED = refused_files()
ODD = odd_files()


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_file_is_refused_by_content_with_a_sentence_that_says_why(case: Refused) -> None:
    with pytest.raises(ImageRefusedError, match=case.words) as refusal:
        decode_image(case.data)
    assert type(refusal.value) is case.error
    assert_fit_to_be_shown(str(refusal.value))


@pytest.mark.parametrize(("name", "case"), ODD.items(), ids=ODD.keys())
def test_an_odd_file_is_decoded_and_says_what_was_done_to_it(name: str, case: Odd) -> None:
    decoded = decode_image(case.data)
    assert decoded.image_rgb.dtype == np.uint8
    assert decoded.image_rgb.ndim == 3
    assert decoded.image_rgb.shape[2] == 3
    assert decoded.image_rgb.flags.owndata
    if case.note:
        assert any(case.note in note for note in decoded.notes)
        for note in decoded.notes:
            assert_fit_to_be_shown(note)
    else:
        assert decoded.notes == ()


@pytest.mark.filterwarnings("ignore:.*image format is deprecated")  # still writable, so tried
def test_of_all_formats_that_can_be_written_five_are_accepted() -> None:
    Image.init()
    accepted, tried = set(), set()
    for fmt in sorted(Image.SAVE):
        data = _written(fmt)
        if data is None:
            continue
        tried.add(fmt)
        try:
            decode_image(data)
        except UnsupportedFormatError:
            continue
        accepted.add(fmt)
    assert len(tried) >= 20
    assert {"GIF", "TIFF", "BMP", "ICO", "PDF", "JPEG2000", "TGA", "PPM"} <= tried
    # An MPO is a JPEG with further pictures behind it: every phone calls it .jpg.
    assert accepted == {"JPEG", "PNG", "WEBP", "AVIF", "MPO"}  # HEIC can be read and not written


def _written(fmt: str) -> bytes | None:
    """A picture in the given format; None for formats that cannot be written here."""
    for mode in ("RGB", "L", "P", "1", "F"):
        try:
            return encode(Image.fromarray(colourful(32, 32)).convert(mode), fmt)
        except (OSError, KeyError, ValueError):
            continue
    return None


@pytest.mark.parametrize("fmt", ["mp4", "matroska", "avi"])
def test_a_video_called_a_photo_is_told_to_be_one(fmt: str) -> None:
    with pytest.raises(UnsupportedFormatError, match="This is a video"):
        decode_image(encode_clip(plain(3), fmt=fmt))


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_never_half_decoded(fmt: str) -> None:
    picture = colourful()
    whole = encode(picture, fmt)
    expected = decode_image(whole).image_rgb
    n_refused = 0
    for length in range(1, len(whole), max(len(whole) // 150, 1)):
        try:
            decoded = decode_image(whole[:length])
        except UnsupportedFormatError:  # too short to show what it was
            assert length < 12
        except DamagedImageError:
            n_refused += 1
        else:  # a format may end in bytes that hold no pixels; then all of them must be right
            assert np.array_equal(decoded.image_rgb, expected)
            assert length > len(whole) - 20
    assert n_refused > 100


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 90},
        {"quality": 90, "subsampling": 0},
        {"progressive": True},
        {"quality": 80, "restart_marker_blocks": 1},
    ],
    ids=str,
)
def test_a_jpeg_that_lacks_its_end_mark_is_whole_and_one_that_lacks_more_is_refused(
    options: dict[str, int],
) -> None:
    whole = encode(colourful(60, 90), "JPEG", **options)
    expected = decode_image(whole).image_rgb
    for n_missing in (1, 2):
        found = decode_image(whole[:-n_missing])
        assert found.notes == (END_MISSING,)
        assert np.array_equal(found.image_rgb, expected)
    refused = 0
    for length in (*range(len(whole) - 40, len(whole) - 2), *range(100, len(whole), 61)):
        try:
            found = decode_image(whole[:length])
        except DamagedImageError:
            refused += 1
        else:  # the last bits of a scan can be filling
            assert np.array_equal(found.image_rgb, expected)
    assert refused >= 36


def test_a_phones_heic_is_read_and_turned_as_it_asks() -> None:
    picture = colourful(80, 120)
    for quarters in (0, 1, 2, 3):
        found = decode_image(heic(picture, turned=quarters))
        # The file turns counter-clockwise, as rot90 does; colours are stored at half the size.
        assert np.abs(np.rot90(picture, quarters).astype(int) - found.image_rgb).mean() < 5
    with pytest.raises(TooManyPixelsError):
        decode_image(heic(picture), max_pixels=80 * 120 - 1)


@pytest.mark.parametrize("fmt", ["PNG", "WEBP"])
def test_lossless_pixels_come_through_unchanged(fmt: str) -> None:
    picture = colourful()
    data = encode(picture, fmt, **({"lossless": True} if fmt == "WEBP" else {}))
    assert np.array_equal(decode_image(data).image_rgb, picture)


def test_jpeg_pixels_come_through_nearly_unchanged() -> None:
    picture = colourful(48, 64)
    decoded = decode_image(encode(picture, "JPEG", quality=95, subsampling=0)).image_rgb
    assert np.abs(decoded.astype(int) - picture).mean() < 3


@pytest.mark.parametrize("fmt", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_used(fmt: str) -> None:
    name = "animated." + fmt.lower()
    assert np.array_equal(decode_image(ODD[name].data).image_rgb, colourful())


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    grey = np.array([[0, 257, 1000, 32768, 65278, 65535]], np.uint16)
    decoded = decode_image(png_16bit(grey)).image_rgb
    assert decoded[0, :, 0].tolist() == [0, 1, 4, 128, 254, 255]  # value / 257
    assert np.array_equal(decoded[..., 0], decoded[..., 1])
    assert np.array_equal(decoded[..., 0], decoded[..., 2])


@pytest.mark.parametrize(
    ("cmyk", "rgb"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 0, 0), (255, 0, 255)),
        ((0, 0, 255, 0), (255, 255, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_printers_colours_become_screen_colours(
    cmyk: tuple[int, ...], rgb: tuple[int, ...]
) -> None:
    data = encode(Image.new("CMYK", (16, 16), cmyk), "JPEG", quality=95)
    decoded = decode_image(data).image_rgb
    assert np.abs(decoded.astype(int) - rgb).max() <= 6


def test_transparency_is_laid_on_white() -> None:
    assert decode_image(ODD["palette_transparent.png"].data).image_rgb[5, [5, 35]].tolist() == [
        [255, 0, 0],
        [255, 255, 255],
    ]
    alphas = np.arange(256, dtype=np.uint8).reshape(1, 256)
    rgba = np.dstack([np.full_like(alphas, level) for level in (200, 100, 0)] + [alphas])
    expected = np.stack(
        [alphas / 255 * level + (1 - alphas / 255) * 255 for level in (200, 100, 0)], axis=2
    )
    for fmt in ("PNG", "WEBP"):
        options = {"lossless": True, "exact": True} if fmt == "WEBP" else {}
        decoded = decode_image(encode(Image.fromarray(rgba), fmt, **options)).image_rgb
        assert np.abs(decoded - expected).max() <= 1


def test_grey_with_transparency_is_laid_on_white() -> None:
    grey_alpha = np.array([[[100, 255], [100, 0], [100, 51]]], np.uint8)
    decoded = decode_image(encode(Image.fromarray(grey_alpha, "LA"), "PNG")).image_rgb
    assert np.abs(decoded[0].astype(int) - [[100] * 3, [255] * 3, [224] * 3]).max() <= 1


def test_one_bit_is_black_and_white() -> None:
    bits = np.indices((6, 8)).sum(axis=0) % 2 == 0
    decoded = decode_image(encode(Image.fromarray(bits), "PNG")).image_rgb
    assert np.array_equal(decoded, np.where(bits, 255, 0)[..., None].repeat(3, axis=2))


# How a stored picture must be moved to be seen upright, by array operations alone.
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", sorted(UPRIGHT))
def test_the_pixels_are_turned_as_the_camera_noted(fmt: str, orientation: int) -> None:
    options = {"lossless": True} if fmt == "WEBP" else {}
    picture = colourful()
    plain = decode_image(encode(picture, fmt, **options)).image_rgb
    decoded = decode_image(encode(picture, fmt, exif=with_orientation(orientation), **options))
    assert np.array_equal(decoded.image_rgb, UPRIGHT[orientation](plain))
    assert bool(decoded.notes) == (orientation != 1)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    decoded = decode_image(encode(colourful(), "PNG", exif=with_orientation(orientation)))
    assert np.array_equal(decoded.image_rgb, colourful())
    assert decoded.notes == ()


@pytest.mark.parametrize("mode", ["P", "LA", "RGBA", "1", "L", "CMYK"])
def test_every_mode_is_turned(mode: str) -> None:
    fmt = "JPEG" if mode == "CMYK" else "PNG"
    plain = decode_image(in_mode(mode, fmt, 1)).image_rgb
    turned = decode_image(in_mode(mode, fmt, 6)).image_rgb
    assert np.array_equal(turned, np.rot90(plain, -1))


@pytest.mark.parametrize(("name", "data"), polyglots().items(), ids=polyglots().keys())
def test_nothing_but_pixels_survives_of_a_polyglot(name: str, data: bytes) -> None:
    assert PAYLOAD in data
    out = encode_png(decode_image(data).image_rgb)
    assert {kind for kind, _ in png_chunks(out)} == {b"IHDR", b"IDAT", b"IEND"}
    assert out.endswith(b"IEND\xaeB`\x82")
    for trace in (PAYLOAD, b"PK\x03\x04", b"<?php", b"Exif", b"icc "):
        assert trace not in out


def test_encode_png_is_read_back_as_the_same_pixels() -> None:
    picture = colourful()
    assert np.array_equal(decode_image(encode_png(picture)).image_rgb, picture)


def test_a_picture_of_exactly_the_limit_is_accepted() -> None:
    picture = np.zeros((40, 50, 3), np.uint8)
    assert decode_image(encode(picture, "PNG"), max_pixels=2000).image_rgb.shape == (40, 50, 3)
    with pytest.raises(TooManyPixelsError):
        decode_image(encode(picture, "PNG"), max_pixels=1999)


def test_a_file_of_exactly_the_limit_is_accepted() -> None:
    data = encode(colourful(), "PNG")
    assert decode_image(data, max_bytes=len(data)).image_rgb.shape == (24, 40, 3)
    with pytest.raises(FileTooLargeError):
        decode_image(data, max_bytes=len(data) - 1)


def test_a_bomb_is_refused_before_its_pixels_are_unpacked() -> None:
    started = time.perf_counter()
    with pytest.raises(TooManyPixelsError):
        decode_image(png_header_only(100_000, 100_000))
    assert time.perf_counter() - started < 0.5


def test_a_picture_that_claims_many_allowed_pixels_but_holds_few_is_damaged() -> None:
    with pytest.raises(DamagedImageError, match="damaged or cut short"):
        decode_image(png_header_only(5000, 5000))
