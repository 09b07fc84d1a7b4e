import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from core.detection import create_detector
from core.errors import DatasetError
from core.measures.datasets import load_labelled
from core.measures.evaluation import evaluate, predict
from core.types import Box
from tests.helpers.faces import BrightnessClassifier, FixedDetector, grey_level
from tests.helpers.pictures import colourful, encode


def flat(emotion: int, size: int = 48) -> bytes:
    """A picture that `BrightnessClassifier` takes for `emotion`."""
    return encode(np.full((size, size, 3), grey_level(emotion), np.uint8), "PNG")


BLACK = encode(np.zeros((48, 48, 3), np.uint8), "PNG")  # FixedDetector finds no face in it


def write(folder: Path, **columns: Any) -> Path:
    file = folder / "set.parquet"
    pd.DataFrame(columns).to_parquet(file)
    return file


def random_set(folder: Path, n: int, seed: int = 0) -> tuple[Path, NDArray[Any], NDArray[Any]]:
    """A file, its labels, and what the brightness says; two attributes per image."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    seen = np.where(rng.random(n) < 0.7, labels, rng.integers(0, 7, n))
    file = write(
        folder,
        image=[flat(emotion) for emotion in seen],
        label=labels,
        age=rng.choice(["child", "adult", "old"], n, p=[0.1, 0.8, 0.1]),
        skin=rng.integers(1, 4, n),
    )
    return file, labels, seen


def test_a_set_without_any_face_gives_counts_and_no_figures(tmp_path: Path) -> None:
    file = write(tmp_path, image=[BLACK], label=[0])
    found = evaluate(BrightnessClassifier(), load_labelled(file), detector=FixedDetector())
    assert (found.n, found.undetected) == (1, 1)
    assert found.accuracy_of_all == 0
    assert math.isnan(found.measures.accuracy)


def test_the_figures_are_those_of_scikit_learn(tmp_path: Path) -> None:
    file, labels, seen = random_set(tmp_path, 300)  # more than one batch of 256
    classifier = BrightnessClassifier()
    found = evaluate(classifier, load_labelled(file))
    assert (found.n, found.undetected, found.faces, found.detector) == (300, 0, "crop", None)
    assert (found.model_id, found.dataset) == ("toy", "set.parquet")
    assert found.model_sha256 == classifier.card.sha256
    assert found.measures.accuracy == pytest.approx(accuracy_score(labels, seen))
    assert found.accuracy_of_all == pytest.approx(accuracy_score(labels, seen))
    assert found.measures.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, seen))
    assert found.measures.macro_f1 == pytest.approx(f1_score(labels, seen, average="macro"))
    certainty = np.exp(4) / (np.exp(4) + 6)
    ece = abs(accuracy_score(labels, seen) - certainty)
    assert found.measures.ece == pytest.approx(ece, abs=1e-5)
    assert sum(classifier.batch_sizes) == 300
    assert max(classifier.batch_sizes) <= 256


def test_every_group_is_measured_on_its_own_rows(tmp_path: Path) -> None:
    file, labels, seen = random_set(tmp_path, 200)
    frame = pd.read_parquet(file)
    found = evaluate(BrightnessClassifier(), load_labelled(file, group_by=("age", "skin")))
    assert set(found.by_group) == {"age", "skin"}
    for column in ("age", "skin"):
        assert set(found.by_group[column]) == {str(value) for value in frame[column]}
        assert sum(group.n for group in found.by_group[column].values()) == 200
        for value, group in found.by_group[column].items():
            mask = (frame[column].astype(str) == value).to_numpy()
            assert group.n == group.measures.n == mask.sum()
            assert group.undetected == 0
            assert group.measures.accuracy == pytest.approx(
                accuracy_score(labels[mask], seen[mask])
            )
            recalls = [(seen[mask & (labels == i)] == i).mean() for i in sorted(set(labels[mask]))]
            assert group.measures.balanced_accuracy == pytest.approx(np.mean(recalls))


def test_images_without_a_group_are_a_group_of_their_own(tmp_path: Path) -> None:
    file = write(
        tmp_path, image=[flat(i) for i in range(3)], label=[0, 1, 1], age=["old", None, "old"]
    )
    found = evaluate(BrightnessClassifier(), load_labelled(file, group_by=("age",)))
    assert sum(group.n for group in found.by_group["age"].values()) == 3
    assert found.by_group["age"]["old"].measures.accuracy == pytest.approx(0.5)


def test_detecting_counts_the_undetected_apart_and_as_wrong(tmp_path: Path) -> None:
    """Five images, one of them black, one of the four faces judged wrong."""
    file = write(
        tmp_path,
        image=[flat(0), flat(1), BLACK, flat(3), flat(4)],
        label=[0, 1, 2, 3, 6],
        age=["a", "a", "b", "c", "c"],
    )
    detector = FixedDetector(Box(5, 5, 40, 40))
    found = evaluate(
        BrightnessClassifier(), load_labelled(file, group_by=("age",)), detector=detector
    )
    assert (found.faces, found.detector) == ("detect", "fixed")
    assert (found.n, found.undetected, found.measures.n) == (5, 1, 4)
    assert found.measures.accuracy == pytest.approx(3 / 4)
    assert found.accuracy_of_all == pytest.approx(3 / 5)
    assert np.sum(found.measures.confusion) == 4
    counts = {
        name: (group.n, group.undetected, group.measures.n)
        for name, group in found.by_group["age"].items()
    }
    assert counts == {"a": (2, 0, 2), "b": (1, 1, 0), "c": (2, 0, 2)}
    assert math.isnan(found.by_group["age"]["b"].measures.accuracy)
    assert found.by_group["age"]["c"].measures.accuracy == pytest.approx(1 / 2)


def test_where_nothing_is_detected_nothing_is_measured(tmp_path: Path) -> None:
    file = write(tmp_path, image=[BLACK, flat(1)], label=[0, 1])
    found = evaluate(BrightnessClassifier(), load_labelled(file), detector=FixedDetector())
    assert (found.n, found.undetected, found.measures.n) == (2, 2, 0)
    assert found.accuracy_of_all == 0
    assert math.isnan(found.measures.accuracy)


def test_the_largest_face_counts(tmp_path: Path) -> None:
    """Left half dark, right half light; the larger box lies right."""
    image = np.full((100, 200, 3), grey_level(0), np.uint8)
    image[:, 90:] = grey_level(6)
    file = write(tmp_path, image=[encode(image, "PNG")], label=[6])
    small, large = Box(20, 20, 50, 50), Box(120, 20, 170, 70)
    for boxes in ((small, large), (large, small)):
        found = evaluate(
            BrightnessClassifier(), load_labelled(file), detector=FixedDetector(*boxes)
        )
        assert found.measures.accuracy == 1


def test_rows_without_a_face_are_nan_and_the_others_keep_their_place(tmp_path: Path) -> None:
    file = write(tmp_path, image=[flat(2), BLACK, flat(5)], label=[0, 0, 0])
    probabilities, detected = predict(
        BrightnessClassifier(), load_labelled(file), detector=FixedDetector(Box(5, 5, 40, 40))
    )
    assert detected.tolist() == [True, False, True]
    assert np.isnan(probabilities[1]).all()
    assert probabilities[[0, 2]].argmax(axis=1).tolist() == [2, 5]


def test_colour_crops_are_judged_by_their_luma(tmp_path: Path) -> None:
    """Pure green has a luma of 0.587 * 255 = 150, near 160 (class 4); its mean, 85, is class 2."""
    green = np.zeros((60, 60, 3), np.uint8)
    green[..., 1] = 255
    file = write(tmp_path, image=[encode(green, "PNG")], label=[4])
    assert evaluate(BrightnessClassifier(), load_labelled(file)).measures.accuracy == 1


def test_an_image_that_cannot_be_decoded_is_named_by_its_row(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        image=[flat(0), flat(1), b"not an image"],
        label=[0, 1, 2],
        split=["train", "test", "test"],
    )
    with pytest.raises(DatasetError, match=r"set\.parquet, row 3: This is not a JPEG"):
        evaluate(BrightnessClassifier(), load_labelled(file, split="test"), split="test")


def test_progress_is_told_after_each_image(tmp_path: Path) -> None:
    file = write(tmp_path, image=[flat(0)] * 3, label=[0] * 3)
    told: list[tuple[int, int]] = []
    predict(
        BrightnessClassifier(),
        load_labelled(file),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_real_detector_finds_the_face_and_not_a_wall(
    tmp_path: Path, models_dir: Path, astronaut: NDArray[np.uint8]
) -> None:
    file = write(
        tmp_path,
        image=[encode(astronaut, "JPEG"), encode(colourful(200, 300), "JPEG")],
        label=["happy", "happy"],
    )
    found = evaluate(
        BrightnessClassifier(), load_labelled(file), detector=create_detector("yunet", models_dir)
    )
    assert (found.n, found.undetected, found.measures.n) == (2, 1, 1)
