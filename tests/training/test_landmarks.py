"""Fits and experiments of the landmark study on faces that tests make up."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.alignment import load_template, moved
from core.config import ROOT
from core.landmark_metrics import nme
from core.landmarks.learned import IbugRegression
from core.landmarks.schemes import FIVE, MESH, mesh_to_ibug
from tests.helpers.faces import BrightnessClassifier
from training.framing import framed
from training.landmark_study import conditions, fusion, jitter, noise, sources
from training.landmark_study.common import (
    Tools,
    add_holm,
    aligned_crops,
    clean,
    paired_row,
    total_variation,
)
from training.landmark_study.data import Crops, load_fer
from training.landmarks.fer_mesh import FerMeshes, disagreement, meshes_of
from training.landmarks.fit_ibug import fit, mean_shape, mirrored
from training.landmarks.helen import load_helen


@pytest.fixture(scope="module")
def template() -> NDArray[np.float64]:
    return load_template(ROOT / "models")


@pytest.fixture
def tools(template: NDArray[np.float64]) -> Tools:
    regression = IbugRegression.load(ROOT / "models")
    return Tools(BrightnessClassifier(), template, regression, lambda text: None)


def faces(template: NDArray[np.float64], n: int, seed: int = 0) -> NDArray[np.float64]:
    """Meshes (n, 478, 2) that differ smoothly, turned and scaled."""
    rng = np.random.default_rng(seed)
    centred = template - template.mean(axis=0)
    meshes = []
    for _ in range(n):
        stretch = np.eye(2) + rng.normal(0, 0.05, (2, 2))
        angle, scale = rng.normal(0, 0.3), rng.uniform(50, 300)
        turn = scale * np.array(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        )
        meshes.append(centred @ stretch.T @ turn.T + rng.uniform(0, 500, 2))
    return np.array(meshes)


def fake_set(template: NDArray[np.float64], n: int, seed: int = 0) -> tuple[Crops, FerMeshes]:
    """Crops of one brightness each, which the brightness classifier knows; some have no mesh."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    said = np.where(rng.random(n) < 0.7, labels, (labels + 1) % 7)
    images = np.tile((20 + 35 * said).astype(np.uint8)[:, None, None], (1, 48, 48))
    images += rng.integers(0, 4, images.shape, np.uint8)
    points = template[None] * 48 + rng.normal(0, 0.3, (n, 478, 2))
    points = (points - 24) * rng.uniform(0.8, 1.1, (n, 1, 1)) + 24
    shapes = rng.random((n, 51)) * 0.1
    shapes[np.arange(n), labels] += 0.5
    found = rng.random(n) > 0.1
    points[~found], shapes[~found] = np.nan, np.nan
    unsure = np.where(found, rng.random(n) * 0.1, np.nan)
    return Crops(images, labels), FerMeshes(
        points.astype(np.float32), shapes.astype(np.float32), found,
        unsure.astype(np.float32), rng.random(n).astype(np.float32),
    )  # fmt: skip


def test_a_first_part_of_a_sorted_file_is_a_fair_sample(tmp_path: Path) -> None:
    import cv2
    import pandas as pd

    labels = np.repeat(np.arange(7), 20)
    images = [np.full((48, 48), 30 * label, np.uint8) for label in labels]
    encoded = [cv2.imencode(".png", image)[1].tobytes() for image in images]
    file = tmp_path / "sorted.parquet"
    pd.DataFrame({"image": encoded, "label": labels, "split": "test"}).to_parquet(file)
    everything, part = load_fer(file, "test"), load_fer(file, "test", limit=40)
    assert len(everything.labels) == 140
    assert len(set(part.labels.tolist())) == 7
    np.testing.assert_array_equal(part.images, everything.images[:40])
    np.testing.assert_array_equal(everything.images[:, 0, 0], 30 * everything.labels)


# --- 478 to 68 ------------------------------------------------------------------------------


