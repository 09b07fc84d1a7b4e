import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.analyzer import Analyzer, create_analyzer
from core.errors import InvalidImageArrayError, ModelError, UnknownDetectorError, UnknownModelError
from core.expression.conformal import ConformalFit
from core.expression.model_card import model_ids
from core.expression.quality import QualityModel
from core.landmarks import FaceLandmarker
from core.pictures.face_input import FULL_SQUARE
from core.types import TOO_SMALL, Analysis, Box, Face, FaceMeasures, FaceQuality
from tests.helpers.detectors import EACH_DETECTOR, OWN_DETECTORS
from tests.helpers.faces import BrightnessClassifier, FixedDetector, a_face, grey_level
from tests.paths import ROOT

MODELS = ROOT / "models"
Image = NDArray[np.uint8]


class AsGoodAs(QualityModel):
    """Finds every picture of the same quality."""

    quality: float

    def judge(self, measures: FaceMeasures) -> FaceQuality:
        return FaceQuality(self.quality, None, measures)


STEPS = ["detect", "landmarks", "input", "classify"]
needs_a_model = pytest.mark.skipif(not model_ids(MODELS), reason="no model is shipped yet")


def toy(*boxes: Box, min_face_px: int = 24, certainty: float = 4.0) -> Analyzer:
    """Finds the given boxes and judges them by their grey level."""
    classifier = BrightnessClassifier(certainty)
    return Analyzer(FixedDetector(*boxes), classifier, None, min_face_px=min_face_px)


def flat(emotion: int, height: int = 100, width: int = 200) -> Image:
    return np.full((height, width, 3), grey_level(emotion), np.uint8)


# --- With parts that a test can see through -----------------------------------------------------


def test_no_face_is_a_normal_result() -> None:
    found = toy().analyze(flat(3))
    assert found.faces == ()
    assert found.size_wh == (200, 100)
    assert (found.model_id, found.detector) == ("toy", "fixed")
    assert list(found.timings_ms) == STEPS


def test_a_face_is_scored_by_what_is_in_its_box() -> None:
    image = flat(0)
    image[:, 100:] = grey_level(5)
    found = toy(Box(20, 20, 60, 60), Box(130, 20, 170, 60)).analyze(image)
    assert [face.scores.top for face in found.faces if face.scores] == ["angry", "surprise"]
    assert [face.answer.labels for face in found.faces] == [("angry",), ("surprise",)]
    assert [face.landmarks for face in found.faces] == [None, None]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_faces_come_in_reading_order_whatever_the_detector_says(order: tuple[int, ...]) -> None:
    """Two rows, neither of them level; by centre, not by edge."""
    boxes = [Box(10, 14, 40, 44), Box(60, 5, 90, 40), Box(0, 50, 70, 90), Box(60, 62, 90, 92)]
    found = toy(*(boxes[i] for i in order)).analyze(flat(1))
    assert [face.face.box for face in found.faces] == boxes


def test_scores_stay_with_their_faces_when_some_are_too_small() -> None:
    image = np.zeros((100, 700, 3), np.uint8)
    boxes = []
    for emotion in range(7):
        image[:, 100 * emotion : 100 * emotion + 100] = grey_level(emotion)
        side = 40 if emotion % 2 == 0 else 15
        x_min = 100 * emotion + 30
        boxes.append(Box(x_min, 30, x_min + side, 30 + side))
    found = toy(*reversed(boxes)).analyze(image)
    tops = [face.scores.top if face.scores else None for face in found.faces]
    assert tops == ["angry", None, "fear", None, "sad", None, "neutral"]


@pytest.mark.parametrize(
    ("height", "too_small"), [(1, True), (23, True), (23.99, True), (24, False), (60, False)]
)
def test_a_face_is_too_small_below_the_limit_and_not_at_it(height: float, too_small: bool) -> None:
    box = Box(30, 20, 70, 20 + height)
    (face,) = toy(box).analyze(flat(3)).faces
    assert (face.scores is None) == too_small
    if too_small:
        assert face.landmarks is None
        assert face.answer.labels == ()
    assert face.face.box == box


def test_when_all_faces_are_too_small_none_is_classified() -> None:
    analyzer = toy(Box(10, 10, 20, 20), Box(50, 10, 60, 20))
    found = analyzer.analyze(flat(3))
    assert [face.scores for face in found.faces] == [None, None]
    assert list(found.timings_ms) == STEPS
    assert isinstance(analyzer.classifier, BrightnessClassifier)
    assert sum(analyzer.classifier.batch_sizes) == 0


