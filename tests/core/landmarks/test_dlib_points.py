import importlib.util

import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection.dlib_extra import is_installed, load_dlib
from core.errors import ModelError
from core.landmarks import Landmarker
from core.landmarks.dlib_points import HOG_GEOMETRY, DlibLandmarker
from core.landmarks.schemes import IBUG
from core.pictures.face_input import EyesMouth
from core.types import Box
from tests.helpers.faces import a_face

needs_dlib = pytest.mark.skipif(not is_installed(), reason="the dlib extra is not installed")


@pytest.mark.parametrize("missing", ["dlib", "face_recognition_models"])
def test_a_missing_extra_says_how_to_add_it(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == missing else real(name, *rest),
    )
    assert not is_installed()
    for attempt in (load_dlib, lambda: DlibLandmarker(HOG_GEOMETRY)):
        with pytest.raises(ModelError, match=r"uv sync --extra dlib"):
            attempt()


@needs_dlib
def test_points_lie_on_the_astronauts_face(astronaut: NDArray[np.uint8]) -> None:
    """In a box of another convention: one that ends at the brows and the chin."""
    geometry = EyesMouth(eyes_xy=(0.5, 0.4), mouth_xy=(0.5, 0.77), eye_mouth=0.37)
    landmarker: Landmarker = DlibLandmarker(geometry)
    (found,) = landmarker.landmarks(astronaut, [a_face(Box(168, 65, 278, 170))])
    assert found is not None
    assert found.scheme == IBUG
    assert found.points_xy.shape == (68, 2)
    eyes = found.points_xy[[36, 45]]
    assert np.hypot(*(eyes[0] - (190, 105))) < 12
    assert np.hypot(*(eyes[1] - (257, 108))) < 12
