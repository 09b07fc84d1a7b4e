import os
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from services.batch.files import BatchError, iter_files


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Pictures by name only, in folders, among other things."""
    for name in ("b.jpg", "a/2.PNG", "a/10.jpeg", "a/deep/x.webp", "c.txt", "z/notes.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path


def inside(folder: Path, source: str) -> list[str]:
    return [str(Path(file).relative_to(folder)) for file in iter_files(source)]


def test_a_folder_is_searched_through_in_the_order_of_names(album: Path) -> None:
    assert inside(album, str(album)) == ["a/10.jpeg", "a/2.PNG", "a/deep/x.webp", "b.jpg"]


def test_a_link_that_leads_in_a_circle_is_not_followed(album: Path) -> None:
    (album / "a" / "again").symlink_to(album, target_is_directory=True)
    assert len(inside(album, str(album))) == 4


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.jpg", ["b.jpg"]),
        ("a/*", ["a/10.jpeg", "a/2.PNG"]),
        ("**/*.jp*g", ["a/10.jpeg", "b.jpg"]),
        ("a/?.PNG", ["a/2.PNG"]),
        ("[bc].*", ["b.jpg", "c.txt"]),
        ("**/*.png", ["a/2.PNG"]),
    ],
)
def test_a_pattern_finds_what_fits(album: Path, pattern: str, found: list[str]) -> None:
    assert inside(album, f"{album}/{pattern}") == found


def test_what_exists_under_its_name_is_no_pattern(album: Path) -> None:
    folder = album / "photos [2023]"
    folder.mkdir()
    (folder / "IMG_1.jpg").touch()
    (folder / "list [v2].csv").write_text("path\nIMG_1.jpg\n")
    for source in ("", "/IMG_1.jpg", "/list [v2].csv", "/*.jpg"):
        assert inside(folder, f"{folder}{source}") == ["IMG_1.jpg"], source


def test_what_is_passed_over_and_what_is_missing_is_told(album: Path) -> None:
    (album / "scan.tif").touch()
    (album / "._b.jpg").touch()
    os.mkfifo(album / "pipe.jpg")
    notes: list[str] = []
    assert len(list(iter_files(str(album), notes))) == 4
    assert notes == ["Passed over: 1 TXT file, 1 pipe or device, 1 TIFF file, 1 other file."]
    (album / "list.csv").write_bytes("Path;n\nb.jpg;1\nZoë.jpg;2\nb.jpg;3\n".encode("cp1252"))
    notes = []
    assert inside(album, str(album / "list.csv")) == ["b.jpg", "Zoë.jpg", "b.jpg"]
    list(iter_files(str(album / "list.csv"), notes))
    assert notes == [
        "The csv is no UTF-8; it was read as cp1252.",
        "The picture of row 2 (Zoë.jpg) is not where path says. The others are analysed.",
        "1 row names a picture that an earlier row names, too; each row counts.",
    ]


def test_tables_of_paths_keep_their_order_and_start_at_their_folder(album: Path) -> None:
    rows = pd.DataFrame({"path": ["z.jpg", str(album / "b.jpg"), "a/2.PNG", "z.jpg"], "n": 1})
    rows.to_csv(album / "list.csv", index=False)
    rows.to_parquet(album / "list.parquet")
    expected = ["z.jpg", "b.jpg", "a/2.PNG", "z.jpg"]
    assert inside(album, str(album / "list.csv")) == expected
    assert inside(album, str(album / "list.parquet")) == expected


def test_urls_are_walked_and_matched_like_folders() -> None:
    fs = fsspec.filesystem("memory")
    for name in ("2.jpg", "1.jpg", "in/3.png", "in/4.txt"):
        fs.pipe(f"/album/{name}", b"x")
    fs.pipe("/album/list.csv", b"path\nin/3.png\nhttps://example.org/far.jpg\n")
    try:
        assert list(iter_files("memory://album")) == [
            f"memory:///album/{name}" for name in ("1.jpg", "2.jpg", "in/3.png")
        ]
        assert [file.rpartition("/")[2] for file in iter_files("memory://album/in/*")] == [
            "3.png", "4.txt",
        ]  # fmt: skip
        assert list(iter_files("memory://album/list.csv")) == [
            "memory://album/in/3.png", "https://example.org/far.jpg",
        ]  # fmt: skip
    finally:
        fs.rm("/album", recursive=True)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere", "does not exist"),
        ("nowhere/*.jpg", "folder of this pattern"),
        ("z", "holds no"),
        ("gone.csv", "cannot be opened"),
        ("other.csv", "column path"),
        ("broken.parquet", "damaged"),
        ("nothing://here", "cannot be read here"),
    ],
)
def test_what_cannot_be_listed_is_said(album: Path, source: str, words: str) -> None:
    (album / "other.csv").write_text("file\na.jpg\n")
    (album / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    asked = source if "://" in source else str(album / source)
    with pytest.raises(BatchError, match=words) as refusal:
        list(iter_files(asked))
    assert str(album) not in str(refusal.value)


@pytest.mark.parametrize("name", ["a::b.csv", "file:c.csv", "Zo\udceb.csv"])
def test_a_table_here_is_a_file_whatever_it_is_called(album: Path, name: str) -> None:
    (album / name).write_text("path\nb.jpg\n")
    assert inside(album, str(album / name)) == ["b.jpg"]


def test_what_cannot_be_opened_ends_no_batch(album: Path) -> None:
    (album / "loop.jpg").symlink_to("loop.jpg")
    (album / "again").symlink_to(album, target_is_directory=True)
    notes: list[str] = []
    assert len(list(iter_files(str(album), notes))) == 4
    assert "1 pipe or device" in notes[0]
    assert "1 link to a folder" in notes[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.xlsx", "x.xlsx is neither a .parquet nor a .csv file; please save the table as one"),
        ("x.jsonl", "please save the table as one"),
        ("x.zip", "please unpack it and name its folder"),
        ("x.csv", "x.csv is neither a .parquet nor a .csv file, whatever its name says"),
    ],
)
def test_what_is_no_table_is_not_taken_for_a_photo(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(BatchError, match=words):
        list(iter_files(str(tmp_path / name)))