def test_the_limit_can_be_set() -> None:
    box = Box(10, 10, 40, 40)
    assert toy(box, min_face_px=31).analyze(flat(0)).faces[0].scores is None
    assert toy(box, min_face_px=30).analyze(flat(0)).faces[0].scores is not None


@pytest.mark.parametrize(("quality", "n_labels"), [(None, 3), (1.0, 3), (0.6, 3), (0.4, 7)])
def test_the_answer_follows_the_models_fit_and_the_pictures_quality(
    quality: float | None, n_labels: int
) -> None:
    analyzer = toy(Box(10, 10, 60, 60), certainty=1.0)
    analyzer.classifier.conformal = ConformalFit(
        target=0.9, edges=[0, 0.5, 1], least_shares=[-0.2, 0.1]
    )
    if quality is not None:
        analyzer.quality = AsGoodAs(
            centre=[], weights=[], intercept=0, reference=1, quality=quality
        )
    (face,) = analyzer.analyze(flat(2)).faces
    # Shares are 0.31 once and 0.11 six times; from the fourth place on a label needs more.
    assert len(face.answer.labels) == n_labels
    assert face.answer.top == "fear"


def test_sixty_faces_are_one_batch() -> None:
    boxes = [Box(x, y, x + 30, y + 30) for x in range(0, 400, 40) for y in range(0, 240, 40)]
    analyzer = toy(*boxes)
    found = analyzer.analyze(flat(4, 240, 400))
    assert len(found.faces) == 60
    assert {face.scores.top for face in found.faces if face.scores} == {"sad"}
    assert isinstance(analyzer.classifier, BrightnessClassifier)
    assert analyzer.classifier.batch_sizes == [60]


def test_boxes_over_the_border_are_analysed() -> None:
    boxes = [Box(-30, -30, 30, 30), Box(180, 80, 260, 160), Box(-500, 10, -400, 110)]
    assert len(toy(*boxes).analyze(flat(6)).faces) == 3


def test_the_picture_is_left_alone() -> None:
    image = flat(2)
    image.setflags(write=False)
    toy(Box(-10, -10, 50, 50)).analyze(image)
    assert (image == grey_level(2)).all()


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidImageArrayError, match="an image must"):
        toy().analyze(np.zeros(shape, np.uint8))


class _TwinDetector(FixedDetector):
    """Gives the very same face twice, as a detector without suppression might."""

    def detect(self, image_rgb: Image) -> tuple[Face, ...]:
        face = a_face(Box(20, 20, 60, 60))
        return (face, face)


def test_the_same_face_twice_is_two_results() -> None:
    found = Analyzer(_TwinDetector(), BrightnessClassifier(), None).analyze(flat(3))
    assert [face.scores.top for face in found.faces if face.scores] == ["happy", "happy"]


# --- Making one ---------------------------------------------------------------------------------


@needs_a_model
def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownModelError, match="shipped are: "):
        create_analyzer(MODELS, model_id="none", detector="yunet")
    with pytest.raises(UnknownDetectorError, match="choose one of"):
        create_analyzer(MODELS, model_id=model_ids(MODELS)[0], detector="none")


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="none at all"):
        create_analyzer(tmp_path, model_id="toy", detector="yunet")
    with pytest.raises(ModelError, match="is missing"):
        FaceLandmarker(tmp_path / "face_landmarker.task")


def test_the_fixed_detector_speaks_the_protocol() -> None:
    """Guards the helper: boxes cut as they are, since both sides have the same geometry."""
    assert FixedDetector().box_geometry == FULL_SQUARE
    assert BrightnessClassifier().card.face_input.geometry == FULL_SQUARE


# --- With real detectors and models, on photos --------------------------------------------------


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
    assert face.answer is TOO_SMALL


def tiled(astronaut: Image, rows: int, columns: int, side: int = 120) -> Image:
    tile = cv2.resize(astronaut[10:230, 110:330], (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(np.tile(tile, (rows, columns, 1)), np.uint8)


@needs_a_model
def test_sixty_people_are_all_found_row_by_row_with_their_own_mesh(
    astronaut: Image,
) -> None:
    image = tiled(astronaut, rows=6, columns=10)
    found = analyzer().analyze(image)
    assert len(found.faces) == 60
    centres = [face.face.box.centre_xy for face in found.faces]
    assert centres == sorted(centres, key=lambda xy: (xy[1] // 120, xy[0]))
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
            face.answer.labels,
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
