import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.landmarks.canonical import RIGID_FACES
from core.landmarks.mirror import mirror_index
from core.landmarks.pose import (
    angles_deg,
    face_geometry,
    head_pose,
    interocular_px,
    rotation_from_deg,
)
from core.landmarks.schemes import (
    FIVE,
    IBUG,
    MESH,
    N_POINTS,
)
from core.types import Landmarks
from tests.paths import ROOT

BUNDLE = ROOT / "models" / "face_landmarker" / "face_landmarker.task"

ANGLES = st.tuples(st.floats(-75, 75), st.floats(-60, 60), st.floats(-170, 170))


def rigid_landmarks(
    scheme: str, rotation: NDArray[np.float64], scale: float = 20, shift: tuple = (300, 200)
) -> Landmarks:
    """The rigid face of a scheme, turned and projected without perspective."""
    rigid = RIGID_FACES[scheme]
    points = np.zeros((N_POINTS[scheme], 2))
    points[rigid.indices] = scale * rigid.points_cm @ rotation[:2].T + shift
    return Landmarks(points.astype(np.float32), scheme)


@given(ANGLES)
def test_angles_and_rotation_are_each_others_inverse(angles: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(angles_deg(rotation_from_deg(*angles)), angles, atol=1e-6)


@given(ANGLES)
def test_the_rotation_is_scipys(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = angles
    expected = Rotation.from_euler("YXZ", [-yaw, -pitch, roll], degrees=True).as_matrix()
    np.testing.assert_allclose(rotation_from_deg(*angles), expected, atol=1e-9)


@pytest.mark.parametrize("scheme", [MESH, IBUG, FIVE])
@settings(max_examples=40, deadline=None)
@given(angles=ANGLES, scale=st.floats(1, 200))
def test_the_pose_of_a_rigid_face_is_found(
    scheme: str, angles: tuple[float, float, float], scale: float
) -> None:
    pose = head_pose(rigid_landmarks(scheme, rotation_from_deg(*angles), scale))
    expected = rotation_from_deg(*angles)
    np.testing.assert_allclose(pose.rotation, expected, atol=2e-3)
    assert pose.scale_px_per_cm == pytest.approx(scale, rel=1e-3)
    assert pose.residual < 1e-3


@pytest.mark.parametrize(
    ("angles", "moves_to"),
    [
        ((30, 0, 0), (1, 0)),  # yaw: the nose moves to the right border
        ((0, 30, 0), (0, -1)),  # pitch: looks up
    ],
)
def test_signs_are_those_that_the_docstring_says(
    angles: tuple[float, float, float], moves_to: tuple[int, int]
) -> None:
    forward = rotation_from_deg(*angles) @ (0, 0, -1)
    assert np.sign(np.round(forward[:2], 6)).tolist() == list(moves_to)


def test_a_roll_lowers_the_persons_left_eye() -> None:
    tilted = rigid_landmarks(IBUG, rotation_from_deg(0, 0, 20)).points_xy
    assert tilted[45, 1] > tilted[36, 1]  # y grows downwards: clockwise on the screen


def test_points_on_one_spot_have_no_pose() -> None:
    with pytest.raises(ValueError, match="all points fall on one"):
        head_pose(Landmarks(np.full((68, 2), 3, np.float32), IBUG))


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="'dlib5' has no rigid face"):
        head_pose(Landmarks(np.zeros((5, 2), np.float32), "dlib5"))
    with pytest.raises(ValueError, match="'dlib5' are unknown"):
        interocular_px(np.zeros((5, 2)), "dlib5")


def a_face_of_68() -> NDArray[np.float64]:
    """A plain drawing whose measures can be written down."""
    points = np.zeros((68, 2))
    rigid = RIGID_FACES[IBUG]
    points[rigid.indices] = 10 * rigid.points_cm[:, :2] + (100, 100)
    # Right eye: 40 wide, 10 high on both sides; the left eye is closed.
    points[36:42] = [(0, 50), (10, 45), (30, 45), (40, 50), (30, 55), (10, 55)]
    points[42:48] = [(60, 50), (70, 50), (90, 50), (100, 50), (90, 50), (70, 50)]
    # Lips: inner width 30, heights 6, 9 and 6; corners of the mouth 50 apart.
    points[48], points[54] = (25, 120), (75, 120)
    points[60], points[64] = (35, 120), (65, 120)
    for upper, height in ((61, 6), (62, 9), (63, 6)):
        points[upper] = (20 + 10 * (upper - 60), 120 - height / 2)
        points[128 - upper] = (20 + 10 * (upper - 60), 120 + height / 2)
    return points


def test_measures_are_those_of_the_drawing() -> None:
    measured = face_geometry(Landmarks(a_face_of_68().astype(np.float32), IBUG))
    assert measured.interocular_px == pytest.approx(100)
    assert measured.right_eye_opening == pytest.approx(10 / 40)
    assert measured.left_eye_opening == pytest.approx(0)
    assert measured.mouth_opening == pytest.approx((6 + 9 + 6) / 3 / 30)
    assert measured.mouth_width == pytest.approx(0.5)
    assert measured.pupils_px is None


@settings(max_examples=50, deadline=None)
@given(
    turn_deg=st.floats(-180, 180),
    scale=st.floats(0.1, 10),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_openings_do_not_depend_on_place_turn_and_size(
    turn_deg: float, scale: float, x: float, y: float
) -> None:
    turn = scale * rotation_from_deg(0, 0, turn_deg)[:2, :2]
    plain = face_geometry(Landmarks(a_face_of_68().astype(np.float32), IBUG))
    moved = face_geometry(Landmarks((a_face_of_68() @ turn.T + (x, y)).astype(np.float32), IBUG))
    assert moved.interocular_px == pytest.approx(scale * plain.interocular_px, rel=1e-3)
    for name in ("right_eye_opening", "mouth_opening", "mouth_width"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name), rel=5e-3)
    assert moved.left_eye_opening == pytest.approx(0, abs=5e-3)


def test_five_points_have_the_measures_that_they_allow() -> None:
    upright = rigid_landmarks(FIVE, rotation_from_deg(0, 0, 0))
    measured = face_geometry(upright)
    assert measured.right_eye_opening is None
    assert measured.mouth_opening is None
    rigid = RIGID_FACES[FIVE]
    assert measured.interocular_px == pytest.approx(20 * rigid.interocular_cm, rel=0.01)


# --- against MediaPipe itself ---------------------------------------------------------------


@cache
def canonical_vertices() -> NDArray[np.float64]:
    """The 468 vertices (x, y, z) of the canonical face, read from inside the bundle."""
    import struct
    import zipfile

    with zipfile.ZipFile(BUNDLE) as bundle:
        content = bundle.read("geometry_pipeline_metadata_landmarks.binarypb")
    position, values = 0, []

    def varint(data: bytes, at: int) -> tuple[int, int]:
        result = shift = 0
        while True:
            byte = data[at]
            result |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
            if byte < 128:
                return result, at

    key, position = varint(content, position)
    length, position = varint(content, position)
    assert key == (1 << 3 | 2)  # the canonical mesh
    mesh, position = content[position : position + length], 0
    while position < len(mesh):
        key, position = varint(mesh, position)
        if key & 7 == 5:  # one float of the vertex buffer: x, y, z, u, v
            values.append(struct.unpack("<f", mesh[position : position + 4])[0])
            position += 4
        else:
            _, position = varint(mesh, position)
    return np.array(values).reshape(-1, 5)[:, :3]


needs_bundle = pytest.mark.skipif(not BUNDLE.exists(), reason="the landmark model is not there")


@needs_bundle
def test_the_mirror_table_is_the_canonical_faces() -> None:
    vertices = canonical_vertices()
    partner = np.linalg.norm((vertices * (-1, 1, 1))[:, None] - vertices[None], axis=2).argmin(
        axis=1
    )
    assert mirror_index(MESH)[:468].tolist() == partner.tolist()


@needs_bundle
def test_the_rigid_faces_are_the_canonical_face() -> None:
    vertices = canonical_vertices() * (1, -1, -1)  # our axes: y down, z into the scene
    mesh = RIGID_FACES[MESH]
    np.testing.assert_allclose(mesh.points_cm, vertices[mesh.indices], atol=5e-3)
    ibug = RIGID_FACES[IBUG]
    np.testing.assert_allclose(ibug.points_cm[-4:], vertices[[33, 133, 362, 263]], atol=5e-3)
    assert mesh.interocular_cm == pytest.approx(
        np.hypot(*(vertices[33] - vertices[263])[:2]), 1e-3
    )


@needs_bundle
@pytest.mark.parametrize("name", ["astronaut", "grace_hopper"])
def test_the_pose_is_near_mediapipes_own(name: str, request: pytest.FixtureRequest) -> None:
    """MediaPipe fits the same face by another method and with perspective: a few degrees."""
    import mediapipe as mp
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    image = request.getfixturevalue(name)
    task = vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(BUNDLE)),
            output_facial_transformation_matrixes=True,
        )
    )
    try:
        found = task.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=image.copy()))
    finally:
        task.close()
    height, width = image.shape[:2]
    points = np.array([(p.x * width, p.y * height) for p in found.face_landmarks[0]])
    pose = head_pose(Landmarks(points.astype(np.float32), MESH))
    # Theirs has y up and z towards the camera.
    axes = np.diag([1.0, -1.0, -1.0])
    theirs = axes @ np.array(found.facial_transformation_matrixes[0])[:3, :3] @ axes
    yaw, pitch, roll = angles_deg(theirs / np.cbrt(np.linalg.det(theirs)))
    assert pose.yaw_deg == pytest.approx(yaw, abs=6)
    assert pose.pitch_deg == pytest.approx(pitch, abs=12)
    assert pose.roll_deg == pytest.approx(roll, abs=4)


@needs_bundle
def test_a_mirrored_photo_has_the_mirrored_mesh(astronaut: NDArray[np.uint8]) -> None:
    """Also the irises: their order is not in the canonical face."""
    from core.landmarks import FaceLandmarker
    from core.types import Box
    from tests.helpers.faces import a_face

    landmarker = FaceLandmarker(BUNDLE)
    width = astronaut.shape[1]
    (plain,) = landmarker.landmarks(astronaut, [a_face(Box(178, 63, 268, 176))])
    flipped_image = np.ascontiguousarray(astronaut[:, ::-1])
    (flipped,) = landmarker.landmarks(
        flipped_image, [a_face(Box(width - 268, 63, width - 178, 176))]
    )
    assert plain is not None
    assert flipped is not None
    back = flipped.points_xy[mirror_index(MESH)] * (-1, 1) + (width, 0)
    off = np.linalg.norm(back - plain.points_xy, axis=1)
    assert off.mean() < 1.5  # pixels; the face is 60 px from eye to eye
    assert off[468:].max() < 3
    assert math.isclose(face_geometry(plain).interocular_px, 60, abs_tol=6)
