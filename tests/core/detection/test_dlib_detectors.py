"""dlib's detectors, on the part of the astronaut's photo without her badges: HOG takes one of
them for a face, here as with dlib's own threshold."""

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection import NEED_DLIB, FaceDetector, create_detector
from core.detection.dlib_extra import is_installed
from core.types import Box
from tests.paths import ROOT

Image = NDArray[np.uint8]

each_dlib_detector = pytest.mark.parametrize("name", NEED_DLIB)
needs_dlib = pytest.mark.skipif(not is_installed(), reason="the dlib extra is not installed")
# Read off the sample by eye.
EYES, MOUTH = ((201, 104), (246, 106)), (220, 146)


@cache
def detector(name: str) -> FaceDetector:
    return create_detector(name, ROOT / "models")


@pytest.fixture(scope="module")
def portrait(astronaut: Image) -> Image:
    return np.ascontiguousarray(astronaut[:300, 60:360])


@needs_dlib
@each_dlib_detector
def test_her_face_is_found_once_with_eyes_and_mouth_where_they_were_measured(
    name: str, portrait: Image
) -> None:
    (face,) = detector(name).detect(portrait)
    assert face.detector == name
    assert detector(name).threshold <= face.confidence <= 1
    corner, size = np.array(face.box.xyxy[:2]), np.array(face.box.size_wh)
    geometry = detector(name).box_geometry
    eyes = (np.mean(EYES, axis=0) - (60, 0) - corner) / size
    mouth = (np.array(MOUTH) - (60, 0) - corner) / size
    assert eyes == pytest.approx(geometry.eyes_xy, abs=0.12)
    assert mouth == pytest.approx(geometry.mouth_xy, abs=0.12)


@needs_dlib
@each_dlib_detector
def test_the_box_is_in_pixels_of_the_photo_however_large(name: str, portrait: Image) -> None:
    (face,) = detector(name).detect(portrait)
    large = np.asarray(cv2.resize(portrait, (1200, 1200), interpolation=cv2.INTER_CUBIC), np.uint8)
    found = detector(name).detect(large)
    assert max(Box(*(v / 4 for v in f.box.xyxy)).iou(face.box) for f in found) > 0.6


@needs_dlib
@each_dlib_detector
def test_a_higher_threshold_finds_less(name: str, portrait: Image) -> None:
    strict = create_detector(name, ROOT / "models", threshold=1.0)
    assert strict.detect(portrait) == ()
