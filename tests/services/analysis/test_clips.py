"""A clip from beginning to end, with the shipped detector and model."""

import csv
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.config import Settings
from core.detection import create_detector
from core.expression.classify import EmotionClassifier
from core.pictures.video import ClipLimits
from core.stream import StreamAnalyzer
from services.analysis import clips
from services.analysis.clips import (
    CSV_COLUMNS,
    NO_FACE,
    ONE_FRAME,
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


def test_a_clip_of_one_picture_says_so(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8]
) -> None:
    result = analyse_clip("one.mp4", encode_clip([astronaut]), analyzer, ClipLimits())
    assert (result.n_frames, result.notes) == (1, (ONE_FRAME,))


def test_a_refusal_is_a_result(analyzer: StreamAnalyzer) -> None:
    result = analyse_clip("x.mp4", b"no video", analyzer, ClipLimits())
    whole = clip_dict(result, model_id="m", detector="d")
    assert whole["error"] == {
        "kind": "unsupported_clip",
        "message": "This is no MP4, MOV, 3GP, WebM, MKV, AVI, WMV, MPG or MTS video, whatever its "
        "name says; please export it as MP4.",
    }


def test_limits_come_from_the_settings() -> None:
    limits = clip_limits(Settings(max_clip_mb=3, max_clip_seconds=7))
    assert (limits.max_bytes, limits.max_seconds) == (3_000_000, 7)


def test_seconds_follow_the_clips_own_frame_times(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8]
) -> None:
    data = encode_clip(wandering(astronaut, 12, step_px=0), codec="libx264", fps=1)
    (face,) = analyse_clip("slow.mp4", data, analyzer, ClipLimits()).faces
    assert (face.first_s, face.seen_s) == (0, pytest.approx(11))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_clip_that_stands_turned_is_turned_as_photos_are(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8], quarters: int
) -> None:
    frames = [np.ascontiguousarray(np.rot90(f, quarters)) for f in wandering(astronaut, 40)]
    result = analyse_clip(
        "turned.mp4", encode_clip(frames, codec="libx264"), analyzer, ClipLimits()
    )
    assert [face.most_seen for face in result.faces] == ["happy"]
    assert result.faces[0].seen_s == pytest.approx(39 / 30, abs=0.05)
    assert result.key_frame_rgb is not None
    assert result.key_frame_rgb.shape == (480, 640, 3)
    assert "it was turned for the analysis" in result.notes[0]


def test_a_cut_clip_is_analysed_as_far_as_it_goes(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8]
) -> None:
    data = encode_clip(wandering(astronaut, 90), fmt="matroska", codec="libx264")
    result = analyse_clip("cut.mkv", data[: len(data) * 6 // 10], analyzer, ClipLimits())
    assert len(result.faces) == 1
    assert re.fullmatch(r"The video ends after 1\.\d of 3\.0 s; .*", result.notes[0])


def test_rows_are_thinned_with_a_word_and_all_of_them_can_be_had(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode_clip(wandering(astronaut, 45), codec="libx264")
    whole = analyse_clip("walk.mp4", data, analyzer, ClipLimits(), every_frame=True)
    assert len(whole.rows) == 44  # a face gets its number at second sight
    assert whole.notes == ()
    monkeypatch.setattr(clips, "MAX_ALL_ROWS", 20)
    thinned = analyse_clip("walk.mp4", data, analyzer, ClipLimits(), every_frame=True)
    assert len(thinned.rows) <= 20
    assert "Only one row every 0.1 s is kept" in thinned.notes[0]
    assert {row.every_s for row in thinned.rows} == {thinned.rows[0].every_s}
    assert thinned.faces[0].seen_s == whole.faces[0].seen_s


@pytest.mark.slow
def test_memory_is_flat_whatever_the_length(
    analyzer: StreamAnalyzer, astronaut: NDArray[np.uint8]
) -> None:
    """Ten minutes, and eight clips in one process: what is held by us and by decoders."""
    small = wandering(astronaut, 60)
    large = [np.asarray(Image.fromarray(frame).resize((1920, 1080))) for frame in small]
    long = encode_clip(itertools.islice(itertools.cycle(large), 6000), fps=10)
    limits, here = ClipLimits(max_seconds=700, max_bytes=10**9), psutil.Process()
    peak = 0

    def look(*_: float) -> None:
        nonlocal peak
        ours = [here, *here.children()]
        peak = max(peak, sum(process.memory_info().rss for process in ours))

    assert analyse_clip("long.mp4", long, analyzer, limits, look).n_frames == 6000
    for _ in range(8):
        analyse_clip("clip.mp4", encode_clip(small), analyzer, limits, look)
    # Besides the pictures this test made, and the clip itself, here and in the decoder's process.
    made = sum(frame.nbytes for frame in (*small, *large)) + 2 * len(long)
    assert peak - made < 500_000_000
