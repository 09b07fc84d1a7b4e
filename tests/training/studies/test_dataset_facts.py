"""Facts of the sets, against counts made another way on small sets made by code."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from tests.helpers.faces import BrightnessClassifier, grey_level
from training.studies.dataset_facts import (
    fer2013_facts,
    ferplus_facts,
    helen_facts,
    near_pairs,
    utkface_facts,
    wider_facts,
)
from training.studies.failures import failure_study


def png(image: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", image)[1])


def noise(n: int) -> NDArray[np.uint8]:
    return np.random.default_rng(n).integers(0, 256, (n, 48, 48), np.uint8)


def votes(emotion: str, n: int) -> list[int]:
    order = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
    return [n if name == emotion else 0 for name in order] + [0, 0, 10 - n]


def test_near_pairs_are_those_that_correlate() -> None:
    images = noise(6)
    images[4] = np.clip(images[1].astype(int) + 3, 0, 255)  # brighter, the same picture
    images[5] = 255 - images[0]  # a negative correlates with -1
    rows = images.reshape(6, -1).astype(float)
    expected = [(i, j) for i in range(6) for j in range(i + 1, 6)
                if np.corrcoef(rows[i], rows[j])[0, 1] > 0.99]  # fmt: skip
    assert [tuple(pair) for pair in near_pairs(images)] == expected == [(1, 4)]
    assert near_pairs(images[:2], images).tolist() == [[0, 0], [1, 1], [1, 4]]
    assert near_pairs(np.zeros((3, 48, 48), np.uint8)).size == 0  # blank is like nothing


@pytest.fixture
def fer(tmp_path: Path) -> Path:
    """Seven training images and three of validation: a pair under two labels, one blank."""
    images = noise(10)
    images[6] = images[0]
    images[7] = images[1]
    images[2] = 90
    frame = pd.DataFrame({
        "name": [f"{i}.png" for i in range(10)],
        "split": ["train"] * 7 + ["validation"] * 3,
        "label": [0, 1, 2, 3, 4, 5, 6, 1, 3, 3],
        "ferplus_votes": [votes("angry", 8), None, None, votes("sad", 9), votes("sad", 6),
                          votes("surprise", 5), votes("happy", 4), None, votes("happy", 10), None],
        "image": [png(image) for image in images],
    })  # fmt: skip
    file = tmp_path / "fer.parquet"
    frame.to_parquet(file)
    return file


def test_fer2013_is_counted(fer: Path) -> None:
    facts = fer2013_facts(fer)
    train = facts["splits"]["train"]
    assert train["per_class"] == dict.fromkeys(EMOTIONS, 1)
    assert (train["n"], train["n_blank"], facts["side_px"]) == (7, 1, 48)
    assert facts["splits"]["validation"]["largest_over_smallest"] is None
    assert facts["train_duplicates"] == {"n_pairs": 1, "n_images": 2, "n_images_other_label": 2}
    assert facts["validation_duplicates"] == {
        "n_pairs": 1, "n_images": 1, "n_images_other_label": 0,
    }  # fmt: skip


def test_taggers_are_counted() -> None:
    given = [votes("angry", 8), None, votes("sad", 9), votes("sad", 4)]
    facts = ferplus_facts(given, np.array([0, 1, 3, 4]))
    # Anger agrees; happiness has no vote at all; sadness is outvoted by "not a face", 4 to 6.
    assert facts["n"] == 3
    assert facts["agreement"] == pytest.approx(1 / 3)
    assert facts["mean_vote_share"] == pytest.approx((0.8 + 0 + 0.4) / 3)
    assert facts["no_vote_share"] == pytest.approx(1 / 3)
    assert facts["not_a_face_majority"] == 1
    assert facts["per_class"]["angry"] == {"n": 1, "agreement": 1.0}
    assert ferplus_facts([None], np.array([0])) == {"n": 0}


def test_the_other_sets_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "set.parquet"
    boxes = [[[0, 0, 9, 9], [0, 0, 40, 40]], []]
    flags = [[2, 0], []]
    pd.DataFrame({"boxes_xyxy": boxes, "blur": flags, "occlusion": flags, "pose": [[1, 1], []],
                  "invalid": [[0, 1], []]}).to_parquet(file)  # fmt: skip
    facts = wider_facts(file)
    assert (facts["n_photos"], facts["n_faces"], facts["n_strongly_blurred"]) == (2, 2, 1)
    assert (facts["by_size"]["0–10 px"], facts["by_size"]["32–64 px"]) == (1, 1)
    assert (facts["n_atypical_pose"], facts["n_invalid"]) == (2, 1)
    points = np.zeros((68, 2))
    points[45] = (30, 40)
    pd.DataFrame({"split": ["train"], "points_xy": [points.tolist()]}).to_parquet(file)
    assert helen_facts(file)["median_eye_distance_px"] == 50
    pd.DataFrame(
        {"age_bin": ["0-2", "3-9"], "gender": ["female"] * 2, "race": ["A", "B"]}
    ).to_parquet(file)
    assert utkface_facts(file)["by_gender"] == {"female": 2}


def test_the_surest_mistakes_are_listed_with_votes_and_without_pixels(tmp_path: Path) -> None:
    shown = ["happy", "sad", "angry", "happy"]
    labels = ["happy", "angry", "sad", "fear"]
    given = [votes("happy", 9), votes("sad", 7), votes("sad", 6), None]
    frame = pd.DataFrame({
        "name": list("abcd"), "split": "validation",
        "label": [EMOTIONS.index(name) for name in labels], "ferplus_votes": given,
        "image": [png(np.full((48, 48), grey_level(EMOTIONS.index(name)), np.uint8))
                  for name in shown],
    })  # fmt: skip
    file = tmp_path / "fer.parquet"
    frame.to_parquet(file)
    study = failure_study(file, BrightnessClassifier(), command="mien study failures")
    assert (study["n"], study["n_wrong"], study["n_wrong_with_votes"]) == (4, 3, 2)
    assert (study["n_taggers_side_with_model"], study["n_taggers_side_with_label"]) == (1, 1)
    assert {row["name"]: (row["label"], row["judged"]) for row in study["rows"]} == {
        "b": ("angry", "sad"), "c": ("sad", "angry"), "d": ("fear", "happy"),
    }  # fmt: skip
    by_name = {row["name"]: row for row in study["rows"]}
    assert (by_name["b"]["votes_label"], by_name["b"]["votes_judged"]) == (0.0, 0.7)
    assert by_name["d"]["votes_label"] is None
    assert set(study["rows"][0]) == {
        "name",
        "label",
        "judged",
        "score",
        "votes_label",
        "votes_judged",
    }
