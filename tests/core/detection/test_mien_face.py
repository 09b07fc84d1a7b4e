"""Our own detector as it is shipped: files, description, two precisions, many threads."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection.detectors.mien_face import PRECISIONS, FaceNetwork, MienFaceDetector
from core.errors import ModelError
from tests.paths import ROOT

FOLDER = ROOT / "models" / "mien-face"
Image = NDArray[np.uint8]


def description() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / "detector.json").read_text())
    return content


# --- What is shipped ----------------------------------------------------------------------


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_description_vouches_for_the_files(precision: str) -> None:
    entry = description()["files"][precision]
    content = (FOLDER / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(content) == entry["n_bytes"]


def test_the_integers_are_the_smaller_file_and_the_parameters_as_many_as_said() -> None:
    files, n_parameters = description()["files"], description()["n_parameters"]
    assert files["int8"]["n_bytes"] < files["float"]["n_bytes"] / 2
    assert 100_000 <= n_parameters <= 400_000
    # Four bytes a float, and little besides; normalisation is folded into what it follows.
    assert files["float"]["n_bytes"] == pytest.approx(4 * n_parameters, rel=0.1)


def test_the_data_and_its_terms_are_named_in_description_and_readme() -> None:
    described, readme = description(), (FOLDER / "README.md").read_text()
    for text in (described["data"]["terms"], readme):
        assert "WIDER FACE" in text
        assert "non-commercial research" in text
        assert "CC BY-NC-ND" in text
    assert "non-commercial" in described["licence"]
    assert "YuNet" in described["teacher"]


@pytest.mark.parametrize("name", ["evaluation.json", "evaluation_float.json"])
def test_the_readme_states_the_measured_figures(name: str) -> None:
    found = json.loads((FOLDER / name).read_text())
    assert found["detector"] == "mien-face"
    assert found["dataset"] == "wider_val.parquet"
    readme = (FOLDER / "README.md").read_text()
    assert f"| {found['ap50']:.3f} | {found['best_f1']:.3f} |" in readme


def test_the_curves_have_an_entry_an_epoch() -> None:
    curves = json.loads((FOLDER / "curves.json").read_text())
    assert [row["epoch"] for row in curves] == list(range(1, description()["n_epochs"] + 1))
    assert curves[-1]["loss"] < curves[0]["loss"]


def test_the_apps_threshold_and_enlargement_are_those_chosen_on_held_out_photos() -> None:
    described = description()
    assert MienFaceDetector(FOLDER).threshold == described["threshold"]
    best = max(described["trials"], key=lambda trial: trial["ap50"])
    assert described["threshold"] == best["threshold"]
    assert described["enlarge"] == best["enlarge"]


# --- Finding faces ----------------------------------------------------------------------


def test_integers_and_floats_find_the_same_faces(astronaut: Image, grace_hopper: Image) -> None:
    detectors = [MienFaceDetector(FOLDER, precision=precision) for precision in PRECISIONS]
    for image in (astronaut, grace_hopper):
        (one,), (other,) = (detector.detect(image) for detector in detectors)
        assert one.box.iou(other.box) > 0.85
        assert one.confidence == pytest.approx(other.confidence, abs=0.15)
        apart = np.abs(one.keypoints_xy - other.keypoints_xy).max()
        assert apart < 0.08 * one.box.size_wh[0]


def test_the_points_are_eyes_nose_and_mouth_of_the_astronaut(astronaut: Image) -> None:
    (face,) = MienFaceDetector(FOLDER).detect(astronaut)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.keypoints_xy
    assert right_eye[0] < nose[0] < left_eye[0]  # the person's right is the picture's left
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_threads_get_what_they_would_get_alone(astronaut: Image) -> None:
    """More sizes than there are kept plans, all at once."""
    detector = MienFaceDetector(FOLDER, threshold=0.3)
    images = [astronaut[: 200 + 64 * i, : 300 + 32 * i] for i in range(6)]
    alone = [[face.box for face in detector.detect(image)] for image in images]
    assert any(alone)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(detector.detect, images * 5))
    assert [[face.box for face in faces] for faces in together] == alone * 5


def test_padding_is_no_face_and_hides_none(astronaut: Image) -> None:
    network = FaceNetwork((FOLDER / description()["files"]["int8"]["file"]).read_bytes())
    boxes, _, confidences = network.find(astronaut, 0.3)
    wider = np.pad(astronaut, [(0, 0), (0, 64), (0, 0)])
    again, _, again_confidences = network.find(wider, 0.3)
    assert again[0] == pytest.approx(boxes[0], abs=2)
    assert again_confidences[0] == pytest.approx(confidences[0], abs=0.1)


def test_a_lower_threshold_finds_no_fewer(astronaut: Image) -> None:
    counts = [
        len(MienFaceDetector(FOLDER, threshold=t).detect(astronaut)) for t in (0.9, 0.5, 0.1)
    ]
    assert counts == sorted(counts)


# --- Damage ----------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "mien-face"))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"files": {}, "threshold": 0.5}',
        '{"files": {"int8": {"file": 1, "sha256": "a"}}, "threshold": 0.5}',
    ],
)
def test_a_damaged_description_is_refused(copy: Path, content: str) -> None:
    (copy / "detector.json").write_text(content)
    with pytest.raises(ModelError, match=r"no readable detector\.json; reinstall"):
        MienFaceDetector(copy)


@pytest.mark.parametrize("value", [0, 1e9, -3, "x", None])
@pytest.mark.parametrize("name", ["threshold", "enlarge"])
def test_a_description_with_a_senseless_number_is_refused(
    copy: Path, name: str, value: Any
) -> None:
    (copy / "detector.json").write_text(json.dumps({**description(), name: value}))
    with pytest.raises(ModelError, match="no readable"):
        MienFaceDetector(copy)


def test_another_file_than_the_one_described_is_refused(copy: Path) -> None:
    file = copy / description()["files"]["int8"]["file"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match="is damaged; reinstall"):
        MienFaceDetector(copy)
    file.unlink()
    with pytest.raises(ModelError, match="is missing; reinstall"):
        MienFaceDetector(copy)


def test_only_precisions_that_there_are_can_be_asked_for() -> None:
    with pytest.raises(ValueError, match="one of int8, float"):
        MienFaceDetector(FOLDER, precision="int4")
