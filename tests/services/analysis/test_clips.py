"""A clip from beginning to end, with the shipped detector and model."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.config import Settings
from core.detection import create_detector
from core.expression.classify import EmotionClassifier
from core.pictures.video import ClipLimits
from core.stream import StreamAnalyzer
from services.analysis.clips import (
    CSV_COLUMNS,
    NO_FACE,
    analyse_clip,
    clip_dict,
    clip_limits,
    rows_csv,
    stream_analyzer,
)
from tests.helpers.clips import encode_clip, plain, wandering


@pytest.fixture
def analyzer(models_dir: Path) -> StreamAnalyzer:
    return stream_analyzer(
        create_detector("yunet", models_dir),
        EmotionClassifier.load("mien-fast", models_dir),
        Settings(),
    )


def test_a_clip_gives_faces_rows_and_a_key_frame(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8]
) -> None:
    progress: list[tuple[float, float]] = []
    data = encode_clip(wandering(astronaut, 45), codec="libx264")
    result = analyse_clip(
        "walk.mp4",
        data,
        analyzer,
        ClipLimits(),
        lambda done, total: progress.append((done, total)),
    )
    assert result.error is None
    assert result.n_frames == 45
    assert [face.most_seen for face in result.faces] == ["happy"]
    assert result.key_frame_rgb is not None
    assert result.key_frame_rgb.shape == (480, 640, 3)
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert progress[-1][1] == pytest.approx(1.5, abs=0.1)

    read = list(csv.DictReader(io.StringIO(rows_csv(result.rows))))
    assert tuple(read[0]) == CSV_COLUMNS
    assert {row["top"] for row in read} == {"happy"}
    whole = json.loads(json.dumps(clip_dict(result, model_id="m", detector="d")))
    assert whole["error"] is None
    assert whole["faces"][0]["seconds_by_band"]["happy"] > 1
    assert len(whole["timeline"]) == len(read)


def test_a_clip_without_faces_says_so(analyzer: StreamAnalyzer) -> None:
    result = analyse_clip("grey.mp4", encode_clip(plain(10)), analyzer, ClipLimits())
    assert (result.faces, result.rows, result.key_frame_rgb) == ((), (), None)
    assert result.notes == (NO_FACE,)
    assert rows_csv(result.rows) == ",".join(CSV_COLUMNS) + "\n"


def test_a_refusal_is_a_result(analyzer: StreamAnalyzer) -> None:
    result = analyse_clip("x.mp4", b"no video", analyzer, ClipLimits())
    whole = clip_dict(result, model_id="m", detector="d")
    assert whole["error"] == {
        "kind": "unsupported_clip",
        "message": "This is neither an MP4 nor a WebM video, whatever its name says; "
        "please export it as MP4.",
    }


def test_limits_come_from_the_settings() -> None:
    limits = clip_limits(Settings(max_clip_mb=3, max_clip_seconds=7))
    assert (limits.max_bytes, limits.max_seconds) == (3_000_000, 7)
