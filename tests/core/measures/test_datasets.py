from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.emotions import EMOTIONS
from core.errors import DatasetError, FileTooLargeError
from core.measures.datasets import load_labelled
from core.measures.detection.photos import load_photos
from core.pictures.images import PictureLimits
from tests.helpers.pictures import colourful, encode

PICTURE = encode(colourful(), "PNG")


def write_parquet(folder: Path, **columns: Any) -> Path:
    file = folder / "set.parquet"
    pd.DataFrame(columns).to_parquet(file)
    return file


def write_csv(folder: Path, text: str) -> Path:
    for name in ("a.png", "sub/b.png", "c.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(encode(colourful(seed=ord(name[-5])), "PNG"))
    file = folder / "set.csv"
    file.write_text(text, encoding="utf-8")
    return file


# --- What is read -----------------------------------------------------------------------------


def test_a_set_without_rows_is_refused(tmp_path: Path) -> None:
    empty = pd.DataFrame({"image": pd.Series([], dtype=object), "label": pd.Series([], dtype=int)})
    empty.to_parquet(tmp_path / "set.parquet")
    for file in (tmp_path / "set.parquet", write_csv(tmp_path, "path,label\n")):
        with pytest.raises(DatasetError, match="has no rows"):
            load_labelled(file)


def test_a_parquet_gives_its_bytes_labels_and_name(tmp_path: Path) -> None:
    pictures = [encode(colourful(seed=seed), "PNG") for seed in range(3)]
    images = load_labelled(write_parquet(tmp_path, image=pictures, label=[3, 0, 6]))
    assert images.labels.tolist() == [3, 0, 6]
    assert list(images.encoded()) == pictures
    assert list(images.encoded()) == pictures  # a second time as well
    assert images.name == "set.parquet"
    assert list(images.groups.columns) == []


@pytest.mark.parametrize(
    "labels",
    [list(range(7)), list(EMOTIONS), [str(i) for i in range(7)], [e.title() for e in EMOTIONS]],
)
def test_labels_are_names_or_numbers(tmp_path: Path, labels: list[Any]) -> None:
    images = load_labelled(write_parquet(tmp_path, image=[PICTURE] * 7, label=labels))
    assert images.labels.tolist() == list(range(7))


def test_names_and_numbers_may_be_mixed_in_a_csv(tmp_path: Path) -> None:
    images = load_labelled(write_csv(tmp_path, "path,label\na.png,happy\nsub/b.png,3\n"))
    assert images.labels.tolist() == [3, 3]


def test_a_csvs_paths_start_at_its_folder_and_may_be_absolute(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "d.png").write_bytes(PICTURE)
    text = f"path,label\nsub/b.png,1\n{elsewhere / 'd.png'},2\n"
    images = load_labelled(write_csv(tmp_path, text))
    assert list(images.encoded()) == [(tmp_path / "sub" / "b.png").read_bytes(), PICTURE]


def test_the_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "path,label\na.png,1\n").rename(tmp_path / "SET.CSV")
    assert load_labelled(file).labels.tolist() == [1]


def test_a_split_keeps_its_rows_with_their_groups(tmp_path: Path) -> None:
    file = write_parquet(
        tmp_path,
        image=[encode(colourful(seed=seed), "PNG") for seed in range(4)],
        label=[0, 1, 2, 3],
        split=["test", "train", "test", "train"],
        age=[10, 20, 30, 40],
        skin=["a", "b", "c", "d"],
    )
    images = load_labelled(file, split="train", group_by=("age", "skin"))
    assert images.labels.tolist() == [1, 3]
    assert images.groups.to_dict("list") == {"age": [20, 40], "skin": ["b", "d"]}
    assert list(images.encoded()) == [encode(colourful(seed=seed), "PNG") for seed in (1, 3)]


def test_a_column_asked_for_twice_is_there_once(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, image=[PICTURE], label=[0], age=[10])
    images = load_labelled(file, group_by=("age", "age"))
    assert images.groups.to_dict("list") == {"age": [10]}


def test_a_split_may_be_a_number(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, image=[PICTURE] * 3, label=[0, 1, 2], split=[0, 1, 1])
    assert load_labelled(file, split="1").labels.tolist() == [1, 2]


def test_without_a_split_all_rows_are_kept(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, image=[PICTURE] * 2, label=[0, 1], split=["test", "train"])
    assert len(load_labelled(file)) == 2


# --- What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["set.json", "set", "set.parquet.zip", ".csv"])
def test_another_kind_of_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"neither a \.parquet nor a \.csv"):
        load_labelled(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("set.parquet", b""),
        ("set.parquet", b"PAR1 but not really PAR1"),
        ("set.parquet", b"path,label\n"),
        ("set.csv", b""),
        ("set.csv", b"\xff\xfe\x00\x81\x00"),
        ("set.csv", b'path,label\n"a,1\n'),
    ],
)
def test_a_file_that_is_not_what_it_seems_is_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=r"set\.\w+ cannot be read as (parquet|csv)"):
        load_labelled(tmp_path / name)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_missing_file_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        load_labelled(tmp_path / f"missing.{suffix}")


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ({"image": [PICTURE]}, "label"),
        ({"label": [1]}, "image"),
        ({"path": ["a.png"]}, "label"),
        ({"image": [PICTURE], "label": [1]}, "split, age"),
    ],
)
def test_a_missing_column_is_named_with_those_there_are(
    tmp_path: Path, columns: dict[str, Any], missing: str
) -> None:
    options: dict[str, Any] = {}
    if missing == "split, age":
        options = {"split": "test", "group_by": ("age",)}
        missing = "age, split"  # groups first
    has = ", ".join(columns)
    with pytest.raises(DatasetError, match=f"has no column {missing}; it has: {has}"):
        load_labelled(write_parquet(tmp_path, **columns), **options)


