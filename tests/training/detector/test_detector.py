"""The detector's training: views, looks, targets, loss, and a toy run through to LiteRT."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras
from keras import ops

from core.detection.boxes import ious
from core.detection.detectors.grid import STRIDES, decode_level
from tests.helpers.pictures import encode
from training.detector.loss import DetectionLoss, assign, complete_iou, pair_iou
from training.detector.network import all_cells, decode, training_model
from training.detector.photos import FACE, IGNORED, Annotation, held_out, target_rows
from training.detector.recipe import DetectorRecipe
from training.detector.train import network_of, train

pytestmark = pytest.mark.train

SIDE_PX = 64
TOY = DetectorRecipe(
    epochs=3,
    widths=(4, 8, 8, 8, 8),
    depths=(0, 0, 0, 0),
    neck_width=8,
    side_px=SIDE_PX,
    batch_size=4,
    warmup_steps=4,
    average_momentum=0.9,
    validate_every=1,
    held_out_share=0.2,
    precision="float32",
)
FloatArray = NDArray[np.float32]


def annotation(boxes: list[list[float]], ignored: list[list[float]] | None = None) -> Annotation:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    points = np.full((len(array), 5, 2), np.nan, np.float32)
    return Annotation(array, points, np.array(ignored or [], np.float32).reshape(-1, 4))


def perfect_rows(box: list[float], cell: int) -> FloatArray:
    """Rows in which `cell` says exactly `box` and is sure, and all others are sure of nothing."""
    centres, strides = all_cells(SIDE_PX)
    rows = np.zeros((1, len(centres), 15), np.float32)
    rows[..., 0] = -20
    unit = strides[cell] * 3
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    size = np.array([box[2] - box[0], box[3] - box[1]])
    rows[0, cell, 0] = 20
    rows[0, cell, 1:3] = (middle - centres[cell]) / strides[cell]
    rows[0, cell, 3:5] = np.log(size / unit)
    return rows


# --- Cells and loss -----------------------------------------------------------------------------


def test_tensors_and_serving_decode_alike() -> None:
    rng = np.random.default_rng(0)
    centres, strides = all_cells(SIDE_PX)
    rows = rng.normal(0, 1, (2, len(centres), 15)).astype(np.float32)
    _, boxes, points = (ops.convert_to_numpy(part) for part in decode(rows, SIDE_PX))
    for stride in STRIDES:
        own = strides == stride
        for picture in range(2):
            said = rows[picture, own]
            served = decode_level(said[:, 1:5], said[:, 5:], centres[own], stride)
            assert boxes[picture, own] == pytest.approx(served[0], abs=1e-3)
            assert points[picture, own] == pytest.approx(served[1], abs=1e-3)


def test_what_a_cell_is_taught_comes_back_as_the_box() -> None:
    box = [10.0, 12.0, 33.0, 40.0]
    _, boxes, _ = decode(perfect_rows(box, 19), SIDE_PX)
    assert ops.convert_to_numpy(boxes)[0, 19] == pytest.approx(box, abs=1e-3)


def test_overlaps_are_those_of_the_measure() -> None:
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 40, (12, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 30, (12, 2))], axis=1)
    boxes = boxes.astype(np.float32)
    found = ops.convert_to_numpy(pair_iou(boxes[None, :5], boxes[None]))[0]
    expected = ious(boxes[:5].astype(np.float64), boxes.astype(np.float64))
    assert found == pytest.approx(expected, abs=1e-5)


def test_complete_iou_is_one_for_equals_and_falls_with_distance() -> None:
    truth = np.array([[10, 10, 30, 30]] * 4, np.float32)
    boxes = np.array(
        [[10, 10, 30, 30], [15, 10, 35, 30], [40, 10, 60, 30], [80, 10, 100, 30]], np.float32
    )
    scores = ops.convert_to_numpy(complete_iou(boxes, truth))
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert (np.diff(scores) < 0).all()
    assert scores[3] < 0  # apart, it still says in which direction to go


def test_a_right_answer_costs_nearly_nothing_and_a_wrong_one_more() -> None:
    box = [8.0, 8.0, 32.0, 32.0]
    targets = target_rows(annotation([box]))[None]
    loss = DetectionLoss(SIDE_PX)
    right = float(loss(targets, perfect_rows(box, 18)))
    beside = float(loss(targets, perfect_rows([11.0, 8.0, 35.0, 32.0], 18)))
    silent = perfect_rows(box, 18)
    silent[..., 0] = -20
    assert 0 <= right < 0.1
    assert right < beside < float(loss(targets, silent))


def test_a_false_alarm_costs_unless_the_region_is_ignored() -> None:
    box, elsewhere = [8.0, 8.0, 32.0, 32.0], [40.0, 40.0, 60.0, 60.0]
    rows = perfect_rows(box, 18)
    cell = int(np.argmin(np.abs(all_cells(SIDE_PX)[0] - 52).sum(axis=1)))
    rows[0, cell, 0] = 10
    loss = DetectionLoss(SIDE_PX)
    alarmed = float(loss(target_rows(annotation([box]))[None], rows))
    excused = float(loss(target_rows(annotation([box], [elsewhere]))[None], rows))
    assert alarmed > 5
    assert excused < 0.1


def test_cells_outside_a_face_never_answer_for_it() -> None:
    rng = np.random.default_rng(2)
    centres, _ = all_cells(SIDE_PX)
    truth = np.array([[[8, 8, 30, 34], [20, 20, 60, 60]]], np.float32)
    corner = rng.uniform(0, 40, (1, len(centres), 2))
    boxes = np.concatenate([corner, corner + 20], axis=-1).astype(np.float32)
    inside = np.stack(
        [((centres > b[:2]) & (centres < b[2:])).all(axis=1) for b in truth[0]]
    ).astype(np.float32)[None]
    sureness = rng.uniform(0.1, 1, (1, len(centres))).astype(np.float32)
    wanted, owner = (ops.convert_to_numpy(part) for part in assign(sureness, boxes, truth, inside))
    answering = wanted[0] > 1e-6  # of cells without overlap hardly anything is asked
    assert 0 < answering.sum() <= 18
    assert inside[0, owner[0, answering], np.flatnonzero(answering)].all()
    overlaps = ious(truth[0].astype(np.float64), boxes[0].astype(np.float64))
    fit = sureness**0.5 * overlaps**4 * inside[0]
    for face in range(2):
        own = answering & (owner[0] == face)
        best = int(np.argmax(wanted[0] * own))
        assert wanted[0, best] == pytest.approx(1)
        assert wanted[0, own] == pytest.approx(fit[face, own] / fit[face, best], abs=1e-3)


def test_the_largest_faces_are_kept_where_there_are_too_many() -> None:
    boxes = [[0.0, 0.0, 10.0 + i, 10.0 + i] for i in range(70)]
    rows = target_rows(annotation(boxes, [[0, 0, 200, 200]]))
    assert rows.shape == (64, 16)
    assert (rows[0, 0], rows[0, 3]) == (IGNORED, 200)
    assert (rows[1:, 0] == FACE).all()
    assert rows[1:, 3].tolist() == [79.0 - i for i in range(63)]


# --- A toy run ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark pictures with one bright square each, which stands for a face."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(20):
        image = rng.integers(0, 60, (80, 96, 3)).astype(np.uint8)
        side = int(rng.integers(24, 40))
        left, top = int(rng.integers(0, 96 - side)), int(rng.integers(0, 80 - side))
        image[top : top + side, left : left + side] = 220
        box = [float(left), float(top), float(left + side), float(top + side)]
        rows.append({"image": encode(image, "PNG"), "boxes_xyxy": [box]})
    file = tmp_path_factory.mktemp("photos") / "photos.parquet"
    pd.DataFrame(rows).to_parquet(file)
    return file


@pytest.fixture(scope="module")
def run(
    data: Path, tmp_path_factory: pytest.TempPathFactory, models_dir: Path, step_by_step: None
) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(TOY, data, folder, models_dir)
    return folder


def test_the_curves_have_a_row_an_epoch(run: Path) -> None:
    curves = json.loads((run / "curves.json").read_text())
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    assert all(np.isfinite(row["loss"]) and row["loss"] > 0 for row in curves)
    assert all(0 <= row["val_ap50"] <= 1 for row in curves)
    assert curves[-1]["learning_rate"] == pytest.approx(0, abs=1e-5)


def test_one_batch_can_be_learnt_by_heart(step_by_step: None) -> None:
    rows = target_rows(annotation([[8, 8, 36, 36]]))
    pictures = np.zeros((2, SIDE_PX, SIDE_PX, 3), np.float32)
    pictures[0, 8:36, 8:36] = 220
    targets = np.stack([rows, np.zeros_like(rows)])
    keras.utils.set_random_seed(1)
    model = training_model(network_of(TOY), SIDE_PX)
    model.compile(keras.optimizers.Adam(0.01), DetectionLoss(SIDE_PX))
    losses = [float(model.train_on_batch(pictures, targets)) for _ in range(30)]
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])


def test_a_finished_run_is_not_trained_on_and_its_recipe_can_be_read(
    run: Path, data: Path, models_dir: Path
) -> None:
    before = (run / "state.npz").read_bytes()
    train(TOY, data, run, models_dir)
    assert (run / "state.npz").read_bytes() == before
    stored = json.loads((run / "recipe.json").read_text())
    assert DetectorRecipe.from_json(json.dumps(stored)) == TOY


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    run: Path, data: Path, tmp_path: Path, models_dir: Path, step_by_step: None
) -> None:
    """Killed in its second epoch, then started again."""
    from training.detector.batches import PictureBatches

    make = PictureBatches.__getitem__
    with pytest.MonkeyPatch.context() as patch:

        def dies(batches: PictureBatches, index: int) -> tuple[FloatArray, FloatArray]:
            if batches._epoch == 1 and index == 2:
                raise RuntimeError("power cut")
            return make(batches, index)

        patch.setattr(PictureBatches, "__getitem__", dies)
        with pytest.raises(Exception, match="power cut"):
            train(TOY, data, tmp_path, models_dir)
    assert len(json.loads((tmp_path / "curves.json").read_text())) == 1
    train(TOY, data, tmp_path, models_dir)
    with np.load(run / "state.npz") as whole, np.load(tmp_path / "state.npz") as resumed:
        assert set(whole.files) == set(resumed.files)
        for name in whole.files:
            assert resumed[name] == pytest.approx(whole[name], abs=2e-3), name


def test_held_out_photos_are_always_the_same_share() -> None:
    mask = held_out(1239, 0.1, 0)
    assert mask.sum() == 124
    assert np.array_equal(mask, held_out(1239, 0.1, 0))
