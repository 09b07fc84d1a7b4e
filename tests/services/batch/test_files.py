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
    ],
)
def test_a_pattern_finds_what_fits(album: Path, pattern: str, found: list[str]) -> None:
    assert inside(album, f"{album}/{pattern}") == found


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
