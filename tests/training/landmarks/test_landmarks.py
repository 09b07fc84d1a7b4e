"""Landmarks in training: the sample of crops, the fit of 478 to 68 points, meshes of crops."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.config import ROOT
from core.landmarks.schemes import MESH, mesh_to_ibug
from core.measures.landmarks import nme
from tests.training.landmark_faces import faces
from training.data.fer2013 import load_split
from training.data.framing import framed
from training.data.helen import load_helen
from training.landmarks.fer_mesh import disagreement, meshes_of
from training.landmarks.fit_ibug import fit, mean_shape, mirrored


def test_a_first_part_of_a_sorted_file_is_a_fair_sample(tmp_path: Path) -> None:
    import cv2
    import pandas as pd

    labels = np.repeat(np.arange(7), 20)
    images = [np.full((48, 48), 30 * label, np.uint8) for label in labels]
    encoded = [cv2.imencode(".png", image)[1].tobytes() for image in images]
    file = tmp_path / "sorted.parquet"
    pd.DataFrame({"image": encoded, "label": labels, "split": "test"}).to_parquet(file)
    everything, part = load_split(file, "test").shuffled(), load_split(file, "test").shuffled(40)
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
        load_helen(shared_dir / "data" / "helen68.parquet", "none")


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
    first = meshes_of(images, landmarker, folder=tmp_path)
    assert first.found.tolist() == [True, False, True]
    np.testing.assert_allclose(first.points[0], template * 48, atol=1e-3)
    assert np.isnan(first.points[1]).all()
    again = meshes_of(images, landmarker, folder=tmp_path)
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
