"""The server's end of a live video: real WebRTC between two peers of one process, and attacks."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from numpy.typing import NDArray

from core.stream.frames import StreamFrame, TrackedFace
from core.types import Box
from services.analysis import webrtc
from services.analysis.live import LiveSession
from services.analysis.webrtc import OfferRefusedError, Peer, check_offer, pixels

RGB = NDArray[np.uint8]


class Film(VideoStreamTrack):
    """Grey pictures of one size."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        super().__init__()
        self.size_wh, self.n_sent = size_wh, 0

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        width, height = self.size_wh
        frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), "rgb24")
        frame.pts, frame.time_base = pts, Fraction(time_base)
        self.n_sent += 1
        return frame


class Analyzer:
    """Finds one face in the left upper quarter."""

    def __init__(self) -> None:
        self.sizes_wh: list[tuple[int, int]] = []

    def process(self, image_rgb: RGB, t_s: float) -> StreamFrame:
        height, width = image_rgb.shape[:2]
        self.sizes_wh.append((width, height))
        face = TrackedFace(1, Box(0, 0, width / 2, height / 2), None)
        return StreamFrame(len(self.sizes_wh), t_s, (width, height), (face,), True, {})


@asynccontextmanager
async def called(
    size_wh: tuple[int, int] = (320, 240), **options: Any
) -> AsyncIterator[tuple[Peer, Analyzer, RTCPeerConnection, list[Any]]]:
    """A browser that has called a peer, and the labels that it hears."""
    analyzer, heard = Analyzer(), []
    session = LiveSession(analyzer)
    peer, browser = Peer(session, **options), RTCPeerConnection()
    channel = browser.createDataChannel("labels", ordered=False, maxRetransmits=0)
    channel.on("message", lambda text: heard.append(json.loads(text)))
    browser.addTrack(Film(size_wh))
    try:
        await browser.setLocalDescription(await browser.createOffer())
        answer = await asyncio.to_thread(peer.answer, browser.localDescription.sdp)
        await browser.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        yield peer, analyzer, browser, heard
    finally:
        peer.close()
        await browser.close()
        session.close()


async def until(condition: Callable[[], object], timeout_s: float = 60.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


def test_frames_come_in_and_labels_go_back() -> None:
    async def run() -> None:
        async with called() as (peer, analyzer, _, heard):
            assert await until(lambda: len(heard) >= 3)
            assert analyzer.sizes_wh[0] == (320, 240)
            assert heard[-1] == {
                "faces": [{"box": [0.0, 0.0, 0.5, 0.5], "text": "1 too small",
                           "colour": "#DDDDDD", "ink": "#000000"}]
            }  # fmt: skip
            steps = [peer.reached_s[name] for name in ("connected", "frame", "label")]
            assert steps == sorted(steps)

    asyncio.run(run())


def test_either_side_may_hang_up_and_nothing_of_it_stays() -> None:
    async def run(by_browser: bool) -> None:
        ends: list[str] = []
        async with called(on_end=lambda: ends.append(threading.current_thread().name)) as (
            peer, _, browser, heard,
        ):  # fmt: skip
            assert await until(lambda: heard)
            await browser.close() if by_browser else peer.close()
            assert await until(lambda: peer.ended)
            assert await until(lambda: ends == ["mien-live-end"])
            assert peer not in webrtc._open_peers
        await asyncio.sleep(0.2)
        assert ends == ["mien-live-end"]

    for by_browser in (True, False):
        asyncio.run(run(by_browser))
    decoders = [t for t in threading.enumerate() if t.name == "video-decoder"]
    assert not [thread for thread in decoders if thread.is_alive()]


def offer_of(*, video: int = 1, audio: int = 0, data: bool = True) -> str:
    async def make() -> str:
        connection = RTCPeerConnection()
        if data:
            connection.createDataChannel("labels")
        for kind, count in (("video", video), ("audio", audio)):
            for _ in range(count):
                connection.addTransceiver(kind)
        await connection.setLocalDescription(await connection.createOffer())
        sdp = str(connection.localDescription.sdp)
        await connection.close()
        return sdp

    return asyncio.run(make())


def test_an_offer_is_one_video_and_one_channel() -> None:
    """What nobody reads of a further track would stay in memory for as long as it is sent."""
    check_offer(offer_of())
    for strange in (offer_of(video=2), offer_of(audio=1), offer_of(data=False), offer_of(video=0)):
        with pytest.raises(OfferRefusedError):
            check_offer(strange)


def test_an_offer_that_scans_a_network_or_fills_memory_is_refused() -> None:
    good = offer_of()
    line = "a=candidate:1 1 udp 1 10.0.0.{} 80 typ host\r\n"
    with pytest.raises(OfferRefusedError):
        check_offer(good + "".join(line.format(i) for i in range(200)))
    with pytest.raises(OfferRefusedError):
        check_offer(good + "a=x:" + "y" * 40_000)


@pytest.mark.parametrize("broken", ["", "nonsense", "v=0\r\nm=video x\r\nm=application y\r\n"])
def test_nonsense_is_refused_in_words_and_ends_the_video(broken: str) -> None:
    ends: list[int] = []
    peer = Peer(LiveSession(Analyzer()), on_end=lambda: ends.append(1))
    with pytest.raises(OfferRefusedError, match="a snapshot works"):
        peer.answer(broken)
    peer.close()
    assert asyncio.run(until(lambda: ends == [1]))
    assert peer not in webrtc._open_peers


def test_too_large_pictures_end_the_video_and_are_never_analysed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webrtc, "MAX_FRAME_PIXELS", 300 * 200)

    async def run() -> None:
        async with called((320, 240)) as (peer, analyzer, _, _heard):
            assert await until(lambda: peer.ended)
            assert analyzer.sizes_wh == []

    asyncio.run(run())


def test_too_many_pictures_end_the_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "MAX_FPS", 2.0)
    monkeypatch.setattr(webrtc, "_BURST_FRAMES", 5)

    async def run() -> None:
        async with called() as (peer, _, _browser, _heard):
            assert await until(lambda: peer.ended)

    asyncio.run(run())


def test_who_does_not_read_the_labels_fills_nothing() -> None:
    class Channel:
        readyState, bufferedAmount, sent = "open", 0, 0

        def send(self, text: str) -> None:
            self.sent += 1
            self.bufferedAmount += len(text)

    peer = Peer(LiveSession(Analyzer()))
    channel: Any = Channel()
    peer._channel = channel
    for _ in range(1000):
        peer._send_now("x" * 200)
    assert channel.bufferedAmount <= webrtc._MAX_UNSENT_BYTES + 200


def test_large_frames_are_shrunk_when_they_are_read() -> None:
    frame = av.VideoFrame.from_ndarray(np.zeros((1080, 1920, 3), np.uint8), "rgb24")
    assert pixels(frame).shape == (540, 960, 3)
