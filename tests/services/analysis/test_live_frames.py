"""Frames of a browser and back: the latest boxes at once, a real worker, offers of strangers."""

import asyncio
import time
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection

from core.stream.frames import StreamFrame, TrackedFace
from core.types import Box
from services.analysis import live_frames
from services.analysis.live import LiveSession
from services.analysis.live_frames import FrameProcessor, OfferRefusedError, check_offer
from tests.services.analysis.test_live import FakeAnalyzer, wait_until


class HalfFace(FakeAnalyzer):
    """Finds one face in the left upper quarter."""

    def process(self, image_rgb: Any, t_s: float) -> StreamFrame:
        super().process(image_rgb, t_s)
        height, width = image_rgb.shape[:2]
        face = TrackedFace(1, Box(0, 0, width / 2, height / 2), None)
        return StreamFrame(self.n_calls, t_s, (width, height), (face,), True, {})


def frame(width: int = 320, height: int = 240) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), "rgb24")


def back(processor: FrameProcessor, *frames: av.VideoFrame) -> Any:
    (shown,) = asyncio.run(processor.recv_queued(list(frames)))
    return shown.to_ndarray(format="rgb24")


def test_a_slow_analysis_never_holds_the_picture_up() -> None:
    session = LiveSession(HalfFace(0.5))
    processor = FrameProcessor(session, lambda: None)
    took_s = []
    for _ in range(20):
        started = time.monotonic()
        shown = back(processor, frame())
        took_s.append(time.monotonic() - started)
    assert float(np.median(took_s)) < 0.1
    assert abs(int(shown[200, 300].mean()) - 90) < 4
    # Once there is a result its boxes are in every picture that goes back.
    assert wait_until(lambda: session.latest is not None)
    assert (np.abs(back(processor, frame()).astype(int) - 90) > 60).any()
    session.close()


def test_frames_that_waited_too_long_are_dropped_and_counted() -> None:
    session = LiveSession(HalfFace())
    back(FrameProcessor(session, lambda: None), frame(), frame(), frame())
    assert wait_until(lambda: session.latest is not None)
    figures = session.view().figures
    session.close()
    assert (figures.n_frames, figures.n_dropped) == (3, 2)


def test_boxes_of_another_size_are_not_drawn() -> None:
    session = LiveSession(HalfFace())
    processor = FrameProcessor(session, lambda: None)
    back(processor, frame())
    assert wait_until(lambda: session.latest is not None)
    session.close()  # what comes now is not looked at
    turned = back(processor, frame(240, 320))
    assert np.abs(turned.astype(int) - 90).max() < 6


def test_too_large_pictures_end_the_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_frames, "MAX_FRAME_PIXELS", 300 * 200)
    analyzer = HalfFace()
    session = LiveSession(analyzer)
    assert asyncio.run(FrameProcessor(session, lambda: None).recv_queued([frame()])) == []
    session.offer(lambda: np.zeros((2, 2, 3), np.uint8))
    assert analyzer.n_calls == 0


def offer_of(*kinds: str, direction: str = "sendrecv") -> str:
    async def make() -> str:
        connection = RTCPeerConnection()
        for kind in kinds:
            if kind == "data":
                connection.createDataChannel("x")
            else:
                connection.addTransceiver(kind, direction)
        await connection.setLocalDescription(await connection.createOffer())
        sdp = str(connection.localDescription.sdp)
        await connection.close()
        return sdp

    return asyncio.run(make())


def test_an_offer_sends_one_video_and_nothing_else() -> None:
    """What nobody reads of a further track would stay in memory for as long as it is sent."""
    check_offer(offer_of("video"))
    for strange in (
        offer_of("video", "video"), offer_of("video", "audio"), offer_of("audio"),
        offer_of("video", "data"), offer_of("video", direction="recvonly"), "", "m=",
    ):  # fmt: skip
        with pytest.raises(OfferRefusedError):
            check_offer(strange)


def test_an_offer_that_scans_a_network_or_fills_memory_is_refused() -> None:
    good = offer_of("video")
    line = "a=candidate:1 1 udp 1 10.0.0.{} 80 typ host\r\n"
    with pytest.raises(OfferRefusedError):
        check_offer(good + "".join(line.format(i) for i in range(200)))
    with pytest.raises(OfferRefusedError):
        check_offer(good + "a=x:" + "y" * 40_000)
