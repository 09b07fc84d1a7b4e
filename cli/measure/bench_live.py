"""`mien bench --live`: the live pipeline fed like a webcam feeds it, from a file made here."""

import asyncio
import inspect
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
    from services.analysis.live import LiveSession


def bench_live(*, as_json: bool = False, seconds: float = 20.0) -> None:
    """Print how fast live video runs on this machine: 640 x 480, one face, 30 frames a second.

    The sample portrait moves about in an H.264 file, which a WebRTC peer in this process sends
    at a webcam's pace, as a browser would; both ends take their share of the processor. Prints

    - fps: frames analysed a second; the source gives 30, so this cannot be more,
    - latency_ms_p50, latency_ms_p95: from a frame's arrival to its result,
    - dropped: frames that nobody looked at because a newer one had come,
    - start_ms: when each step of the start was reached: offer, answer, ICE (both ends have met),
      first frame, first label. A browser asks for permission before; the page's JSON says how
      long that and every other step took there (`start_steps_ms`),
    - capacity_fps: the same work without waiting for the source, decoding and drawing included.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "walk.mp4"
        write_clip(clip)
        measured = {**asyncio.run(_through_webrtc(clip, seconds)), **_unpaced(clip, seconds / 2)}
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


async def _through_webrtc(file: Path, seconds: float) -> dict[str, Any]:
    """Through WebRTC on this machine, a peer of ours in the place of the browser."""
    from aiortc import RTCPeerConnection

    from services.analysis.live import LiveSession
    from services.analysis.live_frames import FrameProcessor

    analyzer, started_s = _analyzer(), time.monotonic()
    session = LiveSession(analyzer)
    processor: Any = FrameProcessor(session, lambda: None)
    server, browser = _server_of(processor), RTCPeerConnection()
    video = _camera(file)
    reached_s = await _connect(browser, video, server)
    while session.latest is None:
        if browser.connectionState == "connected":
            reached_s.setdefault("ICE", time.monotonic())
        await asyncio.sleep(0.005)
    reached_s |= session.reached_s
    await asyncio.sleep(1)  # first calls plan memory
    figures = await _measured(session, seconds)
    session.close()
    await browser.close()
    video.stop()
    server.stop()
    return {
        **figures,
        "source_fps": SOURCE_FPS,
        "start_ms": {
            step: round(1000 * (at_s - started_s))
            for step, at_s in sorted(reached_s.items(), key=lambda item: item[1])
        },
        "detect_every": analyzer.costs.detect_every(analyzer.rules.cadence),
        "model": analyzer.classifier.card.id,
        "detector": analyzer.detector.name,
    }


def _camera(file: Path) -> Any:
    """A track that gives the clip's frames over and over, at a webcam's pace."""
    from aiortc import VideoStreamTrack
    from av import VideoFrame

    frames = frames_of(file)

    class Camera(VideoStreamTrack):
        async def recv(self) -> VideoFrame:
            pts, time_base = await self.next_timestamp()
            frame = VideoFrame.from_ndarray(next(frames), format="rgb24")
            frame.pts, frame.time_base = pts, time_base
            return frame

    return Camera()


async def _connect(browser: Any, video: Any, server: Any) -> dict[str, float]:
    """Offer and answer, and when they were there; the picture that comes back is thrown away."""
    from aiortc import RTCSessionDescription
    from aiortc.contrib.media import MediaBlackhole

    shown = MediaBlackhole()
    browser.on("track", shown.addTrack)
    browser.addTrack(video)
    await browser.setLocalDescription(await browser.createOffer())
    reached_s = {"offer": time.monotonic()}
    offer = browser.localDescription
    answer = await asyncio.to_thread(server.process_offer, offer.sdp, offer.type, 10)
    reached_s["answer"] = time.monotonic()
    await browser.setRemoteDescription(RTCSessionDescription(answer.sdp, answer.type))
    await shown.start()
    return reached_s


async def _measured(session: "LiveSession", seconds: float) -> dict[str, Any]:
    """Frames a second, latency and frames dropped while `seconds` pass."""
    import numpy as np

    before, started = session.view().figures, time.monotonic()
    await asyncio.sleep(seconds)
    elapsed_s = time.monotonic() - started
    after = session.view().figures
    p50, p95 = np.percentile(session.latencies_ms(), (50, 95)).tolist()
    return {
        "fps": round((after.n_analysed - before.n_analysed) / elapsed_s, 1),
        "latency_ms_p50": round(p50, 2),
        "latency_ms_p95": round(p95, 2),
        "dropped": after.n_dropped - before.n_dropped,
        "frames": after.n_frames - before.n_frames,
    }


def _server_of(processor: Any) -> Any:
    """The page's end of the connection, as streamlit-webrtc makes it, in the loop that runs."""
    from aiortc import RTCConfiguration
    from aiortc.contrib.media import MediaRelay
    from streamlit_webrtc.webrtc import WebRtcMode, WebRtcWorker

    worker: Any = WebRtcWorker
    options = dict.fromkeys(inspect.signature(worker).parameters) | {
        "mode": WebRtcMode.SENDRECV,
        "rtc_configuration": RTCConfiguration(iceServers=[]),  # else others' servers are asked
        "video_processor_factory": lambda: processor,
        "async_processing": True,
        "sendback_video": True,
        "loop": asyncio.get_running_loop(),  # there is no server of Streamlit's to look for one
        "relay": MediaRelay(),
    }
    return worker(**options)


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
