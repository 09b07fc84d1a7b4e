"""Results appear whole or not at all, and a bad place is known before the work."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from core.pictures.files.output import OutputError, check_output, write_output


def test_places_that_cannot_be_written_are_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place, words in (
        (tmp_path, "it is a folder"),
        (tmp_path / "gone" / "x.csv", "does not exist"),
        (tmp_path / "file" / "x.csv", "does not exist"),
        (tmp_path / ("a" * 300), "name too long"),
    ):
        with pytest.raises(OutputError, match=f"(?i){words}"):
            check_output(place)
    check_output(tmp_path / "fine.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_said_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "x.csv"
    place.write_text("before")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    for act in (lambda: check_output(place), lambda: write_output(place, "after")):
        with pytest.raises(OutputError, match="the disk is full"):
            act()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_link_stays_a_link_and_its_file_changes(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("before")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_output(tmp_path / "link.csv", "after")
    assert (tmp_path / "real.csv").read_text() == "after"
    assert (tmp_path / "link.csv").is_symlink()


def test_devices_are_written_and_not_replaced() -> None:
    check_output(Path("/dev/null"))
    write_output(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()
