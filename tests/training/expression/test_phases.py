import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra (make setup-train)")

from core.pictures.face_input import FaceInput
from training.data.batches import BalancedBatches
from training.data.fer2013 import Faces, load_split
from training.expression.network import build_network
from training.expression.train import phases, train
from training.recipes.base import Recipe

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("step_by_step")]

TINY = Recipe(
    name="tiny_transfer",
    title="Tiny",
    architecture="transfer",
    architecture_options={"backbone": "mobilenet_v2", "side_px": 32, "head_units": 8},
    backbone_weights="backbone.weights.h5",
    epochs=3,
    frozen_epochs=1,
    batch_size=8,
    warmup_steps=2,
    precision="float32",
)


def random_faces(n: int, seed: int = 0) -> Faces:
    rng = np.random.default_rng(seed)
    return Faces(rng.integers(0, 256, (n, 48, 48), np.uint8), np.arange(n) % 7)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """FER-2013's form with 24 random faces a split and FER+ votes for every second one."""
    rows = []
    for seed, split in enumerate(("train", "validation")):
        faces = random_faces(24, seed)
        for index, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            votes = [2, 8, 0, 0, 0, 0, 0, 0, 0, 0] if index % 2 else None
            encoded = cv2.imencode(".png", image)[1].tobytes()
            row = {"split": split, "label": label, "image": encoded, "ferplus_votes": votes}
            rows.append(row)
    file = tmp_path / "faces.parquet"
    pd.DataFrame(rows).to_parquet(file)
    return file


@pytest.fixture
def weights_dir(tmp_path: Path) -> Path:
    backbone = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    backbone.save_weights(tmp_path / "backbone.weights.h5")
    return tmp_path


def test_without_frozen_epochs_there_is_one_phase() -> None:
    (only,) = phases(dataclasses.replace(TINY, frozen_epochs=0))
    assert (only.first, only.end, only.frozen) == (0, 3, False)


def test_the_backbone_keeps_its_weights_while_it_is_frozen(
    data: Path, weights_dir: Path, tmp_path: Path
) -> None:
    frozen_only = dataclasses.replace(TINY, epochs=1, frozen_epochs=1, drop_blank=False)
    train(frozen_only, data, tmp_path / "run", weights_dir)
    before = build_network(TINY, FaceInput(), weights_dir).get_layer("backbone").get_weights()
    trained = build_network(TINY, FaceInput())
    trained.load_weights(tmp_path / "run" / "best.weights.h5")
    after = trained.get_layer("backbone").get_weights()
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(after, before, strict=True))


def test_after_the_frozen_phase_it_is_trained_and_a_resume_starts_where_it_ended(
    data: Path, weights_dir: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train(dataclasses.replace(TINY, epochs=2), data, run, weights_dir)
    curves = train(TINY, data, run, weights_dir)
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    assert json.loads((run / "curves.json").read_text()) == curves
    before = build_network(TINY, FaceInput(), weights_dir).get_layer("backbone").get_weights()
    trained = build_network(TINY, FaceInput())
    trained.load_weights(run / "best.weights.h5")
    after = trained.get_layer("backbone").get_weights()
    assert not all(np.allclose(a, b, atol=1e-6) for a, b in zip(after, before, strict=True))


def test_a_recipe_with_a_backbone_asks_for_its_folder(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"wants backbone\.weights\.h5"):
        train(TINY, data, tmp_path / "run")


def test_votes_are_read_in_the_order_of_the_emotions(data: Path) -> None:
    faces = load_split(data, "train")
    assert faces.votes is not None
    assert not faces.votes[0].any()
    # FER+ counts neutral first and happiness second; here 2 and 8 of ten.
    np.testing.assert_allclose(faces.votes[1], [0, 0, 0, 0.8, 0, 0, 0.2, 0])
    targets = faces.targets(0.5)
    np.testing.assert_allclose(targets.sum(axis=1), 1)
    np.testing.assert_array_equal(targets[0], np.eye(7)[faces.labels[0]])
    np.testing.assert_allclose(targets[1], 0.5 * np.eye(7)[1] + 0.5 * faces.votes[1][:7])


def test_mixup_mixes_images_and_targets_by_the_same_shares() -> None:
    black_and_white = Faces(
        np.repeat(np.array([0, 255], np.uint8), 8)[:, None, None] * np.ones((1, 48, 48), np.uint8),
        np.repeat(np.array([0, 1]), 8),
    )
    batches = BalancedBatches(black_and_white, 16, 1.0, 0, mixup_alpha=0.5)
    images, targets = batches[0]
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(images[:, 0, 0, 0] / 255, targets[:, 1], atol=1e-5)
    again, _ = batches[0]
    np.testing.assert_array_equal(images, again)
