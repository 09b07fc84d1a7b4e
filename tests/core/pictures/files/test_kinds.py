"""Which files are looked at by their names, and how the others are told of."""

import os
from pathlib import Path

from core.pictures.files.kinds import is_photo_name, passed_over
from core.pictures.files.walk import photos_in


def test_names_of_photos_whatever_their_case_or_ending() -> None:
    for name in ("a.JPG", "a.jfif", "a.jpe", "A.JPEG", "a.avif", "b.HEIC", "é.webp"):
        assert is_photo_name(name), name
    for name in ("a.gif", "a.jpg.txt", "._a.jpg", "__MACOSX/a.jpg", "x/__MACOSX/y/a.jpg", "jpg"):
        assert not is_photo_name(name), name


def test_what_is_passed_over_is_counted_by_kind_and_leftovers_are_silent() -> None:
    names = ["a.tif", "b.TIFF", "c.mov", "d.cr2", "e", "", ".DS_Store", "._a.jpg", "Thumbs.db"]
    assert passed_over(names) == (
        "Passed over: 2 TIFF files, 1 video, 1 raw photo, 1 other file, 1 pipe or device."
    )
    assert passed_over(["desktop.ini", "__MACOSX/._x.jpg"]) == ""


def test_a_folder_called_like_a_photo_is_a_folder_and_a_pipe_is_no_photo(tmp_path: Path) -> None:
    (tmp_path / "album.jpg").mkdir()
    for name in ("album.jpg/x.png", "B.JPG", "a.jfif", "._a.jfif", "scan.tif"):
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.jpg")
    photos, others = photos_in(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in photos] == [
        "B.JPG",
        "a.jfif",
        "album.jpg/x.png",
    ]
    assert passed_over(others) == "Passed over: 1 pipe or device, 1 TIFF file."


def test_photos_that_somebody_threw_away_are_not_looked_at(tmp_path: Path) -> None:
    thrown = (
        ".trashed-1735689600-a.jpg", ".pending-1735689600-a.jpg", ".Trash/a.jpg",
        ".Trash-1000/files/a.jpg", "$RECYCLE.BIN/S-1-5/$R1.jpg", "#recycle/a.jpg",
        ".thumbnails/1.jpg", "DCIM/@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
    )  # fmt: skip
    for name in (*thrown, "trash/b.jpg", ".hidden/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    photos, others = photos_in(tmp_path)
    assert [path.name for path in photos] == ["c.jpg", "b.jpg"]
    assert passed_over(others) == ""
    assert not any(map(is_photo_name, thrown))
