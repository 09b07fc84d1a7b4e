import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection import FaceDetector, create_detector
from core.detection.files import load_box_geometry
from core.errors import InvalidImageArrayError, ModelError, UnknownDetectorError
from core.types import Box
from tests.helpers.detectors import each_detector, each_detector_with_points, each_own_detector
from tests.helpers.pictures import colourful
from tests.paths import ROOT

Image = NDArray[np.uint8]

# Where the astronaut's eyes and mouth are in the sample, read off the picture by eye (± 6 px);
# person's right first.
ASTRONAUT_EYES = ((201, 104), (246, 106))
ASTRONAUT_MOUTH = (220, 146)


@cache
def detector(name: str) -> FaceDetector:
    return create_detector(name, ROOT / "models")


def enlarged(image: Image, factor: float) -> Image:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(image, None, fx=factor, fy=factor, interpolation=method)
    return np.asarray(resized, np.uint8)


def scaled(box: Box, factor: float) -> Box:
    return Box(*(value * factor for value in box.xyxy))


# --- Nothing to be found ----------------------------------------------------------------------


@each_detector
@pytest.mark.parametrize("grey", [0, 127, 255])
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (2, 2), (7, 300), (240, 320), (20_000, 50), (50, 20_000)]
)
def test_in_a_blank_picture_of_any_size_there_is_no_face(
    name: str, height: int, width: int, grey: int
) -> None:
    assert detector(name).detect(np.full((height, width, 3), grey, np.uint8)) == ()


BLANK_STRIPS = """
import numpy as np
from pathlib import Path
from core.detection import create_detector
detector = create_detector({name!r}, Path({models!r}))
for height, width in [(1, 640), (7, 300), (32, 640), (32, 800), (300, 7), (800, 32)] * 8:
    for grey in (0, 127, 255):
        stale = [np.full(n, 7e30, np.float32) for n in range(10_000, 400_000, 60_000)]
        del stale
        assert detector.detect(np.full((height, width, 3), grey, np.uint8)) == (), (height, width)
"""


@each_detector
@pytest.mark.parametrize("poison", ["85", "165", "200"])
def test_what_lay_in_memory_before_is_never_taken_for_a_face(name: str, poison: str) -> None:
    script = BLANK_STRIPS.format(name=name, models=str(ROOT / "models"))
    environment = {**os.environ, "MALLOC_PERTURB_": poison}  # glibc fills what it hands out
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, env=environment)


@each_detector
def test_in_a_pattern_there_is_no_face(name: str) -> None:
    assert detector(name).detect(colourful(240, 320)) == ()


@each_detector
@pytest.mark.parametrize(
    "image",
    [
        None,
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 1), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((10, 10, 3), np.uint16),
        np.zeros((1, 10, 10, 3), np.uint8),
    ],
    ids=lambda image: "None" if image is None else f"{image.shape} {image.dtype}",
)
def test_what_is_no_image_is_refused(name: str, image: Any) -> None:
    with pytest.raises(InvalidImageArrayError, match="an image must"):
        detector(name).detect(image)


# --- Real photos ------------------------------------------------------------------------------


@each_own_detector
def test_the_astronauts_face_is_found_once_where_it_is(name: str, astronaut: Image) -> None:
    (face,) = detector(name).detect(astronaut)
    assert face.detector == name == detector(name).name
    assert detector(name).threshold <= face.confidence <= 1
    for x, y in (*ASTRONAUT_EYES, ASTRONAUT_MOUTH):
        assert face.box.x_min < x < face.box.x_max
        assert face.box.y_min < y < face.box.y_max
    assert 60 < face.box.size_wh[0] < 130
    assert 70 < face.box.size_wh[1] < 160


@each_detector_with_points
def test_the_eyes_are_where_they_are_seen_the_persons_right_first(
    name: str, astronaut: Image
) -> None:
    (face,) = detector(name).detect(astronaut)
    assert np.abs(face.keypoints_xy[:2] - ASTRONAUT_EYES).max() < 8


@each_own_detector
def test_a_second_face_of_a_second_person_is_found(name: str, grace_hopper: Image) -> None:
    (face,) = detector(name).detect(grace_hopper)
    assert face.confidence >= detector(name).threshold
    assert abs(face.box.centre_xy[0] - 268) < 20


