"""Bad sets are refused with the rows named; good ones give figures that masks give too."""

import html
import io
import itertools
import json
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from core.classify import EmotionClassifier
from core.config import load_settings
from core.curves import Predictions
from core.emotions import EMOTIONS
from core.faceinput import FULL_SQUARE
from core.types import Box, Face
from services import audit_export, audit_input, audit_zip
from services.audit_data import AuditResult, run_audit
from services.audit_export import audit_csv, audit_json, preview
from services.audit_input import (
    AuditInputError,
    check_set,
    group_candidates,
    read_table,
    rows_text,
)
from services.audit_report import audit_html
from services.audit_zip import ZipRefusedError, open_zip
from tests.helpers.pictures import colourful, encode

N = 70


@pytest.fixture(scope="module")
def classifier(models_dir: Path) -> EmotionClassifier:
    return EmotionClassifier.load(load_settings().default_model, models_dir)


def pictures(n: int = N) -> list[bytes]:
    return [encode(colourful(48, 48, seed), "PNG") for seed in range(n)]


def labels(n: int = N) -> list[str]:
    return [EMOTIONS[i % 7] for i in range(n)]


def csv_bytes(n: int = N, **columns: list[Any]) -> bytes:
    frame = {"path": [f"faces/{i}.png" for i in range(n)], "label": labels(n), **columns}
    return pd.DataFrame(frame).to_csv(index=False).encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def good_zip(n: int = N) -> bytes:
    return zipped({f"faces/{i}.png": data for i, data in enumerate(pictures(n))})


def checked(table: bytes, archive: bytes, *group_by: str) -> Any:
    return check_set("x.csv", read_table("x.csv", table), group_by=group_by, archive=archive)


def of(result: AuditResult) -> Predictions:
    return result.models[0].predictions


def test_a_csv_with_a_zip_gives_the_figures_that_masks_give(classifier: EmotionClassifier) -> None:
    sides = ["left"] * 40 + ["right"] * 30
    steps: list[tuple[int, int]] = []
    result = run_audit(
        [classifier],
        checked(csv_bytes(side=sides), good_zip(), "side"),
        progress=lambda done, total: steps.append((done, total)),
    )
    p = result.models[0].predictions
    assert steps[-1] == (N, N)
    assert len(p) == N
    (figures,) = json.loads(audit_json(result))["models"]
    assert figures["measures"]["accuracy"] == pytest.approx(accuracy_score(p.labels, p.predicted))
    assert figures["measures"]["macro_f1"] == pytest.approx(
        f1_score(p.labels, p.predicted, average="macro", zero_division=0)
    )
    assert figures["area_under_roc"]["sad"] == pytest.approx(
        roc_auc_score(p.labels == 4, p.probabilities[:, 4])
    )
    groups = figures["groups"]["attributes"][0]["outcomes"][0]["groups"]
    for row in groups:
        inside = np.array(sides) == row["group"]
        assert row["n"] == inside.sum()
        assert row["share"] == pytest.approx(p.right[inside].mean())


def test_the_csv_holds_enough_to_do_it_again(classifier: EmotionClassifier) -> None:
    result = run_audit([classifier], checked(csv_bytes(side=["a"] * N), good_zip(), "side"))
    table = pd.read_csv(io.StringIO(audit_csv(result)))
    assert table["row"].tolist() == list(range(1, N + 1))
    assert table["label"].tolist() == labels()
    assert table[list(EMOTIONS)].idxmax(axis=1).tolist() == table["judged"].tolist()
    assert (table["group side"] == "a").all()


def test_a_parquet_and_a_csv_of_the_same_pictures_agree(classifier: EmotionClassifier) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"image": pictures(), "label": labels()}).to_parquet(buffer)
    frame = read_table("x.parquet", buffer.getvalue())
    one = run_audit([classifier], check_set("x.parquet", frame))
    other = run_audit([classifier], checked(csv_bytes(), good_zip()))
    assert np.array_equal(of(one).probabilities, of(other).probabilities)


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


