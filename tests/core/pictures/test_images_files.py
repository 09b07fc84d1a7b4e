"""Image files: read from disk by content, refused in sentences that hold no path."""

import os
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from core.errors import DamagedImageError, FileTooLargeError, FileUnreadableError
from core.pictures.images import PictureLimits, decode_image
from tests.helpers.bad_images import assert_fit_to_be_shown, odd_files, refused_files
from tests.helpers.pictures import RGB, colourful, encode


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
    assert np.array_equal(PictureLimits().read(tmp_path / name).image_rgb, colourful())


def test_a_path_with_dots_is_a_path_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "photo.png").write_bytes(encode(colourful(), "PNG"))
    path = tmp_path / "folder" / ".." / "photo.png"
    assert np.array_equal(PictureLimits().read(path).image_rgb, colourful())


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
        PictureLimits().read(_unreadable(tmp_path)[which])
    assert_fit_to_be_shown(str(refusal.value))
    assert tmp_path.name not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said_to_be_so(tmp_path: Path) -> None:
    file = tmp_path / "secret.jpg"
    file.write_bytes(encode(colourful(), "PNG"))
    file.chmod(0)
    with pytest.raises(FileUnreadableError, match="Permission denied"):
        PictureLimits().read(file)


def test_a_large_file_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "sparse.jpg"
    with file.open("wb") as handle:
        handle.truncate(20_000_000_000)  # takes no room on the disk and would take all memory
    with pytest.raises(FileTooLargeError, match=r"20000\.0 MB; the limit is 10 MB"):
        PictureLimits().read(file)


def test_a_device_or_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(FileUnreadableError, match="a pipe or a device"):
            PictureLimits().read(path)


def test_a_file_gives_what_its_bytes_give(tmp_path: Path) -> None:
    for name, case in odd_files().items():
        (tmp_path / name).write_bytes(case.data)
        from_file = PictureLimits().read(tmp_path / name)
        from_bytes = decode_image(case.data)
        assert np.array_equal(from_file.image_rgb, from_bytes.image_rgb)
        assert from_file.notes == from_bytes.notes


# --- Many threads -----------------------------------------------------------------------------


def test_decoding_on_many_threads_leaves_the_process_as_it_was() -> None:
    """Python's warning filters are one list a process: a request must not change another's."""
    filters_before = list(warnings.filters)
    data, expected = encode(colourful(), "JPEG"), decode_image(encode(colourful(), "JPEG"))
    bad, wrong = refused_files()["half.jpg"].data, []

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