def test_the_fit_learns_what_the_table_leaves_over(template: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(1)
    meshes = faces(template, 40)
    gap = rng.normal(0, 0.03, (68, 2))
    # A symmetric gap: the fit sees every face in the mirror too.
    gap = (gap + mirrored(gap[None], "ibug68")[0]) / 2
    truth = np.array([mesh_to_ibug(mesh) for mesh in meshes])
    for mesh, points in zip(meshes, truth, strict=True):
        frame = mesh[[33, 263]]
        axis = frame[1] - frame[0]
        turn = np.array([[axis[0], -axis[1]], [axis[1], axis[0]]])
        points += gap @ turn.T
    model = fit(meshes[:30], truth[:30], 0.01)
    by_table = np.mean([nme(mesh_to_ibug(meshes[i]), truth[i]) for i in range(30, 40)])
    learned = np.mean([nme(model.predict(meshes[i]), truth[i]) for i in range(30, 40)])
    assert by_table > 0.02
    assert learned < 0.3 * by_table


def test_the_mean_shape_is_level_and_one_wide(template: NDArray[np.float64]) -> None:
    mean = mean_shape(faces(template, 6))
    np.testing.assert_allclose(mean[[33, 263]], [(-0.5, 0), (0.5, 0)], atol=1e-9)


def test_the_shipped_regression_beats_the_table_on_helens_train_part(shared_dir: Path) -> None:
    """Fitted on it, so this is no measure of it; only that the file is that fit."""
    import zipfile

    file = ROOT / "models" / "landmarks68" / "ibug_from_mesh.npz"
    assert zipfile.is_zipfile(file)
    assert file.stat().st_size < 1_000_000
    assert len(load_helen(shared_dir / "data" / "helen68.parquet", "train")) == 870
    with pytest.raises(ValueError, match="no rows with split 'none'"):
        load_helen(shared_dir / "data" / "helen68.parquet", "none")  # type: ignore[arg-type]


# --- meshes of crops ------------------------------------------------------------------------


class TemplateLandmarker:
    """Finds the average face in every picture that is not black."""

    def __init__(self, template: NDArray[np.float64]) -> None:
        self.template, self.calls = template, 0

    def landmarks(self, image_rgb: NDArray[np.uint8], faces: Any) -> tuple[Any, ...]:
        from core.types import Landmarks

        self.calls += 1
        if image_rgb.max() < 10:
            return (None,)
        x, y, x_max, _ = faces[0].box.xyxy
        points = self.template * (x_max - x) + (x, y)
        shapes = {f"shape_{i}": 0.1 for i in range(51)}
        return (Landmarks(points.astype(np.float32), MESH, shapes),)


def test_meshes_come_in_pixels_of_the_crop_and_are_kept(
    template: NDArray[np.float64], tmp_path: Path
) -> None:
    images = np.full((3, 48, 48), 120, np.uint8)
    images[1] = 0
    landmarker = TemplateLandmarker(template)
    first = meshes_of(images, landmarker, folder=tmp_path)  # type: ignore[arg-type]
    assert first.found.tolist() == [True, False, True]
    np.testing.assert_allclose(first.points[0], template * 48, atol=1e-3)
    assert np.isnan(first.points[1]).all()
    again = meshes_of(images, landmarker, folder=tmp_path)  # type: ignore[arg-type]
    assert landmarker.calls == 3
    np.testing.assert_array_equal(again.points, first.points)


def test_a_symmetric_face_agrees_with_its_mirror_image(template: NDArray[np.float64]) -> None:
    points = (template * 48).astype(np.float32)
    from core.landmarks.mirror import mirror_index

    mirror = (points[mirror_index(MESH)] * (-1, 1) + (48, 0)).astype(np.float32)
    assert disagreement(points, mirror) == pytest.approx(0, abs=1e-6)
    off = float(np.hypot(*(points[33] - points[263])))
    assert disagreement(points, mirror + np.array([0, 3], np.float32)) == pytest.approx(
        3 / off, rel=1e-3
    )


def test_a_framed_crop_keeps_its_pixels_in_the_middle() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    image, face = framed(crop)
    assert image.shape == (384, 384, 3)
    assert face.box.xyxy == (96, 96, 288, 288)


# --- experiments ----------------------------------------------------------------------------


def test_crops_without_a_mesh_stay_in_and_as_they_are(
    tools: Tools, template: NDArray[np.float64]
) -> None:
    crops, meshes = fake_set(template, 40)
    for source in ("box", FIVE, "ibug68", "ibug68 learned", MESH):
        aligned = aligned_crops(tools, crops, meshes, source)
        assert aligned.shape == crops.images.shape
        np.testing.assert_array_equal(aligned[~meshes.found], crops.images[~meshes.found])


def test_a_paired_row_counts_what_it_says() -> None:
    labels = np.array([0, 1, 2, 3])
    before = np.eye(7, dtype=np.float32)[[0, 1, 2, 4]]
    after = np.eye(7, dtype=np.float32)[[0, 1, 5, 4]]
    row = paired_row(before, after, labels)
    assert (row["n"], row["accuracy"], row["change"]) == (4, 0.5, -0.25)
    assert row["label_changed"] == 0.25
    assert total_variation(before, after).tolist() == [0, 0, 1, 0]


def test_holm_is_what_its_definition_says() -> None:
    rows: list[dict[str, Any]] = [{"p_value": p} for p in (0.01, 0.04, 0.03, 0.5)] + [{}]
    add_holm(rows)
    assert [row.get("p_holm") for row in rows] == pytest.approx(
        [0.04, 0.09, 0.09, 0.5, None], nan_ok=True
    )


def test_noise_rows_hold_all_conditions_on_the_same_images(
    tools: Tools, template: NDArray[np.float64]
) -> None:
    crops, meshes = fake_set(template, 20)
    rows = noise.run_split(tools, "test", crops, meshes, FIVE)
    assert len(rows) == 1 + 4 * 6 + 1
    assert {row["n"] for row in rows} == {20}
    found = noise.summary(rows)
    assert "On 20 test crops, paired, Holm over 25 tests" in found["conclusion"]
    json.dumps(clean(found))


def test_sources_are_compared_with_the_box(tools: Tools, template: NDArray[np.float64]) -> None:
    crops, meshes = fake_set(template, 20)
    rows = sources.run_split(tools, "test", crops, meshes)
    assert rows[0]["aligned_by"] == "box"
    assert rows[-1]["aligned_by"] == sources.RESAMPLED
    assert all(row["n_without_mesh"] == int((~meshes.found).sum()) for row in rows)
    # Crops of one grey level are the same wherever they are cut.
    assert all(row["label_changed"] == 0 for row in rows[1:])


def test_the_logistic_regression_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    inputs = np.column_stack([np.ones(400), rng.normal(size=(400, 2))])
    chance = 1 / (1 + np.exp(-inputs @ (0.5, 1.0, -0.7)))
    right = rng.random(400) < chance
    beta, error = conditions.logistic(inputs, right)
    theirs = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    np.testing.assert_allclose(beta, theirs.fit(inputs, right).coef_[0], atol=1e-4)
    # Standard errors against a bootstrap.
    draws = [
        conditions.logistic(inputs[c], right[c])[0]
        for c in (rng.integers(0, 400, 400) for _ in range(300))
    ]
    np.testing.assert_allclose(error, np.std(draws, axis=0), rtol=0.25)


def test_bins_hold_every_crop_with_a_mesh_once(template: NDArray[np.float64]) -> None:
    crops, meshes = fake_set(template, 80)
    table = conditions.covariates(crops, meshes, template)
    rows = conditions.bins(table, np.ones(80, bool))
    for name in conditions.COVARIATES:
        mine = [row for row in rows if row["covariate"] == name]
        assert sum(row["n"] for row in mine) == meshes.found.sum()
        assert all(row["accuracy"] == 1 for row in mine if row["n"])


def test_a_planted_association_is_found(template: NDArray[np.float64]) -> None:
    crops, meshes = fake_set(template, 600)
    table = conditions.covariates(crops, meshes, template)
    column = list(conditions.COVARIATES).index("disagreement")
    right = np.nan_to_num(table[:, column], nan=0) < 0.05
    right ^= np.random.default_rng(0).random(600) < 0.2
    rows = {row["covariate"]: row for row in conditions.regression(table, right, crops.labels)}
    assert rows["disagreement"]["ci95"][1] < 1
    assert rows["confidence"]["ci95"][0] < 1 < rows["confidence"]["ci95"][1]


def test_a_running_mean_is_steadier() -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(7), 50).astype(np.float32)
    smooth = jitter.smoothed(scores)
    assert smooth[0].tolist() == scores[0].tolist()
    np.testing.assert_allclose(smooth[1], 0.3 * scores[1] + 0.7 * scores[0], rtol=1e-5)
    assert smooth.std(axis=0).mean() < scores.std(axis=0).mean()
    np.testing.assert_allclose(smooth.sum(axis=1), 1, rtol=1e-5)


