"""Experiments of the landmark study, on faces that tests make up."""

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.config import ROOT
from core.landmarks.learned import IbugRegression
from core.landmarks.schemes import FIVE, MESH
from core.measures.study import plain
from core.pictures.alignment import moved
from tests.helpers.faces import BrightnessClassifier
from tests.training.landmark_faces import fake_set
from training.studies.landmarks import conditions, fusion, jitter, noise, sources
from training.studies.landmarks.common import (
    Tools,
    aligned_crops,
    paired_row,
    total_variation,
    with_holm,
)
from training.studies.landmarks.conclusions import conclusion


@pytest.fixture
def tools(template: NDArray[np.float64]) -> Tools:
    regression = IbugRegression.load(ROOT / "models")
    nobody: Any = None  # no photo is looked at here
    return Tools(BrightnessClassifier(), nobody, nobody, template, regression, lambda text: None)


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
    assert [row.get("p_holm") for row in with_holm(rows)] == pytest.approx(
        [0.04, 0.09, 0.09, 0.5, None], nan_ok=True
    )


def test_noise_rows_hold_all_conditions_on_the_same_images(
    tools: Tools, template: NDArray[np.float64]
) -> None:
    crops, meshes = fake_set(template, 20)
    rows = noise.run_split(tools, "test", crops, meshes, FIVE)
    assert len(rows) == 1 + 4 * 6 + 1
    assert {row["n"] for row in rows} == {20}
    assert sum("p_holm" in row for row in with_holm(rows)) == 25
    json.dumps(plain(rows))


def wrong_points() -> list[dict[str, Any]]:
    shared = {"set": "FER-2013 test", "aligned_by": "five", "noise": "gaussian", "change": -0.1}
    return [{**shared, "level": level, "p_holm": 0.01} for level in (0.01, 0.16)]


def test_conclusions_follow_the_numbers() -> None:
    assert conclusion("e1", {"rows": wrong_points()}).startswith("Even the smallest errors")
    harm_at_16 = [
        {**row, "p_holm": 0.01 if row["level"] == 0.16 else 0.5} for row in wrong_points()
    ]
    assert "by five points up to 1\u00a0%" in conclusion("e1", {"rows": harm_at_16})
    box, five = (
        {"aligned_by": n, "label_flips": f, "label_flips_smoothed": f}
        for n, f in (("box", 0.06), ("five", 0.02))
    )
    assert "6.0\u00a0% of neighbouring" in conclusion("e4", {"rows": [box, five]})
    photos = {"nme_and_scores": {"mesh, learned": {"spearman": 0.3}}}
    change = {"set": "FER-2013 test", "aligned_by": "five", "change": 0.02, "p_holm": 0.01}
    assert "five (+2.0 points)" in conclusion("e2", {"rows": [change], "photos": photos})
    assert "no difference" in conclusion(
        "e2", {"rows": [{**change, "p_holm": 0.5}], "photos": photos}
    )
    odds = {"covariate": "yaw", "odds_ratio": 0.8, "ci95": [0.7, 0.9]}
    assert "yaw (fewer right labels)" in conclusion("e3", {"regression": [odds]})
    unclear = {**odds, "ci95": [0.7, 1.1]}
    assert conclusion("e3", {"regression": [unclear]}).startswith("None of 1 conditions")


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
    json.dumps(plain(found))


def test_numbers_become_json_without_nan() -> None:
    content = plain({"a": np.float32(0.5), "b": math.nan, "c": np.arange(2), "d": (True, None)})
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