def test_one_class_data_is_audited_and_said(classifier: EmotionClassifier) -> None:
    table = csv_bytes(8, label=["happy"] * 8)
    result = run_audit([classifier], checked(table, good_zip(8)))
    assert "All 8 rows are labelled happy" in result.notes[0]
    (figures,) = json.loads(audit_json(result))["models"]
    assert figures["area_under_roc"]["happy"] is None
    assert "All 8 rows are labelled happy" in audit_html(result)


def many_values() -> list[str]:
    return [str(i) for i in range(N)]


@pytest.mark.parametrize(
    ("table", "group_by", "words"),
    [
        (b"path,label\n", (), "no rows"),
        (b"", (), "cannot be read"),
        (b"\xff\xfe\x00", (), "UTF-8"),
        (b"file,label\na,happy\n", (), "needs a column path"),
        (b"path,emotion\na,happy\n", (), "no column label"),
        (csv_bytes(), ("age",), "no column age"),
        (csv_bytes(4, label=["happy", "joy", "sad", "7"]), (), "Unknown label in rows 2, 4"),
        (csv_bytes(side=[""] * N), ("side",), "empty in every row"),
        (csv_bytes(id=many_values()), ("id",), "70 different values"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(table: bytes, group_by: tuple[str, ...], words: str) -> None:
    with pytest.raises(AuditInputError, match=re.escape(words)):
        checked(table, good_zip(), *group_by)


def test_pictures_that_are_missing_or_unreadable_are_named_by_row(
    classifier: EmotionClassifier,
) -> None:
    files = {f"faces/{i}.png": data for i, data in enumerate(pictures(12))}
    del files["faces/3.png"], files["faces/11.png"]
    with pytest.raises(AuditInputError, match="lacks the pictures of rows 4, 12; it holds 10"):
        checked(csv_bytes(12), zipped(files))
    files |= {"faces/3.png": b"text", "faces/11.png": files["faces/1.png"][:300]}
    with pytest.raises(
        AuditInputError, match=r"unsupported format in row 4; damaged .* in row 12"
    ):
        run_audit([classifier], checked(csv_bytes(12), zipped(files)))


def test_a_csv_without_pictures_asks_for_them() -> None:
    with pytest.raises(AuditInputError, match="add the ZIP"):
        check_set("x.csv", read_table("x.csv", csv_bytes()))


def test_pictures_beside_the_csv(tmp_path: Path) -> None:
    frame = read_table("x.csv", csv_bytes(3))
    with pytest.raises(AuditInputError, match="pictures of rows 1, 2, 3 are not where"):
        check_set("x.csv", frame, folder=tmp_path)
    (tmp_path / "faces").mkdir()
    for i, data in enumerate(pictures(3)):
        (tmp_path / "faces" / f"{i}.png").write_bytes(data)
    assert len(check_set("x.csv", frame, folder=tmp_path).images) == 3


@pytest.mark.parametrize("cell", [None, b"", "text", 3.5])
def test_parquets_without_picture_bytes_are_refused(cell: Any) -> None:
    frame = pd.DataFrame({"image": [pictures(1)[0], cell], "label": [0, 1]}, dtype=object)
    with pytest.raises(AuditInputError, match="in row 2"):
        check_set("x.parquet", frame)


@pytest.mark.parametrize(("name", "data"), [("x.parquet", b"PAR1 no"), ("x.xlsx", b"PK")])
def test_other_files_are_refused(name: str, data: bytes) -> None:
    with pytest.raises(AuditInputError, match=r"parquet"):
        read_table(name, data)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_input, "MAX_ROWS", 5)
    with pytest.raises(AuditInputError, match="70 rows; at most 5"):
        read_table("x.csv", csv_bytes())
    buffer = io.BytesIO()
    pd.DataFrame({"image": [b"x"] * 9, "label": [0] * 9}).to_parquet(buffer)
    with pytest.raises(AuditInputError, match="9 rows"):
        read_table("x.parquet", buffer.getvalue())


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
        open_zip(bytes(bomb)).get("a.png")


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
        open_zip(bytes(fine)).get("a.png")


def test_too_large_pictures_in_a_zip_are_refused() -> None:
    noise = np.random.default_rng(0).bytes(10_000_001)
    with pytest.raises(ZipRefusedError, match="more than 10 MB"):
        open_zip(zipped({"a.png": noise})).get("a.png")


def test_stopping_is_raising_from_progress(classifier: EmotionClassifier) -> None:
    class Stopped(Exception):
        pass

    def progress(done: int, total: int) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        run_audit([classifier], checked(csv_bytes(8), good_zip(8)), progress=progress)


class FindsEveryOther:
    """A detector that finds a face in the first picture, none in the second, and so on."""

    name, threshold, box_geometry = "every other", 0.5, FULL_SQUARE

    def __init__(self, first: bool = True) -> None:
        self.calls = itertools.cycle([first, False])

    def detect(self, image_rgb: object) -> tuple[Face, ...]:
        box = Box(4, 4, 44, 44)
        return (Face(box, 0.9, np.empty((0, 2), np.float32), self.name),) * next(self.calls)


def test_pictures_without_a_face_are_counted_not_dropped(classifier: EmotionClassifier) -> None:
    result = run_audit(
        [classifier],
        checked(csv_bytes(8, side=list("abcdefgh")), good_zip(8), "side"),
        detector=FindsEveryOther(),
    )
    assert result.undetected == [2, 4, 6, 8]
    assert result.rows.tolist() == [1, 3, 5, 7]
    assert result.groups["side"].tolist() == list("aceg")
    figures = json.loads(audit_json(result))
    assert figures["pictures"] == 8
    assert figures["undetected_rows"] == [2, 4, 6, 8]
    assert "In 4 pictures no face was found" in audit_html(result)


def test_a_set_without_any_face_is_refused(classifier: EmotionClassifier) -> None:
    with pytest.raises(AuditInputError, match="No face was found in any"):
        run_audit(
            [classifier], checked(csv_bytes(8), good_zip(8)), detector=FindsEveryOther(first=False)
        )


def test_the_report_is_self_contained_and_escapes_what_the_data_says(
    classifier: EmotionClassifier,
) -> None:
    evil = "<script>alert(1)</script>"
    sides = [evil] * 35 + ["=cmd|'/c calc'!A1"] * 35
    result = run_audit(
        [classifier],
        checked(csv_bytes(side=sides), good_zip(), "side"),
        source="predicted",
        label_error=0.1,
    )
    report = audit_html(result)
    assert evil not in report
    assert html.escape(evil) in report
    assert "<script" not in report
    assert not re.search(r"""(?:src|href)=|url\(|@import""", report)
    assert "default-src 'none'" in report
    assert "guesses of a small model" in report
    assert "If 10" in report
    assert "<img" not in report
    assert "'=cmd" in audit_csv(result)


def test_predicted_labels_without_a_known_error_carry_no_band(
    classifier: EmotionClassifier,
) -> None:
    table = csv_bytes(side=["a", "b"] * 35)
    result = run_audit([classifier], checked(table, good_zip(), "side"), source="predicted")
    assert result.models[0].bias.attributes[0].sensitivity is None


def test_nothing_is_written_to_disk(
    classifier: EmotionClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = run_audit([classifier], checked(csv_bytes(8), good_zip(8)))
    assert audit_html(result)
    assert audit_json(result)
    assert list(tmp_path.iterdir()) == []


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


def test_json_has_no_nan() -> None:
    assert audit_export._without_nan({"a": [float("nan"), (1.0, float("nan"))]}) == {
        "a": [None, [1.0, None]]
    }
