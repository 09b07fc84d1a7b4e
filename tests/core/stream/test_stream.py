"""The pipeline over real frames: the sample portrait moved about, shipped detector and model."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection import FaceDetector, create_detector
from core.drawing.video import draw_faces
from core.expression.answer import short
from core.expression.classify import EmotionClassifier
from core.stream import StreamAnalyzer, StreamFrame, StreamRules
from core.stream.cadence import CadenceRules
from core.stream.motion import follow
from core.stream.timeline import Timeline, row_dict, summary_dict
from core.types import Box, Face

RGB = NDArray[np.uint8]
# Detects on every tenth frame whatever it costs, so that tests do not depend on the machine.
SELDOM = StreamRules(cadence=CadenceRules(busy_share=0.0, max_gap_ms=335.0))


@pytest.fixture(scope="module")
def detector(models_dir: Path) -> FaceDetector:
    return create_detector("yunet", models_dir)


@pytest.fixture(scope="module")
def classifier(models_dir: Path) -> EmotionClassifier:
    return EmotionClassifier.load("mien-fast", models_dir)


def scene(picture: RGB, x: float, y: float, scale: float = 1.0) -> RGB:
    """`picture` at (x, y) in a frame of 640 x 480."""
    matrix = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    frame = cv2.warpAffine(picture, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(frame, np.uint8)


def walk(picture: RGB, n_frames: int, step_px: float = 4.0) -> list[RGB]:
    """The portrait wandering to the right and a little up and down."""
    return [scene(picture, -40 + step_px * i, 12 * np.sin(i / 6)) for i in range(n_frames)]


def run(analyzer: StreamAnalyzer, frames: list[RGB], fps: float = 30.0) -> list[StreamFrame]:
    return [analyzer.process(frame, i / fps) for i, frame in enumerate(frames)]


def test_a_face_keeps_its_number_when_the_network_makes_the_picture_smaller(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    frames = walk(astronaut, 40, step_px=1.0)
    sizes = [(640, 480)] * 10 + [(480, 360)] * 10 + [(321, 240)] * 10 + [(640, 480)] * 10
    adapted = [
        np.asarray(cv2.resize(frame, size), np.uint8)
        for frame, size in zip(frames, sizes, strict=True)
    ]
    results = run(StreamAnalyzer(detector, classifier), adapted)
    assert [[face.id for face in frame.faces] for frame in results[2:]] == [[1]] * 38
    shares = [frame.faces[0].box.size_wh[0] / frame.size_wh[0] for frame in results[2:]]
    assert shares == pytest.approx([shares[0]] * len(shares), rel=0.2)


def test_a_camera_that_was_turned_begins_anew(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    upright = [np.ascontiguousarray(frame[:, 80:440]) for frame in walk(astronaut, 8)]
    results = run(StreamAnalyzer(detector, classifier), [*walk(astronaut, 8), *upright])
    assert {face.id for face in results[7].faces} == {1}
    assert {face.id for face in results[-1].faces} == {2}


def test_no_face_is_a_normal_result(detector: FaceDetector, classifier: EmotionClassifier) -> None:
    grey = np.full((480, 640, 3), 128, np.uint8)
    results = run(StreamAnalyzer(detector, classifier), [grey] * 3)
    assert [frame.faces for frame in results] == [(), (), ()]


def test_one_smiling_face_keeps_its_number_and_its_label(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    results = run(StreamAnalyzer(detector, classifier, rules=SELDOM), walk(astronaut, 40))
    shown = [frame.faces for frame in results[2:]]
    assert {face.id for faces in shown for face in faces} == {1}
    assert all(len(faces) == 1 for faces in shown)
    assert {face.answer.top for faces in shown for face in faces} == {"happy"}


def test_followed_boxes_lie_where_the_detector_finds_the_face(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    frames = walk(astronaut, 40)
    results = run(StreamAnalyzer(detector, classifier, rules=SELDOM), frames)
    assert sum(frame.detected for frame in results) < 10
    for frame, result in list(zip(frames, results, strict=True))[2:]:
        (true,) = detector.detect(frame)
        assert result.faces[0].box.iou(true.box) > 0.75


def test_a_frame_larger_than_the_working_size_has_boxes_in_its_own_pixels(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    large = np.asarray(cv2.resize(astronaut, (1536, 1536)), np.uint8)
    results = run(StreamAnalyzer(detector, classifier), [large] * 3)
    (true,) = detector.detect(astronaut)
    tripled = Box(*(3 * value for value in true.box.xyxy))
    assert results[-1].size_wh == (1536, 1536)
    assert results[-1].faces[0].box.iou(tripled) > 0.8


def test_a_cut_to_another_scene_ends_the_track(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    empty = np.full((480, 640, 3), 90, np.uint8)
    frames = [*walk(astronaut, 6), *[empty] * 40, *walk(astronaut, 6)]
    results = run(StreamAnalyzer(detector, classifier), frames)
    assert all(frame.faces == () for frame in results[7:45])
    assert [face.id for face in results[-1].faces] == [2]


def test_a_standstill_of_the_machine_does_not_cost_a_face_its_number(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    analyzer = StreamAnalyzer(detector, classifier)
    frames = walk(astronaut, 12, step_px=20)
    times_s = [i / 30 + (5.0 if i >= 6 else 0.0) for i in range(12)]
    results = [analyzer.process(f, t_s) for f, t_s in zip(frames, times_s, strict=True)]
    assert {face.id for result in results for face in result.faces} == {1}


def test_turning_the_camera_starts_over(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    upright = np.asarray(astronaut[:, 80:440], np.uint8)
    analyzer = StreamAnalyzer(detector, classifier)
    run(analyzer, walk(astronaut, 4))
    results = [analyzer.process(upright, 1 + i / 30) for i in range(4)]
    assert results[-1].size_wh == (360, 512)
    assert [face.id for face in results[-1].faces] == [2]


def test_a_face_too_small_to_be_judged_is_shown_without_scores(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    analyzer = StreamAnalyzer(detector, classifier, min_face_px=400)
    last = run(analyzer, walk(astronaut, 4))[-1]
    assert last.faces[0].scores is None
    assert short(last.faces[0].answer) == "too small"


class ManyFaces:
    """Stands in for a detector: two faces that cross."""

    name, threshold = "yunet", 0.5

    def __init__(self, like: FaceDetector) -> None:
        self.box_geometry = like.box_geometry
        self.n_calls = 0

    def detect(self, image_rgb: RGB) -> tuple[Face, ...]:
        i, self.n_calls = self.n_calls, self.n_calls + 1
        places = ((20 + 15 * i, 40), (480 - 15 * i, 260))
        empty = np.empty((0, 2), np.float32)
        return tuple(Face(Box(x, y, x + 120, y + 120), 0.9, empty, "yunet") for x, y in places)


def test_two_faces_have_two_numbers_from_beginning_to_end(
    detector: FaceDetector, classifier: EmotionClassifier
) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (480, 640, 3), np.uint8)
    analyzer = StreamAnalyzer(ManyFaces(detector), classifier)
    analyzer.rules = StreamRules(cadence=CadenceRules(busy_share=1e9))
    results = run(analyzer, [noise] * 25)
    assert all([face.id for face in frame.faces] == [1, 2] for frame in results[1:])
    upper = [frame.faces[0].box.centre_xy[0] for frame in results[1:]]
    assert upper == sorted(upper)


def test_follow_gives_up_where_there_is_nothing_to_follow() -> None:
    rng = np.random.default_rng(2)
    before, now = (rng.integers(0, 255, (120, 160), np.uint8) for _ in range(2))
    assert follow(before, now, Box(40, 30, 100, 90)) is None
    assert follow(before, before, Box(500, 500, 560, 560)) is None


def test_follow_finds_shift_and_growth(astronaut: RGB) -> None:
    before = cv2.cvtColor(scene(astronaut, 0, 0), cv2.COLOR_RGB2GRAY)
    now = cv2.cvtColor(scene(astronaut, -10, 5, 1.05), cv2.COLOR_RGB2GRAY)
    box = Box(180, 60, 270, 180)
    moved = follow(np.asarray(before), np.asarray(now), box)
    expected = Box(*(1.05 * v + d for v, d in zip(box.xyxy, (-10, 5, -10, 5), strict=True)))
    assert moved is not None
    assert moved.iou(expected) > 0.93


def test_memory_of_the_analyzer_does_not_grow_with_faces_that_come_and_go(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    analyzer = StreamAnalyzer(detector, classifier)
    empty = np.full((480, 640, 3), 90, np.uint8)
    t_s = 0.0
    for _ in range(6):
        for frame in (*walk(astronaut, 3), *[empty] * 3):
            t_s += 0.5
            analyzer.process(frame, t_s)
    assert len(analyzer._tracks) <= 2
    assert len(analyzer._scores) <= 2


def test_drawing_changes_the_picture_at_the_face_only(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    frame = scene(astronaut, 0, 0)
    result = run(StreamAnalyzer(detector, classifier), [frame] * 3)[-1]
    drawn = draw_faces(frame.copy(), result.faces)
    changed = np.argwhere((drawn != frame).any(axis=2))
    box = result.faces[0].box
    assert len(changed) > 100
    assert changed[:, 0].min() > box.y_min - 40
    assert changed[:, 0].max() < box.y_max + 6
    assert short(result.faces[0].answer) == "happy"


@pytest.mark.parametrize("xy", [(-60, -60), (600, 440), (-5, 200)])
def test_drawing_at_the_border_stays_inside(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB, xy: tuple[int, int]
) -> None:
    result = run(StreamAnalyzer(detector, classifier), [scene(astronaut, 0, 0)] * 3)[-1]
    face = result.faces[0]
    moved = type(face)(face.id, Box(xy[0], xy[1], xy[0] + 90, xy[1] + 110), face.scores)
    canvas = np.zeros((480, 640, 3), np.uint8)
    assert draw_faces(canvas, (moved,)).any()


def test_the_timeline_counts_every_frame_and_keeps_ten_rows_a_second(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    timeline = Timeline()
    for frame in run(StreamAnalyzer(detector, classifier), [scene(astronaut, 0, 0)] * 61):
        timeline.add(frame)
    (summary,) = timeline.summaries()
    assert timeline.n_frames == 61
    assert timeline.duration_s == pytest.approx(2.0)
    assert summary.seen_s == pytest.approx(2.0, abs=0.1)
    assert summary.seconds_by_band == {"happy": pytest.approx(summary.seen_s)}
    assert summary.most_seen == "happy"
    assert sum(summary.mean_shares.values()) == pytest.approx(1.0, abs=1e-3)
    assert 17 <= len(timeline.rows()) <= 21
    assert all(
        (row["top"], row["labels"]) == ("happy", "happy") for row in map(row_dict, timeline.rows())
    )
    assert summary_dict(summary)["label_changes"] == 0


def test_the_timeline_is_bounded_and_still_spans_the_whole_video(
    detector: FaceDetector, classifier: EmotionClassifier, astronaut: RGB
) -> None:
    frame = run(StreamAnalyzer(detector, classifier), [scene(astronaut, 0, 0)] * 3)[-1]
    timeline = Timeline(max_rows=100)
    for i in range(20_000):
        later = StreamFrame(i, i / 30, frame.size_wh, frame.faces, True, {})
        timeline.add(later)
    rows = timeline.rows()
    assert 40 <= len(rows) <= 101
    assert rows[0].t_s < 30
    assert rows[-1].t_s > 20_000 / 30 - 30
    assert timeline.summaries()[0].seen_s == pytest.approx(20_000 / 30, abs=1)
