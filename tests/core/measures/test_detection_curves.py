"""Stored curves of detectors: what a threshold gives is what counting by hand gives."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from core.config import ROOT
from core.measures.detection.curves import counts_at, curve_frame, load_evaluations, stored_curve
from core.measures.detection.evaluation import DetectionEvaluation, FaceGroup, Operation

# Five faces; boxes from the surest on: right, right, wrong, right, wrong.
CONFIDENCE = [0.9, 0.8, 0.6, 0.5, 0.2]
RIGHT = [1, 1, 0, 1, 0]
N_FACES = 5


def evaluation(name: str = "toy", ap50: float = 0.5) -> DetectionEvaluation:
    true_positives = np.cumsum(RIGHT)
    return DetectionEvaluation(
        detector=name,
        dataset="made up",
        command="none",
        n_images=3,
        n_faces=N_FACES,
        min_face_px=20,
        ap50=ap50,
        best_f1=0.67,
        precision=0.75,
        recall=0.6,
        threshold=0.5,
        ms_per_image=1.0,
        shipped=Operation(threshold=0.7, precision=1.0, recall=0.4, f1=0.57),
        by_group={"size": {"20 px and more": FaceGroup(n_faces=5, ap50=0.5, recall=0.6)}},
        curve={
            "threshold": CONFIDENCE,
            "precision": (true_positives / np.arange(1, 6)).tolist(),
            "recall": (true_positives / N_FACES).tolist(),
        },
    )


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.21, 0.5, 0.55, 0.8, 0.9])
def test_a_threshold_counts_the_boxes_above_it(threshold: float) -> None:
    kept = [right for right, sure in zip(RIGHT, CONFIDENCE, strict=True) if sure >= threshold]
    found, missed, false_alarms = counts_at(evaluation(), threshold)
    assert (found, missed, false_alarms) == (sum(kept), N_FACES - sum(kept), kept.count(0))
    point = stored_curve(evaluation()).at(threshold)
    assert point.precision == pytest.approx(sum(kept) / len(kept))
    assert point.recall == pytest.approx(sum(kept) / N_FACES)
    assert point.f1 == pytest.approx(2 * sum(kept) / (len(kept) + N_FACES))


def test_above_the_surest_box_nothing_is_found() -> None:
    assert counts_at(evaluation(), 0.95) == (0, N_FACES, 0)
    assert math.isnan(stored_curve(evaluation()).at(0.95).precision)


def test_the_table_rises_in_its_threshold() -> None:
    frame = curve_frame(evaluation())
    assert frame["threshold"].tolist() == CONFIDENCE[::-1]
    assert frame["precision"].tolist()[-1] == 1.0
    assert frame["recall"].tolist()[-1] == pytest.approx(1 / N_FACES)


def test_a_stored_curve_falls_as_its_points_are_counted() -> None:
    """As `PrecisionRecall` wants it; the files of all shipped detectors are held to it."""
    shipped = load_evaluations(ROOT / "models")
    assert shipped
    for one in shipped.values():
        assert (np.diff(one.curve["threshold"]) <= 0).all()
        assert (np.diff(one.curve["recall"]) >= 0).all()
        # At the app's own threshold the thinned curve is near what was measured in full.
        point = stored_curve(one).at(one.shipped.threshold or 0)
        assert point.recall == pytest.approx(one.shipped.recall, abs=0.02)
        assert point.precision == pytest.approx(one.shipped.precision, abs=0.02)


def test_evaluations_are_told_from_those_of_expression_models(tmp_path: Path) -> None:
    for name, ap50 in (("a", 0.3), ("b", 0.9)):
        (tmp_path / name).mkdir()
        text = evaluation(name, ap50).model_dump_json()
        (tmp_path / name / "evaluation.json").write_text(text)
    (tmp_path / "expressions").mkdir()
    (tmp_path / "expressions" / "evaluation.json").write_text(json.dumps({"all": {}}))
    assert list(load_evaluations(tmp_path)) == ["b", "a"]
