import os
import re
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import errors
from core.errors import (
    DamagedImageError,
    FileTooLargeError,
    FileUnreadableError,
    ImageRefusedError,
    TooManyPixelsError,
    UnsupportedFormatError,
)
from core.images import decode_image, encode_png, read_image_file
from tests.helpers.bad_images import PAYLOAD, Odd, Refused, odd_files, polyglots, refused_files
from tests.helpers.pictures import (
    RGB,
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


def assert_fit_to_be_shown(message: str) -> None:
    """One sentence for people: no path, no class name, no quote from the library."""
    assert re.fullmatch(r"[A-Z][^\n]*[a-z0-9)]\.", message), message
    assert not re.search(r"/|\\|0x|Error|Exception|<|Pillow|PIL|BytesIO", message), message
    assert not any(name in message for name in vars(errors) if name[0].isupper()), message


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
def test_of_all_formats_that_can_be_written_three_are_accepted() -> None:
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
    assert accepted == {"JPEG", "PNG", "WEBP", "MPO"}


def _written(fmt: str) -> bytes | None:
    """A picture in the given format; None for formats that cannot be written here."""
    for mode in ("RGB", "L", "P", "1", "F"):
        try:
            return encode(Image.fromarray(colourful(32, 32)).convert(mode), fmt)
        except (OSError, KeyError, ValueError):
            continue
    return None


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


# --- Files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "plain.jpg",
        "no_suffix",
        "wrong.txt",
        "a" * 200 + ".jpg",
        "\u202egpj.exe",  # right-to-left override: shown as exe.jpg
        "תמונה.jpg",
        "写真 with spaces.png",
        "-rf.jpg",
        "new\nline.jpg",
        "%2e%2e%2fpasswd.jpg",
    ],
)
def test_a_files_name_does_not_matter(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encode(colourful(), "PNG"))
    assert np.array_equal(read_image_file(tmp_path / name).image_rgb, colourful())


def test_a_path_with_dots_is_a_path_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "photo.png").write_bytes(encode(colourful(), "PNG"))
    path = tmp_path / "folder" / ".." / "photo.png"
    assert np.array_equal(read_image_file(path).image_rgb, colourful())


def _unreadable(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "file.jpg").write_bytes(b"x")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "gone.jpg")
    return {
        "missing": tmp_path / "missing.jpg",
        "folder": tmp_path,
        "below a file": tmp_path / "file.jpg" / "photo.jpg",
        "a link to itself": tmp_path / "loop.jpg",
        "a dangling link": tmp_path / "dangling.jpg",
        "a name of 300 characters": tmp_path / ("a" * 300 + ".jpg"),
        "a NUL in the name": tmp_path / "a\0.jpg",
        "upwards": tmp_path / ".." / ".." / "no-such-folder" / "photo.jpg",
    }


@pytest.mark.parametrize(
    "which",
    [
        "missing",
        "folder",
        "below a file",
        "a link to itself",
        "a dangling link",
        "a name of 300 characters",
        "a NUL in the name",
        "upwards",
    ],
)
def test_what_cannot_be_read_is_said_without_the_path(tmp_path: Path, which: str) -> None:
    with pytest.raises(FileUnreadableError, match="cannot be read") as refusal:
        read_image_file(_unreadable(tmp_path)[which])
    assert_fit_to_be_shown(str(refusal.value))
    assert tmp_path.name not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said_to_be_so(tmp_path: Path) -> None:
    file = tmp_path / "secret.jpg"
    file.write_bytes(encode(colourful(), "PNG"))
    file.chmod(0)
    with pytest.raises(FileUnreadableError, match="Permission denied"):
        read_image_file(file)


def test_a_large_file_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "sparse.jpg"
    with file.open("wb") as handle:
        handle.truncate(20_000_000_000)  # takes no room on the disk and would take all memory
    with pytest.raises(FileTooLargeError, match=r"20000\.0 MB; the limit is 10 MB"):
        read_image_file(file)


def test_an_endless_device_is_refused() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero here")
    with pytest.raises(FileTooLargeError):
        read_image_file(Path("/dev/zero"))


def test_a_file_gives_what_its_bytes_give(tmp_path: Path) -> None:
    for name, case in ODD.items():
        (tmp_path / name).write_bytes(case.data)
        from_file = read_image_file(tmp_path / name)
        from_bytes = decode_image(case.data)
        assert np.array_equal(from_file.image_rgb, from_bytes.image_rgb)
        assert from_file.notes == from_bytes.notes


# --- Many threads -----------------------------------------------------------------------------


def test_decoding_on_many_threads_leaves_the_process_as_it_was() -> None:
    """Python's warning filters are one list a process: a request must not change another's."""
    filters_before = list(warnings.filters)
    data, expected = encode(colourful(), "JPEG"), decode_image(encode(colourful(), "JPEG"))
    bad, wrong = REFUSED["half.jpg"].data, []

    def work() -> None:
        for _ in range(100):
            if not np.array_equal(decode_image(data).image_rgb, expected.image_rgb):
                wrong.append("pixels")
            with pytest.raises(DamagedImageError):
                decode_image(bad)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert list(warnings.filters) == filters_before


def test_the_callers_picture_is_its_own() -> None:
    data = encode(colourful(), "PNG")
    first: RGB = decode_image(data).image_rgb
    first[:] = 0
    assert np.array_equal(decode_image(data).image_rgb, colourful())
