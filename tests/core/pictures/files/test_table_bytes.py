"""Columns of a parquet that hold text as bytes, as categories, as an index, or not at all."""

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from core.errors import DatasetError
from core.measures.datasets import load_labelled
from core.pictures.files.table import read_table
from services.batch.files import iter_files
from services.bias_audit import input as audit_input
from tests.helpers.pictures import colourful, encode


def written(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


PICTURES = [encode(colourful(48, 48, seed), "PNG") for seed in (1, 2)]
LABELS = {
    "bytes": pa.array([b"happy", b"sad"]),
    "large": pa.array([b"happy", b"4"], pa.large_binary()),
    "dictionary": pa.array([b"happy", b"sad"]).dictionary_encode(),
    "categories": pa.array(["happy", "sad"]).dictionary_encode(),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_labels_as_bytes_are_text(tmp_path: Path, labels: Any) -> None:
    groups = pa.array(["Zoë".encode(), b"y"])
    data = written({"image": PICTURES, "image2": PICTURES, "label": labels, "who": groups})
    file = tmp_path / "x.parquet"
    file.write_bytes(data)
    found = load_labelled(file, group_by=("who",))
    assert found.labels.tolist() == [3, 4]
    assert found.groups["who"].tolist() == ["Zoë", "y"]
    table = audit_input.read_table("x.parquet", data)
    assert list(table.frame.columns) == ["image", "label", "who"]
    checked = audit_input.check_set("x.parquet", table, group_by=("who",))
    assert checked.images.labels.tolist() == [3, 4]
    assert checked.images.groups["who"].tolist() == ["Zoë", "y"]


PATHS = {
    "bytes": pa.array([b"a.png", "é.png".encode()]),
    "dictionary": pa.array([b"a.png", "é.png".encode()]).dictionary_encode(),
    "categories": pa.array(["a.png", "é.png"]).dictionary_encode(),
}


@pytest.mark.parametrize("paths", PATHS.values(), ids=PATHS.keys())
def test_paths_as_bytes_lead_to_their_files(tmp_path: Path, paths: Any) -> None:
    for name, picture in zip(("a.png", "é.png"), PICTURES, strict=True):
        (tmp_path / name).write_bytes(picture)
    file = tmp_path / "x.parquet"
    file.write_bytes(written({"path": paths, "label": ["happy", "sad"]}))
    assert list(load_labelled(file).encoded()) == PICTURES
    table = audit_input.read_table(file.name, file.read_bytes())
    assert list(audit_input.check_set("x", table, folder=tmp_path).images.encoded()) == PICTURES
    assert list(iter_files(str(file))) == [str(tmp_path / "a.png"), str(tmp_path / "é.png")]


def test_a_missing_path_is_called_missing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES[0])
    file = tmp_path / "x.parquet"
    for paths in (pa.array(["a.png", None]), pa.array(["a.png", None]).dictionary_encode()):
        file.write_bytes(written({"path": paths, "label": ["happy", "sad"]}))
        with pytest.raises(DatasetError, match=r"picture of row 2 \(no path\) is not where"):
            load_labelled(file)
        assert list(iter_files(str(file))) == [str(tmp_path / "a.png")]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    labels = pa.array([b"happy", b"\xff\xfe"])
    file.write_bytes(written({"image": PICTURES, "label": labels}))
    (note,) = load_labelled(file).notes
    assert note == r"1 row is left out, whose label is none of the seven: 1 × \\xff\\xfe."
    table = audit_input.read_table(file.name, file.read_bytes())
    assert note in audit_input.check_set("x.parquet", table).notes
    file.write_bytes(written({"path": pa.array([b"Zo\xeb.png"]), "label": ["sad"]}))
    with pytest.raises(DatasetError, match=r"row 1 \(Zo\\\\xeb.png\) is not where"):
        load_labelled(file)


def test_an_index_with_a_name_is_a_column() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"label": ["sad"]}, index=pd.Index(["a.png"], name="path")).to_parquet(buffer)
    assert list(read_table("x.parquet", buffer.getvalue()).frame.columns) == ["path", "label"]
