"""Small files that would keep a decoder busy are refused by counting, or in time."""

import resource
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.errors import DamagedImageError, TooCostlyImageError
from core.pictures import images, isolated
from core.pictures.images import decode_image
from core.pictures.jpeg import completed
from core.pictures.structure import (
    MAX_NOTES,
    MAX_ODD_SCANS,
    MAX_PROFILES,
    MAX_SCANS,
    asks_too_much,
)
from tests.helpers.heic import overlaid
from tests.helpers.pictures import RGB, colourful, encode, png_chunks, png_from_chunks


def progressive(image: RGB, n_scans: int) -> bytes:
    """A JPEG whose last scan is repeated until there are `n_scans`."""
    data = encode(image, "JPEG", progressive=True)
    last_scan = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last_scan * (n_scans - data.count(b"\xff\xda")) + data[-2:]


def with_segments(n: int) -> bytes:
    data = encode(colourful(), "JPEG")
    return data[:2] + b"\xff\xfe\x00\x02" * n + data[2:]


def with_chunks(n: int) -> bytes:
    header, *rest = png_chunks(encode(colourful(), "PNG"))
    return png_from_chunks([header, *[(b"abCd", b"")] * n, *rest])


def with_exif(n: int, n_bytes: int = 0) -> bytes:
    """A JPEG with `n` segments of EXIF, which Pillow joins, copying all of them for each."""
    tiff = b"II*\0\x08" + bytes(9 + n_bytes)
    segment = struct.pack(">HH", 0xFFE1, 2 + 6 + len(tiff)) + b"Exif\0\0" + tiff
    data = encode(colourful(), "JPEG")
    return data[:2] + segment * n + data[2:]


def with_profiles(n: int) -> bytes:
    """A PNG with `n` profiles of colours, each of which unpacks to a megabyte."""
    header, *rest = png_chunks(encode(colourful(), "PNG"))
    profile = (b"iCCP", b"x\0\0" + zlib.compress(bytes(1_000_000), 9))
    return png_from_chunks([header, *[profile] * n, *rest])


