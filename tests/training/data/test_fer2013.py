"""FER-2013 in three forms, made from random faces; the real one where it lies at hand."""

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

from core.emotions import EMOTIONS
from core.errors import DatasetError
from training.data.batches import BalancedBatches
from training.data.fer2013 import BLANK_STD, Faces, drop_blank, load_split

pytestmark = pytest.mark.train

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
USAGE = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


def random_faces(n: int, seed: int = 0) -> Faces:
    rng = np.random.default_rng(seed)
    return Faces(rng.integers(0, 256, (n, 48, 48), dtype=np.uint8), np.arange(n) % 7)


def png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(folder: Path, splits: dict[Split, Faces]) -> Path:
    rows = [
        {"split": split, "label": int(label), "image": png(image)}
        for split, faces in splits.items()
        for image, label in zip(faces.images, faces.labels, strict=True)
    ]
    pd.DataFrame(rows).to_parquet(folder / "fer2013.parquet")
    return folder / "fer2013.parquet"


def write_csv(folder: Path, splits: dict[Split, Faces]) -> Path:
    lines = ["emotion,pixels,Usage"]
    for split, faces in splits.items():
        for image, label in zip(faces.images, faces.labels, strict=True):
            lines.append(f"{label},{' '.join(map(str, image.ravel()))},{USAGE[split]}")
    (folder / "fer2013.csv").write_text("\n".join(lines))
    return folder / "fer2013.csv"


def write_folder(folder: Path, splits: dict[str, Faces]) -> Path:
    for split, faces in splits.items():
        for number, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            place = folder / "fer" / split / EMOTIONS[label]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number:05}.png").write_bytes(png(image))
    return folder / "fer"


def as_set(faces: Faces) -> set[tuple[int, bytes]]:
    """The faces without their order."""
    return {(int(k), i.tobytes()) for k, i in zip(faces.labels, faces.images, strict=True)}


# --- Faces ------------------------------------------------------------------------------------


def test_no_faces_are_faces_too() -> None:
    none = Faces(np.empty((0, 48, 48), np.uint8), np.empty(0, np.int64))
    assert len(none) == 0
    assert len(drop_blank(none)) == 0
    assert len(none.keep(np.empty(0, bool))) == 0


@pytest.mark.parametrize("shape", [(4, 48), (4, 47, 48), (4, 48, 48, 1), (48, 48)])
def test_images_must_be_48_by_48(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images must have shape \(n, 48, 48\), got"):
        Faces(np.zeros(shape, np.uint8), np.zeros(4, np.int64))


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 1), ()])
def test_every_image_must_have_a_label(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\), got"):
        Faces(np.zeros((4, 48, 48), np.uint8), np.zeros(shape, np.int64))


def test_blank_images_are_dropped_and_faint_ones_kept() -> None:
    images = np.full((4, 48, 48), 100, np.uint8)
    images[1, ::2] = 100 + 3  # standard deviation 1.5
    images[2, ::2] = 100 + 5  # standard deviation 2.5
    images[3] = random_faces(1).images[0]
    assert images[1].std() < BLANK_STD < images[2].std()
    kept = drop_blank(Faces(images, np.arange(4)))
    assert kept.labels.tolist() == [2, 3]
    assert np.array_equal(kept.images, images[2:])


# --- The three forms --------------------------------------------------------------------------


def test_parquet_and_csv_give_the_same_faces_in_order(tmp_path: Path) -> None:
    splits: dict[Split, Faces] = {
        split: random_faces(9 + seed, seed) for seed, split in enumerate(SPLITS)
    }
    files = (write_parquet(tmp_path, splits), write_csv(tmp_path, splits))
    for split in SPLITS:
        for file in files:
            found = load_split(file, split)
            assert np.array_equal(found.images, splits[split].images)
            assert np.array_equal(found.labels, splits[split].labels)
            assert (found.images.dtype, found.labels.dtype) == (np.uint8, np.int64)


def test_a_folder_gives_the_same_faces_and_splits_off_a_tenth(tmp_path: Path) -> None:
    train, test = random_faces(210, 0), random_faces(21, 1)
    folder = write_folder(tmp_path, {"train": train, "test": test})
    assert as_set(load_split(folder, "test")) == as_set(test)
    kept, split_off = load_split(folder, "train"), load_split(folder, "validation")
    assert as_set(kept) | as_set(split_off) == as_set(train)
    assert (len(kept), len(split_off)) == (189, 21)
    assert np.bincount(split_off.labels).tolist() == [3] * 7  # stratified


def test_a_folders_split_is_the_same_each_time(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"train": random_faces(70)})
    for split in ("train", "validation"):
        first, second = load_split(folder, split), load_split(folder, split)
        assert np.array_equal(first.images, second.images)
        assert np.array_equal(first.labels, second.labels)


@pytest.mark.parametrize("form", ["parquet", "csv", "folder"])
def test_no_face_is_in_two_splits(tmp_path: Path, form: str) -> None:
    """REQ-F2: what trains does not validate, and what validates does not test."""
    splits: dict[Any, Faces] = {split: random_faces(70, seed) for seed, split in enumerate(SPLITS)}
    path = {"parquet": write_parquet, "csv": write_csv, "folder": write_folder}[form](
        tmp_path, splits
    )
    train, validation, test = (as_set(load_split(path, split)) for split in SPLITS)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert min(len(train), len(validation), len(test)) > 0