@each_own_detector
def test_two_people_side_by_side_are_two_faces(
    name: str, astronaut: Image, grace_hopper: Image
) -> None:
    hopper = enlarged(grace_hopper[60:460, 60:460], 0.6)
    both = np.concatenate([astronaut[20:260, 100:340], hopper], axis=1)
    faces = detector(name).detect(both)
    assert sorted(face.box.centre_xy[0] // 240 for face in faces) == [0, 1]
    confidences = [face.confidence for face in faces]
    assert confidences == sorted(confidences, reverse=True)


@each_own_detector
@pytest.mark.parametrize("factor", [0.25, 0.5, 2, 4, 7])
def test_the_box_grows_with_the_picture(name: str, factor: float, astronaut: Image) -> None:
    """Beyond 800 px YuNet shrinks the picture first; the box is in the full one's pixels."""
    if factor < 0.5 and name == "haar":
        pytest.skip("made for faces of 40 px and more")
    (face,) = detector(name).detect(astronaut)
    (same,) = detector(name).detect(enlarged(astronaut, factor))
    assert scaled(same.box, 1 / factor).iou(face.box) > 0.75
    distance = np.abs(same.keypoints_xy[:2] / factor - face.keypoints_xy[:2]).max(initial=0)
    assert distance < 0.1 * face.box.size_wh[0]


@each_own_detector
def test_the_box_moves_with_the_face(name: str, astronaut: Image) -> None:
    (face,) = detector(name).detect(astronaut)
    framed = np.asarray(
        cv2.copyMakeBorder(astronaut, 60, 0, 130, 0, cv2.BORDER_REPLICATE), np.uint8
    )
    (moved,) = detector(name).detect(framed)
    x_min, y_min, x_max, y_max = moved.box.xyxy
    assert Box(x_min - 130, y_min - 60, x_max - 130, y_max - 60).iou(face.box) > 0.75


@each_own_detector
def test_a_mirrored_a_strided_and_a_read_only_picture_are_taken(
    name: str, astronaut: Image
) -> None:
    (face,) = detector(name).detect(astronaut)
    (mirrored,) = detector(name).detect(astronaut[:, ::-1])
    x_min, y_min, x_max, y_max = mirrored.box.xyxy
    assert Box(512 - x_max, y_min, 512 - x_min, y_max).iou(face.box) > 0.75
    wide = np.zeros((512, 700, 3), np.uint8)
    wide[:, :512] = astronaut
    (view,) = detector(name).detect(wide[:, :512])
    assert view.box == face.box
    assert not astronaut.flags.writeable


@each_own_detector
def test_the_same_picture_gives_the_same_faces_after_another_one(
    name: str, astronaut: Image
) -> None:
    """The input's size is state of the network; it must not leak into the next call."""
    (before,) = detector(name).detect(astronaut)
    detector(name).detect(enlarged(astronaut, 0.4)[:150])
    (after,) = detector(name).detect(astronaut)
    assert before.box == after.box
    assert before.confidence == after.confidence
    assert np.array_equal(before.keypoints_xy, after.keypoints_xy)


def test_a_higher_threshold_finds_less(models_dir: Path, astronaut: Image) -> None:
    from core.detection.detectors.blazeface import BlazeFaceDetector
    from core.detection.detectors.yunet import YuNetDetector

    assert YuNetDetector(models_dir / "yunet", threshold=0.999).detect(astronaut) == ()
    strict = BlazeFaceDetector(models_dir / "blazeface", threshold=0.999)
    assert strict.detect(astronaut) == ()


# --- Choosing and loading ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "YuNet", "mtcnn", "yunet "])
def test_an_unknown_detector_is_refused_with_the_names_of_those_there_are(
    name: str, models_dir: Path
) -> None:
    with pytest.raises(
        UnknownDetectorError, match=r"no detector '.*'; choose one of yunet, blaze"
    ):
        create_detector(name, models_dir)


@each_detector
def test_a_missing_network_is_said_to_be_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"(is missing|no readable .*); reinstall"):
        create_detector(name, tmp_path)


@each_own_detector
def test_a_detector_knows_where_eyes_and_mouth_lie_in_its_boxes(
    name: str, astronaut: Image
) -> None:
    """The measured averages hold for the astronaut, within a tenth of the box."""
    (face,) = detector(name).detect(astronaut)
    geometry = detector(name).box_geometry
    top_left, size = np.array(face.box.xyxy[:2]), np.array(face.box.size_wh)
    eyes = (np.mean(ASTRONAUT_EYES, axis=0) - top_left) / size
    mouth = (np.array(ASTRONAUT_MOUTH) - top_left) / size
    assert eyes == pytest.approx(geometry.eyes_xy, abs=0.1)
    assert mouth == pytest.approx(geometry.mouth_xy, abs=0.1)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"{}",
        b'{"eyes_mouth": {}}',
        b'{"eyes_mouth": null}',
        b'{"eyes_mouth": {"eyes_xy": [0.5], "mouth_xy": [0.5, 0.8], "eye_mouth": 0.4}}',
    ],
)
def test_a_missing_or_damaged_geometry_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "geometry.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"has no readable geometry\.json; reinstall"):
        load_box_geometry(tmp_path)


def test_a_geometry_is_read_as_it_was_written(tmp_path: Path) -> None:
    stored = {"eyes_xy": [0.1, 0.2], "mouth_xy": [0.3, 0.4], "eye_mouth": 0.5}
    (tmp_path / "geometry.json").write_text(json.dumps({"eyes_mouth": stored, "data": "x"}))
    assert load_box_geometry(tmp_path).model_dump(mode="json") == stored


USE_AND_EXIT = """
import sys
import numpy as np
from pathlib import Path
from core.detection import create_detector
from core.landmarks import FaceLandmarker
from tests.paths import ROOT
finder = create_detector("blazeface", Path("models"))
mesh = FaceLandmarker(Path("models/face_landmarker/face_landmarker.task"))
assert finder.detect(np.zeros((50, 50, 3), np.uint8)) == ()
print("done")
"""


def test_the_interpreter_exits_in_silence_after_mediapipe_was_used() -> None:
    """Its objects cannot be closed at exit, and must not say so in a traceback."""
    done = subprocess.run(
        [sys.executable, "-c", USE_AND_EXIT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
