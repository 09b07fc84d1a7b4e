from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InvalidImageArrayError, ModelError
from core.landmarks import FaceLandmarker
from core.landmarks.schemes import MESH
from core.types import Box, Landmarks
from tests.helpers.faces import a_face
from tests.paths import ROOT

BUNDLE = ROOT / "models" / "face_landmarker" / "face_landmarker.task"
Image = NDArray[np.uint8]

pytestmark = pytest.mark.skipif(not BUNDLE.exists(), reason="the landmark model is not there")

# Outer corners of eyes and mouth in MediaPipe's mesh, the person's right first; and where they
# are in the sample, read off by eye (± 8 px).
EYE_CORNERS, MOUTH_CORNERS = (33, 263), (61, 291)
ASTRONAUT_FACE = Box(178, 63, 268, 176)


@cache
def landmarker() -> FaceLandmarker:
    return FaceLandmarker(BUNDLE)


def test_no_faces_have_no_landmarks(astronaut: Image) -> None:
    assert landmarker().landmarks(astronaut, []) == ()


def one(image: Image, box: Box) -> Landmarks | None:
    (found,) = landmarker().landmarks(image, [a_face(box)])
    return found


def test_the_astronauts_mesh_lies_on_her_face(astronaut: Image) -> None:
    found = one(astronaut, ASTRONAUT_FACE)
    assert found is not None
    assert found.scheme == MESH
    assert found.points_xy.shape == (478, 2)
    right_eye, left_eye = found.points_xy[list(EYE_CORNERS)]
    assert np.hypot(*(right_eye - (190, 105))) < 12
    assert np.hypot(*(left_eye - (257, 108))) < 12
    right_mouth, left_mouth = found.points_xy[list(MOUTH_CORNERS)]
    assert right_mouth[0] < 220 < left_mouth[0]
    assert abs(right_mouth[1] - 145) < 10


def test_a_smile_is_told_from_a_serious_face(astronaut: Image, grace_hopper: Image) -> None:
    smiling = one(astronaut, ASTRONAUT_FACE)
    serious = one(grace_hopper, Box(183, 121, 353, 333))
    assert smiling is not None
    assert serious is not None
    assert len(smiling.blendshapes) == 51  # 52 less the place holder
    assert "_neutral" not in smiling.blendshapes
    for shapes in (smiling.blendshapes, serious.blendshapes):
        assert all(0 <= value <= 1 for value in shapes.values())
    assert smiling.blendshapes["mouthSmileLeft"] > 0.5 > serious.blendshapes["mouthSmileLeft"]


def test_points_move_with_the_picture(astronaut: Image) -> None:
    moved_image = np.zeros((700, 800, 3), np.uint8)
    moved_image[100:612, 200:712] = astronaut
    here = one(astronaut, ASTRONAUT_FACE)
    there = one(moved_image, Box(378, 163, 468, 276))
    assert here is not None
    assert there is not None
    assert np.abs(there.points_xy - (200, 100) - here.points_xy).max() < 3


@pytest.mark.parametrize(
    "box",
    [
        Box(10, 400, 60, 460),  # no face there
        Box(-500, -500, -400, -400),  # outside, up and left
        Box(5000, 5000, 5100, 5100),  # outside, down and right
        Box(220, 110, 221, 111),  # one pixel
        Box(511, 511, 512, 512),  # the last pixel
    ],
)
def test_where_there_is_no_face_there_is_no_mesh(astronaut: Image, box: Box) -> None:
    found = one(astronaut, box)
    assert found is None or np.isfinite(found.points_xy).all()
    if box.x_min != 220:  # a pixel of her nose may find her
        assert found is None


def test_the_order_of_faces_is_kept_with_gaps(astronaut: Image) -> None:
    nowhere, there = a_face(Box(10, 400, 60, 460)), a_face(ASTRONAUT_FACE)
    found = landmarker().landmarks(astronaut, [nowhere, there, nowhere])
    assert [points is None for points in found] == [True, False, True]


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(InvalidImageArrayError, match="an image must"):
        landmarker().landmarks(np.zeros((5, 5), np.uint8), [a_face()])


def test_a_missing_bundle_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"face\.task is missing; reinstall"):
        FaceLandmarker(tmp_path / "face.task")
