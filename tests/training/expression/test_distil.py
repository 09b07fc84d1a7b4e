"""Distillation and cleaning: what the loss is, what is left out, and that a student learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from core.expression.classify import softmax
from core.pictures.face_input import FaceInput
from tests.training.expression.test_train import RECIPE, write_faces
from training.data.cleaning import clean, drop_disputed, drop_duplicates_of
from training.data.fer2013 import Faces, load_split
from training.expression.distil import DistilLoss, accuracy, load_teachers, said_by
from training.expression.train import train
from training.publishing.export import load_network
from training.recipes.base import Recipe

pytestmark = pytest.mark.train


def cross_entropy(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return -(targets * np.log(softmax(logits.astype(np.float32)))).sum(axis=1)


def some_logits(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (5, 7)).astype(np.float32)


LABELS = np.eye(7, dtype=np.float32)[[0, 3, 6, 2, 1]]


@pytest.mark.parametrize(("share", "temperature"), [(0, 2), (0.5, 1), (0.7, 3), (1, 4)])
def test_the_loss_is_that_of_the_paper(share: float, temperature: float) -> None:
    student, teacher = some_logits(0), np.log(softmax(some_logits(1)))
    loss = DistilLoss(teacher_share=share, temperature=temperature, label_smoothing=0.1)
    given = keras.ops.convert_to_numpy(
        loss.call(LABELS, keras.ops.convert_to_tensor(np.hstack([student, teacher])))
    )
    smoothed = 0.9 * LABELS + 0.1 / 7
    from_teacher = cross_entropy(softmax(teacher / temperature), student / temperature)
    expected = (1 - share) * cross_entropy(smoothed, student) + share * (
        temperature**2 * from_teacher
    )
    assert given == pytest.approx(expected, rel=1e-5)


def test_accuracy_looks_at_the_student_alone() -> None:
    student = np.where(LABELS > 0, 5.0, 0.0).astype(np.float32)
    student[0] = np.roll(student[0], 1)
    both = np.hstack([student, np.zeros_like(student)])
    assert keras.ops.convert_to_numpy(accuracy(LABELS, both)).tolist() == [0, 1, 1, 1, 1]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A teacher's run, in a folder of runs, and the data it was trained on."""
    folder = tmp_path_factory.mktemp("runs")
    data = write_faces(folder)
    train(RECIPE, data, folder / "toy")
    return folder, data


@pytest.fixture
def known_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("distil", "train"):
        monkeypatch.setattr(
            f"training.expression.{room}.load_recipe", lambda name: replace(RECIPE, name=name)
        )


def student(**changes: object) -> Recipe:
    settings = {"teachers": ("toy",), "teacher_share": 0.7, "name": "student", **changes}
    return replace(RECIPE, **settings)


def test_a_student_learns_from_a_teacher_and_leaves_it_as_it_was(
    runs: tuple[Path, Path], known_toy: None
) -> None:
    folder, data = runs
    before = (folder / "toy" / "best.weights.h5").read_bytes()
    curves = train(student(), data, folder / "student")
    assert curves[-1]["loss"] < curves[0]["loss"]
    assert (folder / "toy" / "best.weights.h5").read_bytes() == before
    (teacher,) = load_teachers(student(), FaceInput(), folder)
    assert not teacher.trainable_weights


def test_two_heads_learn_from_what_teachers_say_of_unchanged_faces(
    runs: tuple[Path, Path], known_toy: None
) -> None:
    folder, data = runs
    teachers = load_teachers(student(), FaceInput(), folder)
    faces = load_split(data, "train")
    said = said_by(teachers, faces.images, FaceInput())
    np.testing.assert_allclose(said.sum(axis=1), 1, rtol=1e-5)
    mirrored = said_by(teachers, faces.images[:, :, ::-1], FaceInput())
    np.testing.assert_allclose(said, mirrored, atol=1e-5)
    votes = pd.DataFrame({"split": pd.read_parquet(data)["split"]})
    votes["ferplus_votes"] = [[0, 8, 0, 0, 0, 0, 0, 2, 0, 0]] * len(votes)
    votes.to_parquet(data.with_name(f"{data.stem}_votes.parquet"))
    curves = train(student(people_head=True, epochs=2), data, folder / "two-headed")
    data.with_name(f"{data.stem}_votes.parquet").unlink()
    assert curves[-1]["loss"] < curves[0]["loss"]
    assert "val_people" in curves[-1]


def test_a_run_may_start_from_another(runs: tuple[Path, Path], known_toy: None) -> None:
    folder, data = runs
    still = replace(
        RECIPE, name="on", start_from="toy", epochs=1, learning_rate=1e-9, warmup_steps=0
    )
    train(still, data, folder / "on")
    there, here = (
        load_network(RECIPE, FaceInput(), folder / name / "best.weights.h5").trainable_weights
        for name in ("toy", "on")
    )
    for one, other in zip(there, here, strict=True):  # batch statistics do move
        assert keras.ops.convert_to_numpy(one) == pytest.approx(
            keras.ops.convert_to_numpy(other), abs=1e-5
        )


def test_a_missing_teacher_is_named(runs: tuple[Path, Path]) -> None:
    with pytest.raises(FileNotFoundError, match="mien train nobody"):
        load_teachers(student(teachers=("nobody",)), FaceInput(), runs[0])


# --- Cleaning ---------------------------------------------------------------------------------


def some_faces(n: int, votes: np.ndarray | None = None) -> Faces:
    images = np.random.default_rng(n).integers(0, 256, (n, 48, 48), np.uint8)
    return Faces(images, np.arange(n) % 7, votes)


def test_near_duplicates_of_the_validation_split_go() -> None:
    train_faces, validation = some_faces(20), some_faces(5)
    train_faces.images[3] = np.clip(validation.images[1].astype(int) // 2 + 9, 0, 255)
    kept = drop_duplicates_of(validation, train_faces)
    assert len(kept) == 19
    assert np.array_equal(kept.images, np.delete(train_faces.images, 3, axis=0))


def test_only_faces_that_voters_dispute_go() -> None:
    votes = np.zeros((4, 7), np.float32)
    votes[0, 0], votes[1, 1] = 1, 0.1
    votes[1, 3], votes[2, 2], votes[2, 4] = 0.9, 0.2, 0.8  # the fourth has no votes
    kept = drop_disputed(some_faces(4, votes), 0.2)
    assert kept.labels.tolist() == [0, 2, 3]


def test_each_step_of_cleaning_is_the_recipes_choice() -> None:
    faces, validation = some_faces(10), some_faces(4)
    faces.images[0] = 7
    faces.images[1] = validation.images[0]
    lax = replace(RECIPE, drop_blank=False)
    assert len(clean(faces, validation, lax)) == 10
    assert len(clean(faces, validation, replace(lax, drop_blank=True))) == 9
    assert len(clean(faces, validation, replace(lax, drop_duplicates=True))) == 9
