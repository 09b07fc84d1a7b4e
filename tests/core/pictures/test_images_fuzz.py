"""Files bent at random: each gives a picture or a refusal, in bounded memory (REQ-E9)."""

import resource
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from core.errors import ImageRefusedError
from core.pictures import images
from core.pictures.images import decode_image
from tests.helpers.bad_images import odd_files, refused_files
from tests.helpers.heic import heic
from tests.helpers.pictures import colourful, encode, png_chunks, png_from_chunks

# 25 megapixels with transparency take four bytes a pixel in each of three copies.
ROOM_BYTES = 900_000_000


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode AVIF and HEIC here: a process for each of thousands takes minutes to start."""
    monkeypatch.setattr(images, "_decoded_elsewhere", images._decode)


def seeds() -> list[bytes]:
    """About twenty small files, each of another kind."""
    plain = [encode(colourful(), fmt) for fmt in ("JPEG", "PNG", "WEBP", "AVIF")]
    plain.append(heic(colourful()))
    odd = [case.data for case in odd_files().values() if len(case.data) < 20_000]
    wrong = [refused_files()[name].data for name in ("gif.jpg", "bmp.jpg", "tiff.jpg", "html.jpg")]
    return [*plain, *odd, *wrong]


def bend(data: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """One to four random changes of one file."""
    changes = (_flip_bits, _overwrite, _cut, _repeat, _swap_number, _splice)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        other = others[rng.integers(len(others))]
        data = changes[rng.integers(len(changes))](data, other, rng)
    # A wrong checksum ends the reading of a PNG at once: mend them to get further.
    if data.startswith(b"\x89PNG") and rng.random() < 0.8:
        try:
            data = png_from_chunks(png_chunks(data))
        except struct.error:
            return data
    return data


def _flip_bits(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    bent = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        bent[rng.integers(len(bent))] ^= 1 << int(rng.integers(8))
    return bytes(bent)


def _overwrite(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    at, count = int(rng.integers(len(data))), int(rng.integers(1, 17))
    return data[:at] + rng.bytes(count) + data[at + count :]


def _cut(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    return data[:first] + data[last:] if rng.random() < 0.5 else data[:last]


def _repeat(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    return data[:last] + data[first:last] + data[last:]


def _swap_number(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Put an extreme number where a length, a size or an offset may stand."""
    number = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 5000)[rng.integers(8)]
    order = "><"[rng.integers(2)]
    packed = struct.pack(order + ("H" if number < 65536 else "I"), number)
    at = int(rng.integers(min(len(data), 200)))
    return data[:at] + packed + data[at + len(packed) :]


def _splice(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data) + 1)] + other[rng.integers(len(other)) :]


@contextmanager
def bounded_memory(n_bytes: int) -> Iterator[None]:
    """Let the process take `n_bytes` more than it has; beyond that there is a MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = psutil.Process().memory_info().vms + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fuzz(n_cases: int, seed: int) -> tuple[int, int]:
    """Decode `n_cases` bent files; returns how many were decoded and refused."""
    files, rng = seeds(), np.random.default_rng(seed)
    n_decoded = n_refused = 0
    for number in range(n_cases):
        data = bend(files[number % len(files)], files, rng)
        try:
            image = decode_image(data).image_rgb
        except ImageRefusedError as refusal:
            assert str(refusal).endswith(".")  # noqa: PT017 - one of two good outcomes
            n_refused += 1
        except BaseException as exc:
            exc.add_note(f"case {number} of seed {seed}: {data[:400].hex()}")
            raise
        else:
            assert image.dtype == np.uint8
            assert image.ndim == 3
            assert image.shape[2] == 3
            assert 0 < image.shape[0] * image.shape[1] <= 25_000_000
            n_decoded += 1
    return n_decoded, n_refused


@pytest.mark.usefixtures("in_this_process")
def test_two_thousand_bent_files_give_a_picture_or_a_refusal() -> None:
    fuzz(100, seed=1)  # plug-ins are loaded, so that the memory below is that of pictures
    before = psutil.Process().memory_info().rss
    with bounded_memory(ROOM_BYTES):
        n_decoded, n_refused = fuzz(2000, seed=2)
    assert psutil.Process().memory_info().rss - before < 250_000_000
    # Both outcomes are common, or else the fuzzing reached only half of the code.
    assert n_decoded > 100
    assert n_refused > 500


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_twenty_thousand_bent_files_give_a_picture_or_a_refusal() -> None:
    with bounded_memory(ROOM_BYTES):
        n_decoded, n_refused = fuzz(20_000, seed=3)
    assert n_decoded + n_refused == 20_000


def test_bent_files_of_composed_pictures_end_in_their_process_as_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files, rng = [encode(colourful(), "AVIF"), heic(colourful())], np.random.default_rng(5)
    for number in range(20):
        data = bend(files[number % 2], files, rng)
        outcomes = []
        for decode in (images._decoded_elsewhere, images._decode):
            monkeypatch.setattr(images, "_decoded_elsewhere", decode)
            try:
                outcomes.append(decode_image(data).image_rgb.tobytes())
            except ImageRefusedError as refusal:
                outcomes.append(f"{type(refusal).__name__}: {refusal}".encode())
        monkeypatch.undo()
        assert outcomes[0] == outcomes[1]


def test_random_bytes_are_refused() -> None:
    rng = np.random.default_rng(4)
    for length in [1, 2, 3, 12, 64, 1000] * 20:
        with pytest.raises(ImageRefusedError, match="not a JPEG, PNG, WebP"):
            decode_image(rng.bytes(length))


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_compressed_text_that_unpacks_to_200_megabytes_takes_no_memory(kind: bytes) -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    start = {b"zTXt": b"k\0\0", b"iCCP": b"k\0\0", b"iTXt": b"k\0\1\0\0\0"}[kind]
    header, *rest = png_chunks(encode(colourful(), "PNG"))
    data = png_from_chunks([header, (kind, start + packed), *rest])
    assert len(data) < 300_000
    with bounded_memory(150_000_000):
        try:
            decoded = decode_image(data)
        except ImageRefusedError:
            return
    assert np.array_equal(decoded.image_rgb, colourful())


def test_the_largest_picture_allowed_stays_within_bounded_memory() -> None:
    """25 megapixels, with transparency, in a file of a few kilobytes."""
    rows = zlib.compress(bytes(5000 * (1 + 4 * 5000)), 1)
    header = struct.pack(">IIBBBBB", 5000, 5000, 8, 6, 0, 0, 0)
    data = png_from_chunks([(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")])
    with bounded_memory(ROOM_BYTES):
        decoded = decode_image(data)
    assert decoded.image_rgb.shape == (5000, 5000, 3)
    assert decoded.image_rgb.min() == 255  # wholly transparent on white
