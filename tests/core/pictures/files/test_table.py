"""Tables as spreadsheets, phones and people write them."""

from pathlib import Path

import pandas as pd
import pytest

from core.errors import DatasetError
from core.pictures.files.table import find_files, locate, read_table, read_table_file

TEXT = "path,label\nZoë.png,happy\nJürgen.png,sad\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "mac_roman"])
def test_encodings_are_found_out_and_the_guess_is_told(tmp_path: Path, encoding: str) -> None:
    for name in ("Zoë.png", "Jürgen.png"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_bytes(TEXT.encode(encoding))
    table = read_table_file(tmp_path / "list.csv")
    assert table.frame["path"].tolist() == ["Zoë.png", "Jürgen.png"]
    guessed = encoding in ("cp1252", "mac_roman")
    assert table.notes == ((f"The csv is no UTF-8; it was read as {encoding}.",) * guessed)


@pytest.mark.parametrize(
    "text",
    [
        "Path;Label\na.png;happy\n",
        " PATH \tLABEL\na.png\thappy\n",
        "path,label\r\na.png,happy\r\n,\r\n\r\n",
        "\n\npath,label\na.png,happy",
    ],
)
def test_separators_headers_and_empty_rows(text: str) -> None:
    frame = read_table("x.csv", text.encode()).frame
    assert frame.to_dict("list") == {"path": ["a.png"], "label": ["happy"]}


def test_rows_keep_their_numbers_and_cells_their_text() -> None:
    frame = read_table("x.csv", b"path,label,land\na,1,NA\n,,\n\nb,007,\n").frame
    assert (frame.index + 1).tolist() == [1, 4]
    assert frame["land"].tolist() == ["NA", ""]
    assert frame["label"].tolist() == ["1", "007"]


def test_paths_of_windows_duplicates_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").touch()
    files, notes = find_files(pd.Series(["a\\b.png", " a/b.png "]), tmp_path)
    assert files == [tmp_path / "a" / "b.png"] * 2
    assert notes == ["1 row names a picture that an earlier row names, too; each row counts."]
    with pytest.raises(DatasetError, match=r"rows 2 \(0\), .* and 2 more are not where"):
        find_files(pd.Series(["a/b.png", *map(str, range(10))]), tmp_path)


def test_what_is_no_table_is_said() -> None:
    many = ",".join(f"c{i}" for i in range(501))
    for name, data, words in (
        ("x.csv", b"path,label\n", "has no rows"),
        ("x.xlsx", b"PK", "neither"),
        ("x.parquet", b"PAR1", "damaged"),
        ("x.csv", f"{many}\n{many}\n".encode(), "501 columns"),
    ):
        with pytest.raises(DatasetError, match=words):
            read_table(name, data)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_wide_letters_are_known_with_and_without_their_mark(encoding: str) -> None:
    frame = read_table("a.csv", "path,label\nä.png,happy\n".encode(encoding)).frame
    assert frame.to_dict("records") == [{"path": "ä.png", "label": "happy"}]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\npath;label\na,b.png;sad\n",
        '"sep=|"\r\npath|label\r\na,b.png|sad',
        "path|label\ra,b.png|sad",
    ],
)
def test_excels_line_for_the_separator_bars_and_old_line_ends(text: str) -> None:
    assert read_table("a.csv", text.encode()).frame.to_dict("records") == [
        {"path": "a,b.png", "label": "sad"}
    ]


def test_cells_beyond_the_header_are_lost_only_where_they_are_empty() -> None:
    kept = read_table("a.csv", b"path,label\na.png,sad,,\nb.png\n").frame
    assert kept.to_numpy().tolist() == [["a.png", "sad"], ["b.png", ""]]
    with pytest.raises(DatasetError, match="more cells than columns in row 2"):
        read_table("a.csv", b"path,label\na.png,sad\na,b.png,sad\n")
    with pytest.raises(DatasetError, match="quotation mark"):
        read_table("a.csv", b'path,label\n"a.png,sad\n')


def test_names_of_files_and_columns_cannot_command_a_screen() -> None:
    with pytest.raises(DatasetError) as refusal:
        read_table("\x1b[31m.csv", b"path,label\n")
    assert "\x1b" not in str(refusal.value)


def test_an_accent_may_be_a_character_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "e\u0301.png").touch()
    files, _ = find_files(pd.Series(["é.png"]), tmp_path)
    assert files == [tmp_path / "e\u0301.png"]


def test_a_home_and_an_address_of_a_file_lead_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "é a.jpg").touch()
    away = tmp_path / "away"
    away.mkdir()
    for text in ("~/é a.jpg", f"file://{tmp_path}/%C3%A9%20a.jpg", f" {tmp_path}/é a.jpg"):
        assert locate(text, away) == tmp_path / "é a.jpg", text
    assert locate("~nobody-here/a.jpg", away) == away / "~nobody-here/a.jpg"
