"""The analyzer with real detectors and models, on photos."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.analyzer import Analyzer, create_analyzer
from core.expression.model_card import model_ids
from core.types import Analysis
from tests.helpers.detectors import EACH_DETECTOR, OWN_DETECTORS
from tests.paths import ROOT

MODELS = ROOT / "models"
Image = NDArray[np.uint8]

STEPS = ["detect", "landmarks", "input", "classify"]
needs_a_model = pytest.mark.skipif(not model_ids(MODELS), reason="no model is shipped yet")


@cache
def analyzer(detector: str = "yunet", model_id: str = "") -> Analyzer:
    return create_analyzer(MODELS, model_id=model_id or model_ids(MODELS)[-1], detector=detector)


@needs_a_model
@pytest.mark.parametrize("detector", EACH_DETECTOR)
def test_a_blank_picture_has_no_faces(detector: str) -> None:
    found = analyzer(detector).analyze(np.full((240, 320, 3), 200, np.uint8))
    assert found.faces == ()
    assert found.detector == detector


@needs_a_model
@pytest.mark.parametrize("detector", OWN_DETECTORS)
@pytest.mark.parametrize("model_id", model_ids(MODELS))
def test_the_astronaut_resembles_happiness(detector: str, model_id: str, astronaut: Image) -> None:
    found = analyzer(detector, model_id).analyze(astronaut)
    (face,) = found.faces
    assert face.scores is not None
    assert face.scores.top == "happy"
    assert face.landmarks is not None
    assert face.landmarks.blendshapes["mouthSmileLeft"] > 0.5
    assert (found.model_id, found.detector, found.size_wh) == (model_id, detector, (512, 512))
    assert list(found.timings_ms) == STEPS
    assert all(value >= 0 for value in found.timings_ms.values())


@needs_a_model
def test_a_far_away_face_is_shown_and_not_judged(astronaut: Image) -> None:
    """Her face, 113 px high, shrunk to less than 24."""
    small = cv2.resize(astronaut, (96, 96), interpolation=cv2.INTER_AREA)
    framed = np.full((300, 400, 3), 90, np.uint8)
    framed[100:196, 150:246] = small
    (face,) = analyzer().analyze(framed).faces
    assert face.face.box.size_wh[1] < 24
    assert face.too_small
    assert face.uncertain


def tiled(astronaut: Image, rows: int, columns: int, side: int = 120) -> Image:
    tile = cv2.resize(astronaut[10:230, 110:330], (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(np.tile(tile, (rows, columns, 1)), np.uint8)


@needs_a_model
def test_sixty_people_are_all_found_from_left_to_right_with_their_own_mesh(
    astronaut: Image,
) -> None:
    image = tiled(astronaut, rows=6, columns=10)
    found = analyzer().analyze(image)
    assert len(found.faces) == 60
    centres = [face.face.box.centre_xy for face in found.faces]
    assert centres == sorted(centres)
    assert {(int(x // 120), int(y // 120)) for x, y in centres} == {
        (column, row) for column in range(10) for row in range(6)
    }
    for face in found.faces:
        assert face.scores is not None
        if face.landmarks is not None:  # the mesh of this face, not of its neighbour
            x, y = face.landmarks.points_xy.mean(axis=0)
            assert face.face.box.x_min < x < face.face.box.x_max
            assert face.face.box.y_min < y < face.face.box.y_max
    assert sum(face.landmarks is not None for face in found.faces) >= 55
    assert {face.scores.top for face in found.faces if face.scores} == {"happy"}


@needs_a_model
def test_the_points_lie_where_the_detector_sees_the_eyes(grace_hopper: Image) -> None:
    (face,) = analyzer().analyze(grace_hopper).faces
    assert face.landmarks is not None
    right_eye = face.landmarks.points_xy[[33, 133]].mean(axis=0)  # corners of her right eye
    assert np.abs(right_eye - face.face.keypoints_xy[0]).max() < 0.06 * face.face.box.size_wh[0]


@needs_a_model
def test_without_a_landmarker_the_scores_are_the_same(astronaut: Image) -> None:
    plain = create_analyzer(
        MODELS, model_id=model_ids(MODELS)[-1], detector="yunet", with_landmarks=False
    )
    (face,) = plain.analyze(astronaut).faces
    (full,) = analyzer().analyze(astronaut).faces
    assert face.landmarks is None
    assert face.scores is not None
    assert full.scores is not None
    assert np.array_equal(face.scores.probabilities, full.scores.probabilities)


def numbers(found: Analysis) -> list[object]:
    """Everything in an analysis but the timings, comparable by value."""
    return [
        (
            face.face.box.xyxy,
            face.face.confidence,
            face.face.keypoints_xy.tobytes(),
            face.landmarks and (face.landmarks.points_xy.tobytes(), face.landmarks.blendshapes),
            face.scores and face.scores.probabilities.tobytes(),
            face.uncertain,
        )
        for face in found.faces
    ]


@needs_a_model
@pytest.mark.parametrize("detector", OWN_DETECTORS)
def test_eight_threads_get_the_numbers_that_one_gets(
    detector: str, astronaut: Image, grace_hopper: Image
) -> None:
    """Pictures of different sizes and counts of faces, through one analyzer at a time."""
    images = [
        astronaut,
        grace_hopper,
        np.full((100, 130, 3), 128, np.uint8),
        tiled(astronaut, 1, 3),
        np.ascontiguousarray(astronaut[:300, 50:400]),
    ]
    serial = [numbers(analyzer(detector).analyze(image)) for image in images]
    assert [len(faces) for faces in serial][2] == 0
    start = threading.Barrier(8)

    def work(worker: int) -> list[tuple[int, list[object]]]:
        start.wait()
        order = [(worker + step) % len(images) for step in range(len(images))]
        return [(i, numbers(analyzer(detector).analyze(images[i]))) for i in order]

    with ThreadPoolExecutor(8) as pool:
        results = [pair for pairs in pool.map(work, range(8)) for pair in pairs]
    assert len(results) == 8 * len(images)
    for i, found in results:
        assert found == serial[i]
