"""ZIPs of pictures: what leads out, unpacks without end, is damaged or locked is refused."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest

from core.pictures import archive as audit_zip
from core.pictures.archive import ZipRefusedError, open_zip
from tests.helpers.audit_sets import zipped


@pytest.mark.parametrize(
    "name",
    ["../up.png", "a/../../up.png", "/etc/passwd", "C:\\x.png", "..\\up.png", "\\\\host\\x"],
)
def test_paths_that_climb_out_are_refused(name: str) -> None:
    with pytest.raises(ZipRefusedError, match="File 2 in the ZIP has a path that leads out"):
        open_zip(zipped({"fine.png": b"x", name: b"x"}))


def test_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"a.png": bytes(30_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(ZipRefusedError, match="ZIP bomb"):
        open_zip(bomb)
    many = zipped({f"{i}.png": b"x" for i in range(20)})
    monkeypatch.setattr(audit_zip, "MAX_FILES", 10)
    with pytest.raises(ZipRefusedError, match="20 files"):
        open_zip(many)
    monkeypatch.setattr(audit_zip, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(ZipRefusedError, match="unpacks to"):
        open_zip(zipped({"a": bytes(2000)}))


def test_a_bomb_that_lies_about_its_size_is_cut_off() -> None:
    """The directory claims 100 bytes; a reader that trusts it would unpack 30 megabytes."""
    bomb = bytearray(zipped({"a.png": bytes(30_000_000)}, zipfile.ZIP_DEFLATED))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = bomb.index(signature) + offset
        bomb[at : at + 4] = struct.pack("<I", 100)
    with pytest.raises(ZipRefusedError):
        open_zip(bytes(bomb)).read("a.png")


def test_damaged_and_encrypted_archives_are_refused() -> None:
    with pytest.raises(ZipRefusedError, match="no ZIP"):
        open_zip(b"not a zip")
    fine = bytearray(zipped({"a.png": b"hello" * 50}))
    locked = fine.copy()
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ZipRefusedError, match="encrypted"):
        open_zip(bytes(locked))
    fine[fine.index(b"hello")] ^= 0xFF  # the checksum is wrong now
    with pytest.raises(ZipRefusedError, match="damaged"):
        open_zip(bytes(fine)).read("a.png")


def test_too_large_pictures_in_a_zip_are_refused() -> None:
    noise = np.random.default_rng(0).bytes(10_000_001)
    with pytest.raises(ZipRefusedError, match="more than 10 MB"):
        open_zip(zipped({"a.png": noise})).read("a.png")


def test_a_table_finds_pictures_whose_accents_a_mac_wrote_apart() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("e\u0301.jpg", b"x")
    assert open_zip(written.getvalue()).read("é.jpg") == b"x"


def with_names(*names: str, contents: tuple[bytes, ...] = (b"one", b"two", b"three")) -> bytes:
    written = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(written, "w") as archive:
        for name, content in zip(names, contents, strict=False):
            archive.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a.jpg", "a.jpg"], ["a (2).jpg", "a.jpg"]),
        (["a.jpg", "a (2).jpg", "a.jpg"], ["a (2).jpg", "a (3).jpg", "a.jpg"]),
        (["x/a.jpg", "x\\a.jpg"], ["x/a (2).jpg", "x/a.jpg"]),
        (["é.jpg", "e\u0301.jpg"], ["é (2).jpg", "é.jpg"]),
        ([" ", " ", "a.jpg"], ["a.jpg"]),
    ],
)
def test_files_of_one_name_are_all_there_and_told_apart(names: list[str], told: list[str]) -> None:
    pictures = open_zip(with_names(*names))
    assert pictures.pictures() == told
    assert len(pictures) == len(names)
    read = {pictures.read(name) for name in told}
    assert len(read) == len(told)


def test_a_name_that_tells_no_file_is_known_as_such() -> None:
    pictures = open_zip(with_names("x/a.jpg", "x/a.jpg", "x/b.jpg"))
    assert [pictures.is_shared(n) for n in ("x/a.jpg", "a.jpg", "x/b.jpg")] == [True, True, False]
    assert pictures.size("a.jpg") == pictures.size("x/a (2).jpg") == 3
    alike = open_zip(with_names("a.jpg", "a.jpg", contents=(b"one", b"one")))
    assert not alike.is_shared("a.jpg")


def test_names_that_a_mac_wrote_without_saying_how_are_read() -> None:
    packed = bytearray(with_names("Zoë/é.jpg"))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        packed[packed.index(signature) + offset + 1] &= 0xF7  # "these names are UTF-8"
    pictures = open_zip(bytes(packed))
    assert pictures.pictures() == ["Zoë/é.jpg"]
    assert pictures.read("Zoë/é.jpg") == b"one"
    windows = bytes(packed).replace("Zoë/é.jpg".encode(), "Zoë_/é_.jpg".encode("cp437"))
    assert open_zip(windows).pictures() == ["Zoë_/é_.jpg"]