def test_what_is_none_of_the_three_forms_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fer.zip").write_bytes(b"")
    with pytest.raises(ValueError, match=r"is not a \.parquet, a Kaggle fer2013\.csv or a Kaggle"):
        load_split(tmp_path / "fer.zip", "train")
    with pytest.raises(ValueError, match="holds no images in folders angry, disgust"):
        load_split(tmp_path, "train")


def test_a_csv_of_something_else_is_refused_with_the_missing_columns(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("path,emotion\na.png,1\n")
    with pytest.raises(ValueError, match=r"lacks the columns \['Usage', 'pixels'\]"):
        load_split(tmp_path / "other.csv", "train")


def test_a_split_without_rows_is_refused_by_name(tmp_path: Path) -> None:
    for file in (
        write_parquet(tmp_path, {"train": random_faces(7)}),
        write_csv(tmp_path, {"train": random_faces(7)}),
    ):
        with pytest.raises(ValueError, match="has no rows with split 'validation'"):
            load_split(file, "validation")


def test_an_image_that_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame([{"split": "train", "label": 1, "image": b"not an image"}])
    frame.to_parquet(tmp_path / "fer.parquet")
    with pytest.raises(DatasetError, match="cannot be decoded"):
        load_split(tmp_path / "fer.parquet", "train")


def test_the_real_set_has_the_published_counts(shared_dir: Path) -> None:
    file = shared_dir / "data" / "fer2013.parquet"
    if not file.exists():
        pytest.skip("fer2013.parquet is not there")
    counts = {split: np.bincount(load_split(file, split).labels).tolist() for split in SPLITS}
    assert counts == {
        "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "validation": [467, 56, 496, 895, 653, 415, 607],
        "test": [491, 55, 528, 879, 594, 416, 626],
    }


# --- Batches ----------------------------------------------------------------------------------


def unbalanced(n: int = 1400) -> Faces:
    """Class k has weight k + 1; each image tells its own number in its first two pixels."""
    labels = np.repeat(np.arange(7), np.round(n * np.arange(1, 8) / 28).astype(int))
    images = np.zeros((len(labels), 48, 48), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(labels)) // 256, np.arange(len(labels)) % 256
    return Faces(images, labels)


def drawn(batches: BalancedBatches, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers and labels of the images of one epoch, in order."""
    batches.start_epoch(epoch)
    pairs = [batches[index] for index in range(len(batches))]
    images = np.concatenate([images for images, _ in pairs]).astype(np.int64)
    labels = np.concatenate([one_hot.argmax(axis=1) for _, one_hot in pairs])
    return images[:, 0, 0, 0] * 256 + images[:, 0, 1, 0], labels


def test_a_batch_is_grey_levels_with_one_hot_labels() -> None:
    images, labels = BalancedBatches(random_faces(64), 16, 1.0, seed=0)[0]
    assert (images.shape, images.dtype) == ((16, 48, 48, 1), np.float32)
    assert images.min() >= 0
    assert images.max() > 200
    assert (labels.shape, labels.dtype) == ((16, 7), np.float32)
    assert (labels.sum(axis=1) == 1).all()


def test_every_image_keeps_its_label() -> None:
    faces = unbalanced()
    numbers, labels = drawn(BalancedBatches(faces, 50, 0.5, seed=1), 0)
    assert np.array_equal(labels, faces.labels[numbers])


def test_seed_and_epoch_alone_decide_the_order() -> None:
    faces = unbalanced()
    batches = BalancedBatches(faces, 50, 0.5, seed=1)
    third = drawn(batches, 2)[0]
    drawn(batches, 0)
    assert np.array_equal(drawn(batches, 2)[0], third)
    assert np.array_equal(drawn(BalancedBatches(faces, 50, 0.5, seed=1), 2)[0], third)
    assert not np.array_equal(drawn(batches, 1)[0], third)
    assert not np.array_equal(drawn(BalancedBatches(faces, 50, 0.5, seed=2), 2)[0], third)


@pytest.mark.parametrize(
    ("n", "batch_size", "length"), [(49, 50, 0), (50, 50, 1), (1400, 128, 10)]
)
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_every_epoch_has_the_same_length(
    n: int, batch_size: int, length: int, power: float
) -> None:
    batches = BalancedBatches(random_faces(n), batch_size, power, seed=0)
    for epoch in range(5):
        batches.start_epoch(epoch)
        assert len(batches) == length
        for index in range(length):
            assert batches[index][0].shape == (batch_size, 48, 48, 1)


@pytest.mark.parametrize("power", [0.0, 0.5, 0.85, 1.0])
def test_classes_are_drawn_by_a_power_of_their_count(power: float) -> None:
    faces = unbalanced()
    counts = np.bincount(faces.labels).astype(float)
    expected = counts**power / (counts**power).sum()
    batches = BalancedBatches(faces, 50, power, seed=3)
    labels = np.concatenate([drawn(batches, epoch)[1] for epoch in range(20)])
    shares = np.bincount(labels, minlength=7) / len(labels)
    # Whole repeats are certain; the rest is a coin per image: the deviation over 20 epochs of
    # 1400 images is under sqrt(0.25 * 28000) / 28000 = 0.003 a class.
    assert shares == pytest.approx(expected, abs=0.01)


def test_left_as_it_is_an_epoch_shows_every_image_once() -> None:
    numbers, _ = drawn(BalancedBatches(unbalanced(), 50, 1.0, seed=0), 0)
    assert sorted(numbers.tolist()) == list(range(1400))


def test_absent_classes_do_not_disturb() -> None:
    faces = unbalanced().keep(unbalanced().labels >= 5)
    _, labels = drawn(BalancedBatches(faces, 50, 0.5, seed=0), 0)
    assert set(labels.tolist()) == {5, 6}