def test_still_frames_differ_by_noise_alone() -> None:
    image = np.full((40, 40, 3), 128, np.uint8)
    frames = jitter.still_frames(image, 3, 0)
    assert len(frames) == 3
    assert all(np.abs(f.astype(int) - 128).mean() < 8 for f in frames)
    assert (frames[0] != frames[1]).any()


def test_fusion_finds_what_blendshapes_know(tools: Tools, template: NDArray[np.float64]) -> None:
    """The pixels are right in 70 %, the blendshapes nearly always: both together win."""
    sets = {
        name: fake_set(template, n, seed)
        for seed, (name, n) in enumerate((("train", 300), ("validation", 300), ("test", 300)))
    }
    found = fusion.run(tools, sets)
    assert found["fused_with"] in ("blendshapes", "68 points and blendshapes")
    assert found["test"]["change"] > 0.1
    assert found["ship"] is True
    alone = [row for row in found["alone"] if row["set"] == "FER-2013 test"]
    assert {row["n"] for row in alone} == {300}
    assert all(row["n_without_mesh"] == (~sets["test"][1].found).sum() for row in alone)
    json.dumps(clean(found))


def test_numbers_become_json_without_nan() -> None:
    content = clean({"a": np.float32(0.5), "b": math.nan, "c": np.arange(2), "d": (True, None)})
    assert json.loads(json.dumps(content)) == {"a": 0.5, "b": None, "c": [0, 1], "d": [True, None]}


def test_points_move_with_their_template(tools: Tools, template: NDArray[np.float64]) -> None:
    """Aligning the template itself changes nothing."""
    image = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    for source in (FIVE, "ibug68", "ibug68 learned", MESH):
        crop = tools.aligned(image, tools.points(template * 48, source), source)
        assert crop is not None
        assert np.abs(crop[..., 0].astype(int) - image).max() <= 2
    turned = moved(template * 48, np.array([[0.0, -1, 48], [1, 0, 0]]))
    crop = tools.aligned(np.rot90(image, -1).copy(), tools.points(turned, MESH), MESH)
    assert crop is not None
    assert np.abs(crop[..., 0].astype(int) - image).mean() < 3
