import json
from pathlib import Path

import numpy as np
import pytest

from core.detection.detectors.ensemble import EnsembleDetector, Fusion
from core.detection.detectors.fusion import cluster, evidence
from core.detection.files import load_box_geometry, read_json
from core.errors import ModelError
from core.types import Box, Face

NO_BOXES = np.empty((0, 4))
A, A_MOVED, B = [0.0, 0, 10, 10], [2.0, 0, 12, 10], [50.0, 50, 60, 60]


def test_boxes_of_one_face_become_their_weighted_mean() -> None:
    found = cluster(
        [np.array([A, B]), np.array([A_MOVED])],
        [np.array([0.6, 0.5]), np.array([0.2])],
        min_iou=0.5,
    )
    assert found.boxes_xyxy[0] == pytest.approx([0.5, 0, 10.5, 10])  # (0.6 * 0 + 0.2 * 2) / 0.8
    assert found.boxes_xyxy[1].tolist() == B
    assert found.members.tolist() == [[0, 0], [1, -1]]
    assert found.scores[0].tolist() == [0.6, 0.2]
    assert np.isnan(found.scores[1, 1])


def test_two_boxes_of_one_detector_are_two_faces() -> None:
    found = cluster([np.array([A, A_MOVED])], [np.array([0.9, 0.8])], min_iou=0.5)
    assert len(found.boxes_xyxy) == 2


@pytest.mark.parametrize("n_detectors", [1, 3])
def test_nothing_found_is_no_cluster(n_detectors: int) -> None:
    found = cluster([NO_BOXES] * n_detectors, [np.empty(0)] * n_detectors, min_iou=0.5)
    assert found.boxes_xyxy.shape == (0, 4)
    assert evidence(found.scores).shape == (0, 2 * n_detectors)


def test_silence_is_evidence_of_its_own() -> None:
    row = evidence(np.array([[0.5, np.nan], [0.9, 0.1]]))
    assert row[0].tolist() == [0, 0, 0, 1]
    assert row[1] == pytest.approx([np.log(9), -np.log(9), 0, 0])


FUSION = {
    "members": [{"detector": "one"}, {"detector": "two", "enlarge": 2}],
    "min_iou": 0.5,
    "weights": [1.0, 1.0, -1.0, -1.0],
    "intercept": 0.0,
    "threshold": 0.4,
}


class Fixed:
    """Says the same of every image."""

    def __init__(self, name: str, *faces: tuple[list[float], float], points: int = 0) -> None:
        self.name, self.threshold, self.faces, self.points = name, 0.1, faces, points
        self.box_geometry = load_box_geometry(Path("models/yunet"))

    def detect(self, image_rgb: object) -> tuple[Face, ...]:
        points = np.ones((self.points, 2))
        return tuple(Face(Box(*box), c, points, self.name) for box, c in self.faces)


def ensemble(folder: Path, *members: Fixed) -> EnsembleDetector:
    (folder / "fusion.json").write_text(json.dumps(FUSION))
    stored = load_box_geometry(Path("models/yunet")).model_dump()
    (folder / "geometry.json").write_text(json.dumps({"eyes_mouth": stored}))
    by_name = {member.name: member for member in members}
    return EnsembleDetector(folder, lambda member: by_name[member.detector])


def test_agreement_raises_and_silence_lowers_the_confidence(tmp_path: Path) -> None:
    both = ensemble(tmp_path, Fixed("one", (A, 0.6), (B, 0.6)), Fixed("two", (A, 0.7), points=5))
    agreed = both.detect(np.zeros((80, 80, 3), np.uint8))
    assert len(agreed) == 1  # B alone: odds 1.5 / e = 0.55, probability 0.36 < 0.4
    odds = 0.6 / 0.4 * 0.7 / 0.3
    assert agreed[0].confidence == pytest.approx(odds / (1 + odds))
    assert agreed[0].keypoints_xy.shape == (5, 2)
    assert agreed[0].detector == "ensemble"


def test_what_nobody_finds_is_no_face(tmp_path: Path) -> None:
    assert (
        ensemble(tmp_path, Fixed("one"), Fixed("two")).detect(np.zeros((9, 9, 3), np.uint8)) == ()
    )


@pytest.mark.parametrize("content", [None, b"{", b"{}", json.dumps({**FUSION, "weights": [1]})])
def test_a_missing_or_damaged_fit_is_refused(tmp_path: Path, content: bytes | str | None) -> None:
    if content is not None:
        (tmp_path / "fusion.json").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    with pytest.raises(ModelError, match=r"no readable fusion\.json; reinstall"):
        read_json(tmp_path, "fusion.json", Fusion)


def test_the_shipped_ensemble_was_not_fitted_on_what_it_is_measured_on(models_dir: Path) -> None:
    stored = json.loads((models_dir / "ensemble" / "fusion.json").read_text())
    assert "train" in stored["data"]
    assert len(Fusion.model_validate(stored).members) >= 2
