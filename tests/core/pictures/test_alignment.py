import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.errors import ModelError
from core.landmarks.learned import FILE, IbugRegression
from core.landmarks.noise import LEVELS, NOISE_KINDS, perturb
from core.landmarks.pose import interocular_px
from core.landmarks.schemes import FIVE, IBUG, MESH, mesh_to_ibug
from core.pictures.alignment import (
    TEMPLATE_FILE,
    alignment,
    cut,
    invert,
    load_template,
    moved,
    rotation_deg,
    scale_of,
    similarity,
    square_matrix,
)
from core.pictures.face_input import FaceInput
from core.types import Box, Landmarks
from tests.paths import ROOT

POINTS = arrays(np.float64, (6, 2), elements=st.floats(-100, 100))


def a_matrix(scale: float, turn: float, x: float, y: float) -> NDArray[np.float64]:
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


@settings(max_examples=60)
@given(
    points=POINTS,
    scale=st.floats(0.05, 20),
    turn=st.floats(-3.1, 3.1),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_a_similarity_is_found_again(
    points: NDArray[np.float64], scale: float, turn: float, x: float, y: float
) -> None:
    assume(np.ptp(points, axis=0).max() > 1)
    matrix = a_matrix(scale, turn, x, y)
    found = similarity(points, moved(points, matrix))
    np.testing.assert_allclose(found, matrix, atol=1e-6)
    assert scale_of(found) == pytest.approx(scale)
    assert rotation_deg(found) == pytest.approx(math.degrees(turn), abs=1e-6)
    np.testing.assert_allclose(moved(moved(points, found), invert(found)), points, atol=1e-6)


@settings(max_examples=30)
@given(source=POINTS, target=POINTS)
def test_the_fit_is_opencvs_or_scipys_least_squares(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> None:
    """Recomputed as a linear least squares problem in a, b, x, y."""
    assume(np.ptp(source, axis=0).max() > 1)
    rows, goal = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        goal += [u, v]
    a, b, shift_x, shift_y = np.linalg.lstsq(np.array(rows), np.array(goal), rcond=None)[0]
    expected = np.array([[a, -b, shift_x], [b, a, shift_y]])
    np.testing.assert_allclose(similarity(source, target), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (np.zeros((3, 2)), np.zeros((4, 2)), r"got \(3, 2\) and \(4, 2\)"),
        (np.zeros((3, 3)), np.zeros((3, 3)), r"must have shape \(n, 2\)"),
        (np.zeros((1, 2)), np.zeros((1, 2)), "needs two points, got 1"),
        (np.ones((4, 2)), np.zeros((4, 2)), "all points are the same"),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    source: NDArray[np.float64], target: NDArray[np.float64], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        similarity(source, target)


def test_errors_of_the_points_do_not_change_the_size_of_the_crop() -> None:
    """Fitting the points to the template would: noise would count as size."""
    rng = np.random.default_rng(0)
    template = rng.normal(0, 10, (400, 2))
    noisy = template * 5 + rng.normal(0, 25, (400, 2))
    assert scale_of(alignment(noisy, template)) == pytest.approx(1 / 5, rel=0.08)
    assert scale_of(similarity(noisy, template)) < 0.85 / 5
    np.testing.assert_allclose(
        alignment(template * 5 + 3, template), similarity(template * 5 + 3, template), atol=1e-9
    )
    with pytest.raises(ValueError, match="all points are the same"):
        alignment(np.ones((400, 2)), template)


@pytest.mark.parametrize("square", [Box(100, 50, 148, 98), Box(60, 40, 252, 232)])
def test_a_crop_by_a_square_is_the_one_the_app_cuts(
    astronaut: NDArray[np.uint8], square: Box
) -> None:
    face_input = FaceInput()
    ours = cut(astronaut, square_matrix(square, face_input.size_px), face_input)
    theirs = face_input.crop(astronaut, square)
    assert ours.shape == theirs.shape == (48, 48, 1)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_a_grey_picture_and_the_same_in_colour_give_one_crop(
    astronaut: NDArray[np.uint8],
) -> None:
    grey = np.asarray(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), np.uint8)
    matrix = a_matrix(0.4, 0.2, -30, -20)
    of_grey, of_colour = (cut(image, matrix, FaceInput()) for image in (grey, astronaut))
    assert np.abs(of_grey.astype(int) - of_colour).max() <= 1


def test_turned_crops_are_upright_again(astronaut: NDArray[np.uint8]) -> None:
    matrix = square_matrix(Box(160, 60, 280, 180), 48)
    turn = a_matrix(1, 0.5, 80, -40)
    turned = cv2.warpAffine(astronaut, turn, (640, 640), flags=cv2.INTER_CUBIC)
    # OpenCV counts from pixel centres, we from their corners.
    centres = turn.copy()
    centres[:, 2] += 0.5 - turn[:, :2] @ (0.5, 0.5)
    back = np.vstack([matrix, [0, 0, 1]]) @ np.linalg.inv(np.vstack([centres, [0, 0, 1]]))
    plain, again = (
        cut(image, m, FaceInput()) for image, m in ((astronaut, matrix), (turned, back[:2]))
    )
    assert np.abs(plain.astype(int) - again).mean() < 4


def test_nothing_but_border_is_still_a_crop() -> None:
    image = np.full((10, 10, 3), 77, np.uint8)
    assert (cut(image, a_matrix(1, 0, 500, 500), FaceInput()) == 77).all()


# --- noise --------------------------------------------------------------------------------


def a_mesh() -> NDArray[np.float64]:
    return np.random.default_rng(3).uniform(0, 100, (478, 2)) @ np.diag([1, 1.2])


@pytest.mark.parametrize("kind", list(NOISE_KINDS))
@pytest.mark.parametrize("scheme", [FIVE, IBUG, MESH])
def test_no_noise_leaves_all_points(kind: str, scheme: str) -> None:
    points = {MESH: a_mesh(), IBUG: mesh_to_ibug(a_mesh()), FIVE: a_mesh()[:5]}[scheme]
    same, kept = perturb(points, scheme, kind, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(same, points)
    assert kept.all()


def test_gaussian_noise_has_the_spread_that_it_says() -> None:
    points = a_mesh()
    moved_points, _ = perturb(points, MESH, "gaussian", 0.1, np.random.default_rng(0))
    spread = (moved_points - points).std() / interocular_px(points, MESH)
    assert spread == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("level", LEVELS)
def test_a_bias_moves_all_points_alike_by_the_level(level: float) -> None:
    points = mesh_to_ibug(a_mesh())
    moved_points, _ = perturb(points, IBUG, "bias", level, np.random.default_rng(1))
    steps = np.linalg.norm(moved_points - points, axis=1)
    np.testing.assert_allclose(steps, level * interocular_px(points, IBUG), atol=1e-9)


def test_a_full_eye_swap_exchanges_the_eyes() -> None:
    five = np.array([(30.0, 40), (70, 40), (50, 60), (35, 80), (65, 80)])
    swapped, _ = perturb(five, FIVE, "eye swap", 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(swapped[[1, 0, 2, 3, 4]], five)


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_dropped_is_a_share_of_the_points(level: float) -> None:
    points = mesh_to_ibug(a_mesh())
    same, kept = perturb(points, IBUG, "dropped", level, np.random.default_rng(0))
    np.testing.assert_allclose(same, points)
    assert (~kept).sum() == round(68 * level)


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [("fog", 0.1, "noise 'fog' is not one of"), ("bias", 1.5, "level must lie in 0..1, got 1.5")],
)
def test_unknown_noise_is_refused(kind: str, level: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        perturb(a_mesh(), MESH, kind, level, np.random.default_rng(0))


# --- shipped arrays -------------------------------------------------------------------------


def test_the_template_lies_where_the_crops_geometry_says(models_dir: Path) -> None:
    template = load_template(models_dir)
    stored = json.loads((models_dir / "fer2013_geometry.json").read_text())["eyes_mouth"]
    eyes = template[[33, 133, 263, 362]].mean(axis=0)
    mouth = template[[61, 291]].mean(axis=0)
    np.testing.assert_allclose(eyes, stored["eyes_xy"], atol=0.01)
    np.testing.assert_allclose(mouth, stored["mouth_xy"], atol=0.01)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"points_xy": [[0, 0]]}'])
def test_a_damaged_template_is_said_to_be_damaged(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / TEMPLATE_FILE).parent.mkdir()
        (tmp_path / TEMPLATE_FILE).write_text(content)
    with pytest.raises(ModelError, match="missing or damaged; reinstall"):
        load_template(tmp_path)


def test_a_damaged_regression_is_said_to_be_damaged(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing or damaged; reinstall"):
        IbugRegression.load(tmp_path)
    (tmp_path / FILE).parent.mkdir()
    np.savez(tmp_path / FILE, mean_mesh=np.zeros((3, 2)), weights=0, offset=0)
    with pytest.raises(ModelError, match="missing or damaged; reinstall"):
        IbugRegression.load(tmp_path)


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.2, 8), turn=st.floats(-3, 3), x=st.floats(-300, 300))
def test_the_regression_moves_with_the_face(scale: float, turn: float, x: float) -> None:
    models_dir = ROOT / "models"
    model = IbugRegression.load(models_dir)
    mesh = load_template(models_dir) * 200
    matrix = a_matrix(scale, turn, x, -x)
    expected = moved(model.predict(mesh), matrix)
    np.testing.assert_allclose(model.predict(moved(mesh, matrix)), expected, atol=1e-4 * scale)


def test_the_regression_wants_a_mesh(models_dir: Path) -> None:
    with pytest.raises(ValueError, match="68 points are learned from mediapipe478, got five"):
        IbugRegression.load(models_dir).convert(Landmarks(np.zeros((5, 2), np.float32), FIVE))