def lossless(n_scans: int, side: int = 40) -> bytes:
    """A lossless JPEG (ITU-T T.81, annex H) of three components, whose scans are empty."""

    def segment(marker: int, content: bytes) -> bytes:
        return struct.pack(">HH", 0xFF00 | marker, len(content) + 2) + content

    tables = segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\0")
    components = b"".join(bytes((i, 0x11, 0)) for i in (1, 2, 3))
    frame = segment(0xC3, struct.pack(">BHHB", 8, side, side, 3) + components)
    first = segment(0xDA, b"\x01\x01\x00\x01\x00\x00") + b"\0"
    scan = segment(0xDA, b"\x03\x01\x00\x02\x00\x03\x00\x07\x00\x00") + b"\0"
    return b"\xff\xd8" + tables + frame + first + scan * (n_scans - 1) + b"\xff\xd9"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(progressive(colourful(), MAX_SCANS), id="100 scans"),
        pytest.param(with_exif(100), id="100 notes"),
        pytest.param(with_profiles(1), id="a profile of a megabyte"),
        pytest.param(with_segments(1000), id="1000 comments"),
        pytest.param(with_chunks(10_000), id="10000 chunks"),
        # A phone's moving picture: the video after the end marker holds any bytes.
        pytest.param(encode(colourful(), "JPEG") + b"\xff\xda\x00\x02" * 500, id="appended"),
    ],
)
def test_what_cameras_and_programs_write_is_decoded(data: bytes) -> None:
    assert decode_image(data).image_rgb.shape == (24, 40, 3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(progressive(colourful(), MAX_SCANS + 1), id="101 scans"),
        # Fill bytes before a marker are allowed and must not hide it.
        pytest.param(
            progressive(colourful(), 200).replace(b"\xff\xda", b"\xff\xff\xff\xda"), id="filled"
        ),
        pytest.param(with_segments(1_000_000), id="a million comments"),
        pytest.param(
            with_segments(1_000_000).replace(b"\xff\xfe", b"\xff\xff\xfe", 1), id="filled comments"
        ),
        pytest.param(with_exif(MAX_NOTES + 1), id="301 notes"),
        pytest.param(with_exif(19_000, 470), id="9 MB of notes"),  # were 29 s
        pytest.param(with_profiles(MAX_PROFILES + 1), id="9 profiles"),
        pytest.param(with_profiles(9000), id="9000 profiles"),  # were 20 s
        pytest.param(lossless(MAX_ODD_SCANS + 1), id="21 lossless scans"),
        pytest.param(lossless(100, 5000), id="100 lossless scans"),  # were 5 s for 2 kB
        pytest.param(with_chunks(300_000), id="300000 chunks"),
    ],
)
def test_what_only_costs_time_is_refused_at_once(data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(TooCostlyImageError, match="more parts than any camera makes"):
        decode_image(data)
    assert time.process_time() - started < 0.5


def test_a_lossless_jpeg_of_few_scans_is_decoded() -> None:
    assert decode_image(lossless(MAX_ODD_SCANS)).image_rgb.shape == (40, 40, 3)


@pytest.mark.parametrize("frame", [0xC9, 0xCA], ids=["sequential", "progressive"])
def test_scans_of_an_arithmetic_coded_jpeg_count_more(frame: int) -> None:
    """Ninety-eight of fourteen bytes each were five seconds: each decision costs next to none."""
    for n_scans in (MAX_ODD_SCANS, MAX_ODD_SCANS + 1):
        data = progressive(colourful(), n_scans).replace(b"\xff\xc2", bytes((0xFF, frame)), 1)
        assert asks_too_much(data) == (n_scans > MAX_ODD_SCANS)


def test_an_arithmetic_coded_jpeg_without_its_end_is_not_completed() -> None:
    """Twenty scans of fourteen bytes would be decoded for each of five tails."""
    data = progressive(colourful(), 12)[:-2]
    assert completed(data)
    assert not completed(data.replace(b"\xff\xc2", b"\xff\xca", 1))


def test_the_count_is_lost_in_the_time_that_decoding_takes() -> None:
    photo = encode(colourful(1500, 2000), "JPEG", quality=95, progressive=True)
    started = time.process_time()
    for _ in range(20):
        asks_too_much(photo)
    counted_s = time.process_time() - started
    started = time.process_time()
    for _ in range(20):
        decode_image(photo)
    assert counted_s < (time.process_time() - started) / 25


def test_a_jpeg_of_many_scans_without_its_end_is_not_decoded_again_and_again() -> None:
    """Six times 25 million pixels in a hundred scans were eleven seconds for 100 kB."""
    data = progressive(colourful(1500, 2000), 90)
    started = time.process_time()
    decode_image(data)
    once_s = time.process_time() - started
    started = time.process_time()
    with pytest.raises(DamagedImageError):
        decode_image(data[:-2])
    assert time.process_time() - started < 2 * once_s + 0.1


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_heic_put_together_from_hundreds_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty large ones on top of each other were eleven seconds for nine kilobytes."""
    assert decode_image(overlaid(256, 2)).image_rgb.shape == (256, 256, 3)
    monkeypatch.setattr(images, "_PROCESSOR_S", 1)
    started = children_s()
    with pytest.raises(TooCostlyImageError, match="than any camera's"):
        decode_image(overlaid(2048, 400), max_pixels=7_000_000)
    assert children_s() - started < 3


def test_one_process_forks_for_each_picture_and_a_failed_one_is_replaced() -> None:
    pictures = [encode(np.full((40 + i, 60, 3), 10 * i, np.uint8), "AVIF") for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for i, found in enumerate(pool.map(decode_image, pictures)):
            assert found.image_rgb.shape == (40 + i, 60, 3)
            assert abs(float(found.image_rgb.mean()) - 10 * i) < 3
    (*_, first) = images._workers._idle
    decode_image(pictures[0])
    assert images._workers._idle[-1] is first
    with pytest.raises(EOFError):
        images._workers.ask((10**6, 1), b"", read=lambda s: isolated.exactly(s, 10**6), seconds=0)
    assert first.poll() is not None
    assert decode_image(pictures[0]).image_rgb.shape == (40, 60, 3)


def test_a_frame_larger_than_it_says_takes_memory_of_its_own_process_only() -> None:
    data = encode(colourful(4000, 4000), "AVIF", quality=1, speed=10)
    at = data.index(b"ispe") + 8
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    decode_image(data[:at] + struct.pack(">II", 100, 100) + data[at + 8 :])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 10_000
