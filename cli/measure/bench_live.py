"""`mien bench --live`: the live pipeline fed like a webcam feeds it, from a file made here."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.bench_material import SOURCE_FPS, cpu_name, write_clip

if TYPE_CHECKING:
    from core.stream import StreamAnalyzer
    from core.types import ImageRGB


def bench_live(*, as_json: bool = False, seconds: float = 20.0) -> None:
    """Print how fast live video runs on this machine: 640 x 480, one face, 30 frames a second.

    Frames are decoded from an H.264 file with the sample portrait moving about, handed to the
    live session at a webcam's pace as the browser's frames are, and drawn. Prints

    - fps: frames analysed a second; the source gives 30, so this cannot be more,
    - latency_ms_p50, latency_ms_p95: from a frame's arrival to its result,
    - dropped: frames that nobody looked at because a newer one had come,
    - capacity_fps: the same work without waiting for the source, decoding and drawing included.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "walk.mp4"
        write_clip(clip)
        measured = {**_paced(clip, seconds), **_unpaced(clip, seconds / 2)}
    measured["machine"] = cpu_name()
    if as_json:
        sys.stdout.write(json.dumps(measured) + "\n")
        return
    for name, value in measured.items():
        sys.stdout.write(f"{name:>16}  {value}\n")


def frames_of(file: Path) -> Iterator["ImageRGB"]:
    """The clip's frames, over and over."""
    from core.pictures.video import Clip

    while True:
        with Clip(file) as clip:
            for frame in clip.frames():
                yield frame.image_rgb


def _analyzer() -> "StreamAnalyzer":
    from core.config import load_settings
    from core.detection import create_detector
    from core.expression.classify import EmotionClassifier
    from services.analysis.clips import stream_analyzer

    settings = load_settings()
    return stream_analyzer(
        create_detector(settings.default_detector, settings.models_dir),
        EmotionClassifier.load(settings.default_model, settings.models_dir),
        settings,
    )


def _paced(file: Path, seconds: float) -> dict[str, Any]:
    """Through a live session, at the pace of a webcam."""
    import numpy as np

    from core.drawing.video import draw_faces
    from services.analysis.live import LiveSession

    analyzer = _analyzer()
    session = LiveSession(analyzer)
    frames = frames_of(file)
    for _ in range(SOURCE_FPS):  # warm-up: first calls plan memory
        session.exchange(next(frames))
    before = session.view().figures
    n_frames, started = round(seconds * SOURCE_FPS), time.monotonic()
    for i in range(n_frames):
        time.sleep(max(0.0, started + i / SOURCE_FPS - time.monotonic()))
        image_rgb = next(frames)
        result = session.exchange(image_rgb)
        if result is not None:
            draw_faces(image_rgb.copy(), result.faces)
    elapsed_s = time.monotonic() - started
    after, latencies_ms = session.view().figures, session.latencies_ms()
    session.pause()
    p50, p95 = np.percentile(latencies_ms, (50, 95)).tolist()
    return {
        "fps": round((after.n_analysed - before.n_analysed) / elapsed_s, 1),
        "latency_ms_p50": round(p50, 2),
        "latency_ms_p95": round(p95, 2),
        "dropped": after.n_dropped - before.n_dropped,
        "frames": n_frames,
        "source_fps": SOURCE_FPS,
        "detect_every": analyzer.costs.detect_every(analyzer.rules.cadence),
        "model": analyzer.classifier.card.id,
        "detector": analyzer.detector.name,
    }


def _unpaced(file: Path, seconds: float) -> dict[str, Any]:
    """As fast as it goes, one frame after another, with the timestamps of 30 frames a second."""
    from core.drawing.video import draw_faces

    analyzer, frames = _analyzer(), frames_of(file)
    for i in range(SOURCE_FPS):
        analyzer.process(next(frames), i / SOURCE_FPS)
    n_frames, started = 0, time.monotonic()
    while time.monotonic() - started < seconds:
        image_rgb = next(frames)
        result = analyzer.process(image_rgb, (SOURCE_FPS + n_frames) / SOURCE_FPS)
        draw_faces(image_rgb, result.faces)
        n_frames += 1
    return {"capacity_fps": round(n_frames / (time.monotonic() - started), 1)}