def test_a_csv_wants_path_and_not_image(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no column path; it has: image, label"):
        load_labelled(write_csv(tmp_path, "image,label\na.png,1\n"))


def test_unknown_labels_are_counted_and_left_out_and_other_words_are_told(tmp_path: Path) -> None:
    """The first row under the header is row 1, in both forms."""
    for file in (
        write_parquet(tmp_path, image=[PICTURE] * 5, label=["joy", "bored", "sad", None, "7"]),
        write_csv(tmp_path, "path,label\na.png,joy\nc.png,bored\na.png,sad\nc.png,\na.png,7\n"),
    ):
        images = load_labelled(file)
        assert images.rows.tolist() == [1, 3]
        assert images.labels.tolist() == [3, 4]
        assert "Labels were taken so: joy as happy." in images.notes
        assert (
            "3 rows are left out, whose label is none of the seven: 1 × bored, 1 × (empty), 1 × 7."
        ) in images.notes
    with pytest.raises(DatasetError, match="no label that is known"):
        load_labelled(write_csv(tmp_path, "path,label\na.png,bored\n"))


def test_a_rows_number_counts_the_rows_of_the_file_and_not_of_the_split(tmp_path: Path) -> None:
    text = "path,label,split\na.png,1,train\nc.png,1,train\na.png,2,test\n"
    assert load_labelled(write_csv(tmp_path, text), split="test").rows.tolist() == [3]


def test_na_is_a_groups_name_and_an_empty_cell_is_none(tmp_path: Path) -> None:
    text = "path,label,land\na.png,1,NA\nc.png,2,\nsub/b.png,3,nan\n"
    images = load_labelled(write_csv(tmp_path, text), group_by=("land",))
    assert images.groups["land"].tolist() == ["NA", "", "nan"]


def test_an_unknown_split_is_refused_with_those_there_are(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, image=[PICTURE] * 2, label=[0, 1], split=["test", "train"])
    with pytest.raises(DatasetError, match="has no split 'dev'; it has: test, train"):
        load_labelled(file, split="dev")


def test_rows_without_a_split_do_not_hide_the_others(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, image=[PICTURE] * 2, label=[0, 1], split=["test", None])
    assert load_labelled(file, split="test").labels.tolist() == [0]
    with pytest.raises(DatasetError, match="has no split 'dev'; it has: test"):
        load_labelled(file, split="dev")


@pytest.mark.parametrize("images", [["a.png"], [1], [None]])
def test_a_parquets_images_must_be_bytes(tmp_path: Path, images: list[Any]) -> None:
    with pytest.raises(
        DatasetError, match=r"Column image of set\.parquet must hold encoded bytes"
    ):
        load_labelled(write_parquet(tmp_path, image=images, label=[1]))


def test_all_missing_pictures_are_named_at_once_before_any_is_read(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "path,label\na.png,1\ngone.png,1\n,2\nfar.png,2\n")
    with pytest.raises(DatasetError) as refusal:
        load_labelled(file)
    assert str(refusal.value) == (
        "The pictures of rows 2 (gone.png), 3 (no path), 4 (far.png) are not where path says."
    )


def test_a_picture_larger_than_allowed_is_refused_and_raised_limits_hold(tmp_path: Path) -> None:
    large = encode(colourful(2000, 2200), "PNG")
    (tmp_path / "large.png").write_bytes(large)
    file = write_csv(tmp_path, "path,label\nlarge.png,1\n")
    few = load_labelled(file, limits=PictureLimits(max_bytes=1000))
    with pytest.raises(FileTooLargeError):
        few.limits.decode(next(few.encoded()))
    many = load_labelled(file, limits=PictureLimits(max_bytes=len(large)))
    assert many.limits.decode(next(many.encoded())).image_rgb.shape == (2000, 2200, 3)


def test_a_row_without_a_path_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 2"):
        load_labelled(write_csv(tmp_path, "path,label\na.png,1\n,1\n"))


def test_paths_that_look_like_numbers_are_paths(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "path,label\n001,1\n")
    (tmp_path / "001").write_bytes(PICTURE)
    assert list(load_labelled(file).encoded()) == [PICTURE]


def test_numbers_of_a_column_with_an_empty_cell_are_labels(tmp_path: Path) -> None:
    table = tmp_path / "set.parquet"
    pd.DataFrame({"image": [b"x"] * 3, "label": [3.0, None, 4.0]}).to_parquet(table)
    images = load_labelled(table)
    assert images.labels.tolist() == [3, 4]
    assert images.notes == ("1 row is left out, whose label is none of the seven: 1 × (empty).",)


def test_a_photo_that_is_gone_when_its_turn_comes_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    rows = 'a.png,"[[0, 0, 9, 9]]"\n' * 3
    photos = load_photos(write_csv(tmp_path, f"path,boxes_xyxy\n{rows}")).part(2)
    taken = photos.encoded()
    next(taken)
    (tmp_path / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"Row 3: the image .*a\.png cannot be read"):
        next(taken)
