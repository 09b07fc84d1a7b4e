import os
from pathlib import Path

import pandas as pd
import pytest

from core.errors import DatasetError
from core.pictures.files.kinds import passed_over
from core.pictures.files.output import OutputError, check_output
from core.pictures.files.table import find_files
from core.pictures.files.walk import is_file, is_folder, is_there, photos_in

TOO_LONG = "x" * 300 + ".jpg"


def test_nothing_on_a_disk_is_an_exception(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for path in (tmp_path / "loop.jpg", tmp_path / TOO_LONG, tmp_path / "a\0b", tmp_path / "gone"):
        assert (is_file(path), is_folder(path), is_there(path)) == (False, False, False), path


def test_links_and_what_cannot_be_opened_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name in ("a.jpg", "elsewhere/b.jpg", "__MACOSX/c.jpg"):
        (tmp_path / "album" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "album" / name).touch()
    album = tmp_path / "album"
    (album / "loop.jpg").symlink_to("loop.jpg")
    (album / "again").symlink_to(album, target_is_directory=True)
    (album / "link.jpg").symlink_to("a.jpg")
    os.mkfifo(album / "pipe.jpg")
    photos, others = photos_in(album)
    assert [path.relative_to(album).as_posix() for path in photos] == [
        "a.jpg",
        "elsewhere/b.jpg",
        "link.jpg",
    ]
    assert passed_over(others) == "Passed over: 2 pipes or devices, 1 link to a folder."


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    photos, others = photos_in(tmp_path / "gone")  # root may read all that is there
    assert (photos, passed_over(others)) == ([], "Passed over: 1 folder that may not be read.")


def test_an_output_behind_a_circle_of_links_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for place in (tmp_path / "loop" / "x.json", tmp_path / TOO_LONG):
        with pytest.raises(OutputError, match="cannot be written"):
            check_output(place)


def test_a_path_of_a_table_that_is_too_long_is_one_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 1"):
        find_files(pd.Series([TOO_LONG]), tmp_path)
