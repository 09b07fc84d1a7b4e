"""Sets that cannot be audited as they are: refused at once, with all rows named."""

import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.errors import DatasetError
from core.pictures.files.table import Table, rows_text
from services.bias_audit import input as audit_input
from services.bias_audit.input import AuditInputError, check_set, group_candidates, read_table
from services.bias_audit.tables import preview
from tests.helpers.audit_sets import N, checked, csv_bytes, good_zip, pictures, zipped
from tests.helpers.pictures import colourful, encode


def test_a_zipped_folder_and_semicolons_are_understood() -> None:
    table = csv_bytes(7).decode().replace(",", ";").replace("faces/", "").encode("utf-8-sig")
    files = {f"my folder/{i}.png": data for i, data in enumerate(pictures(7))}
    assert len(checked(table, zipped({**files, "__MACOSX/x": b""})).images) == 7


def test_what_is_unusual_is_said() -> None:
    sides = ["", "left", "left", " ", *["right"] * 3]
    table = csv_bytes(7, side=sides, town=["Bonn"] * 7)
    found = checked(table, good_zip(7), "side", "town")
    assert any("no value in rows 1, 4" in note for note in found.notes)
    assert any("one value only" in note for note in found.notes)
    assert preview(found)["groups"]["side"][""] == 2


@pytest.mark.parametrize(
    ("size_wh", "photos"),
    [((48, 48), False), ((224, 224), False), ((160, 120), True), ((400, 400), True)],
)
def test_photos_are_told_from_face_crops(size_wh: tuple[int, int], photos: bool) -> None:
    picture = encode(colourful(size_wh[1], size_wh[0], 1), "PNG")
    files = {f"faces/{i}.png": picture for i in range(3)}
    assert checked(csv_bytes(3), zipped(files)).are_photos() is photos
    damaged = {**files, "faces/0.png": b"no picture", "faces/1.png": b""}
    assert checked(csv_bytes(3), zipped(damaged)).are_photos() is photos
    assert not checked(csv_bytes(3), zipped(dict.fromkeys(files, b"none"))).are_photos()


def many_values() -> list[str]:
    return [str(i) for i in range(N)]


@pytest.mark.parametrize(
    ("table", "group_by", "words"),
    [
        (b"path,label\n", (), "no rows"),
        (b"", (), "cannot be read"),
        (b"\xff\xfe\x00", (), "no known encoding"),
        (b"file,label\na,happy\n", (), "no column path"),
        (b"path,emotion\na,happy\n", (), "no column label"),
        (csv_bytes(), ("age",), "no column age"),
        (csv_bytes(2, label=["bored", "7"]), (), "no label that is known"),
        (csv_bytes(side=[""] * N), ("side",), "empty in every row"),
        (csv_bytes(id=many_values()), ("id",), "70 different values"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(table: bytes, group_by: tuple[str, ...], words: str) -> None:
    with pytest.raises(DatasetError, match=re.escape(words)):
        checked(table, good_zip(), *group_by)


def test_a_csv_without_pictures_asks_for_them() -> None:
    with pytest.raises(AuditInputError, match="add the ZIP"):
        check_set("x.csv", read_table("x.csv", csv_bytes()))


def test_pictures_beside_the_csv(tmp_path: Path) -> None:
    frame = read_table("x.csv", csv_bytes(3))
    with pytest.raises(
        DatasetError, match=r"pictures of rows 1 .*2 .*3 \(faces/2.png\) are not where"
    ):
        check_set("x.csv", frame, folder=tmp_path)
    (tmp_path / "faces").mkdir()
    for i, data in enumerate(pictures(3)):
        (tmp_path / "faces" / f"{i}.png").write_bytes(data)
    assert len(check_set("x.csv", frame, folder=tmp_path).images) == 3


@pytest.mark.parametrize("cell", [None, b"", "text", 3.5])
def test_parquets_without_picture_bytes_are_refused(cell: Any) -> None:
    frame = pd.DataFrame({"image": [pictures(1)[0], cell], "label": [0, 1]}, dtype=object)
    with pytest.raises(DatasetError, match="in row 2"):
        check_set("x.parquet", Table(frame))


@pytest.mark.parametrize(("name", "data"), [("x.parquet", b"PAR1 no"), ("x.xlsx", b"PK")])
def test_other_files_are_refused(name: str, data: bytes) -> None:
    with pytest.raises(DatasetError, match=r"parquet"):
        read_table(name, data)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_input, "MAX_ROWS", 5)
    with pytest.raises(AuditInputError, match="70 rows; at most 5"):
        read_table("x.csv", csv_bytes())
    buffer = io.BytesIO()
    pd.DataFrame({"image": [b"x"] * 9, "label": [0] * 9}).to_parquet(buffer)
    with pytest.raises(AuditInputError, match="9 rows"):
        read_table("x.parquet", buffer.getvalue())


def test_group_candidates_leave_out_pictures_labels_and_free_text() -> None:
    frame = pd.DataFrame(
        {
            "path": list("ab") * 40, "label": ["happy", "sad"] * 40, "side": ["l", "r"] * 40,
            "id": range(80), "same": ["x"] * 80, "image2": [b"x", b"y"] * 40,
        }
    )  # fmt: skip
    assert group_candidates(frame) == ["side"]


@pytest.mark.parametrize(
    ("rows", "text"),
    [([3], "row 3"), ([1, 2], "rows 1, 2"),
     (list(range(1, 12)), "rows 1, 2, 3, 4, 5, 6, 7, 8 and 3 more")],
)  # fmt: skip
def test_rows_text(rows: list[int], text: str) -> None:
    assert rows_text(rows) == text


def test_a_name_that_two_files_of_the_zip_share_tells_no_picture() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, picture in zip(("0.png", "0.png", "1.png"), pictures(3), strict=True):
            with warnings.catch_warnings(action="ignore"):
                archive.writestr(f"faces/{name}", picture)
    with pytest.raises(AuditInputError, match="several different files under the name in row 1;"):
        checked(csv_bytes(2), buffer.getvalue())
