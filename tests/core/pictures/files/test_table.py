"""Tables as spreadsheets, phones and people write them."""

from pathlib import Path

import pandas as pd
import pytest

from core.errors import DatasetError
from core.pictures.files.table import find_files, read_table, read_table_file

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
