"""Tables and archives that are damaged, or small and ask for much: a sentence, little memory."""

import io
import random
import zipfile
from collections.abc import Callable

import pandas as pd
import psutil
import pytest

from core.errors import DatasetError
from core.pictures.archive import open_zip
from core.pictures.files.table import MAX_CELLS, MAX_COLUMNS, Table
from services.bias_audit import parquet_table
from services.bias_audit.input import (
    AuditInputError,
    check_set,
    group_candidates,
    read_table,
)
from tests.helpers.pictures import colourful, encode


def a_zip(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number in range(4):
            archive.writestr(f"faces/{number}.png", encode(colourful(seed=number), "PNG"))
    return buffer.getvalue()


def a_csv() -> bytes:
    rows = [f"faces/{n}.png,{label},{n}" for n, label in enumerate(("happy", "sad", "fear", "0"))]
    return "\n".join(("path,label,light", *rows)).encode()


def a_parquet() -> bytes:
    pictures = [encode(colourful(seed=n), "PNG") for n in range(4)]
    buffer = io.BytesIO()
    frame = pd.DataFrame({"image": pictures, "label": [0, 1, 2, 3], "light": list("aabb")})
    frame.to_parquet(buffer)
    return buffer.getvalue()


def read_all_of_a_zip(data: bytes) -> None:
    archive = open_zip(data)
    for name in archive.pictures():
        archive.read(name)


def read_a_csv(data: bytes) -> None:
    frame = read_table("x.csv", data)
    group_candidates(frame.frame)
    check_set("x.csv", frame, group_by=("light",), archive=a_zip())


def read_a_parquet(data: bytes) -> None:
    """Here and not in a process of its own, which takes too long for five thousand."""
    sent = io.BytesIO()
    parquet_table.answer(data, sent, 100, 10, 1000)
    sent.seek(0)
    frame = Table(parquet_table.table_of(sent))
    group_candidates(frame.frame)
    check_set("x.parquet", frame)


def bent(data: bytes, rng: random.Random) -> bytes:
    way = rng.randrange(5)
    first, last = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    if way == 0:
        return data[:last]
    if way == 1:
        return data[:first] + data[last:]
    if way == 2:
        return data[: last + 1] + data[first:]
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 8)):
        changed[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("n", [300, pytest.param(5000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("read", "good"),
    [(read_all_of_a_zip, a_zip()), (read_a_csv, a_csv()), (read_a_parquet, a_parquet())],
    ids=["zip", "csv", "parquet"],
)
def test_bent_files_are_read_or_refused_in_a_sentence(
    read: Callable[[bytes], None], good: bytes, n: int
) -> None:
    read(good)
    rng, n_refused = random.Random(n), 0
    for number in range(n):
        data = bent(good, rng)
        try:
            read(data)
        except DatasetError as refusal:
            assert str(refusal).endswith((".", "6"))  # noqa: PT017 - one of two good outcomes
            n_refused += 1
        except BaseException as exc:
            exc.add_note(f"number {number}: {data[:300]!r}")
            raise
    assert n_refused > n / 4


@pytest.mark.parametrize(
    "data",
    [a_zip()[1:], a_zip(zipfile.ZIP_LZMA), a_zip(zipfile.ZIP_BZIP2), b"PK" + bytes(50)],
    ids=["without its first byte", "lzma", "bzip2", "zeros"],
)
def test_odd_archives_are_a_sentence(data: bytes) -> None:
    with pytest.raises(DatasetError, match="ZIP"):
        read_all_of_a_zip(data)


def test_a_picture_named_by_every_row_is_held_once_or_not_at_all() -> None:
    picture = random.Random(1).randbytes(5_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.jpg", picture)
    packed = buffer.getvalue()
    table = b"path,label\n" + b"one.jpg,happy\n" * 250
    before = psutil.Process().memory_info().rss
    checked = check_set("x.csv", read_table("x.csv", table), archive=packed)
    seen = 0
    for data in checked.images.encoded():
        seen += len(data)
        assert psutil.Process().memory_info().rss - before < 100_000_000
    assert seen == 250 * 5_000_000
    with pytest.raises(AuditInputError, match=r"5,000 MB, each counted .* at most 4,000 MB"):
        check_set(
            "x.csv", read_table("x.csv", table + table.split(b"\n", 1)[1] * 3), archive=packed
        )


def test_a_dictionary_of_a_parquet_is_held_once() -> None:
    picture = random.Random(1).randbytes(5_000_000)
    buffer = io.BytesIO()
    pd.DataFrame({"image": [picture] * 100, "label": [0] * 100}).to_parquet(buffer)
    assert len(buffer.getvalue()) < 12_000_000
    before = psutil.Process().memory_info().rss
    frame = read_table("x.parquet", buffer.getvalue())
    assert psutil.Process().memory_info().rss - before < 100_000_000
    assert len({id(cell) for cell in frame.frame["image"]}) == 1
    assert frame.frame["image"][99] == picture


def test_what_a_parquet_may_not_have_is_named() -> None:
    import pyarrow as pa
    from pyarrow import parquet

    def written(table: pa.Table) -> bytes:
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        return buffer.getvalue()

    twice = pa.table([[b"x"], [0], [1]], names=["image", "label", "label"])
    with pytest.raises(AuditInputError, match="two columns of one name"):
        read_table("x.parquet", written(twice))
    wide = pa.table({f"c{n}": [0] for n in range(MAX_COLUMNS + 1)})
    with pytest.raises(AuditInputError, match="501 columns; the limits are 20,000 and 500"):
        read_table("x.parquet", written(wide))
    many = pa.table({f"c{n}": [0] * 20_000 for n in range(101)})
    with pytest.raises(AuditInputError, match=r"2,020,000 cells; at most 2,000,000 may"):
        read_table("x.parquet", written(many))
    # 60 MB in a file of a few kilobytes.
    long = pa.table({"image": [b"x"] * 6000, "label": [0] * 6000, "group": ["g" * 10_000] * 6000})
    assert len(written(long)) < 30_000
    with pytest.raises(AuditInputError, match="beside the pictures have more than 50 MB"):
        read_table("x.parquet", written(long))


def test_wide_tables_are_refused_before_they_are_read() -> None:
    with pytest.raises(AuditInputError, match="200,000 columns; at most 500"):
        read_table("x.csv", b"c," * 199_999 + b"c\n" + b"1," * 199_999 + b"1\n")
    with pytest.raises(AuditInputError, match=f"at most {MAX_CELLS:,} may be there"):
        read_table("x.csv", b"a,b\n" + b"1,2\n" * 1_100_000)


@pytest.mark.parametrize("column", ["image", "label"])
def test_what_is_judged_cannot_be_grouped_by(column: str) -> None:
    frame = pd.DataFrame({"image": [encode(colourful(), "PNG")] * 2, "label": [0, 1]})
    with pytest.raises(AuditInputError, match=f"Column {column} holds what is judged"):
        check_set("x.parquet", Table(frame), group_by=(column,))
