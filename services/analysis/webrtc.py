"""A browser's camera to a `LiveSession`, and what is seen back to it; over WebRTC, by aiortc.

The browser shows its own picture and draws the boxes that come over a data channel. So the picture
stays smooth however slow the analysis is, and no frame is ever encoded here.

An offer comes from a stranger. It may hold one video and one data channel and nothing else, for
aiortc keeps whatever of a further track nobody reads; and frames are bounded in size and rate.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import av
import numpy as np
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from core.drawing.photo import answer_colour, ink
from core.errors import MienError
from core.expression.answer import short
from core.stream.frames import StreamFrame
from core.types import ImageRGB
from services.analysis.live import LiveSession

logger = logging.getLogger(__name__)

MAX_OFFER_BYTES: Final = 32_000
MAX_CANDIDATES: Final = 24
MAX_FRAME_PIXELS: Final = 1920 * 1080
MAX_FPS: Final = 60.0
# So many may come at once after the machine stood still.
_BURST_FRAMES: Final = 300
_ANALYSED_SIDE_PX: Final = 960
# Labels that wait longer than so many bytes take are old; the next ones say more.
_MAX_UNSENT_BYTES: Final = 16_000
_ANSWER_TIMEOUT_S: Final = 10.0


class OfferRefusedError(MienError):
    """What a browser offers is no plain live video."""


class Peer:
    """The server's end of one live video. All methods may be called from any thread.

    Args:
        session: gets the frames; its results go to the browser.
        ice_servers: WebRTC's `iceServers`; none: same network only.
        on_end: called once, on a thread of its own, when the video has ended from either side.
    """

    def __init__(
        self,
        session: LiveSession,
        *,
        ice_servers: Sequence[Mapping[str, Any]] = (),
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Nothing is connected yet."""
        self._session, self._on_end = session, on_end
        self._ice_servers = [RTCIceServer(**server) for server in ice_servers]
        self._ending = threading.Lock()
        self._ended = False
        self._connection: RTCPeerConnection | None = None
        self._channel: RTCDataChannel | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Seconds of the monotonic clock at which a step was reached, by its name.
        self.reached_s: dict[str, float] = {}
        session.on_result = self._send

    @property
    def ended(self) -> bool:
        """Whether the video is over, or never came to be."""
        return self._ended

    @property
    def connected(self) -> bool:
        """Whether the network let the two ends meet."""
        return "connected" in self.reached_s

    def answer(self, offer_sdp: str) -> str:
        """The answer to a browser's offer, as SDP with all candidates.

        Raises:
            OfferRefusedError: it is not one video and one data channel, or makes no sense.
        """
        check_offer(offer_sdp)
        future = asyncio.run_coroutine_threadsafe(self._answer(offer_sdp), _loop())
        try:
            return future.result(_ANSWER_TIMEOUT_S)
        except Exception as exc:
            # aiortc raises whatever its parser stumbles over.
            future.cancel()
            self.close()
            raise OfferRefusedError(
                "The browser's offer for live video could not be answered; a snapshot works."
            ) from exc

    def close(self) -> None:
        """Hang up; does nothing the second time."""
        if self._connection is not None:
            asyncio.run_coroutine_threadsafe(self._end(), _loop())
        else:
            self._tell_end()

    async def _answer(self, offer_sdp: str) -> str:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=self._ice_servers))
        self._connection = connection
        _open_peers.add(self)

        @connection.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            task = asyncio.ensure_future(self._read(track))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        @connection.on("datachannel")
        def on_channel(channel: RTCDataChannel) -> None:
            self._channel = channel

        @connection.on("connectionstatechange")
        async def on_change() -> None:
            self.reached_s.setdefault(connection.connectionState, time.monotonic())
            if connection.connectionState in ("failed", "closed"):
                await self._end()

        await connection.setRemoteDescription(RTCSessionDescription(offer_sdp, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)

    async def _read(self, track: MediaStreamTrack) -> None:
        """Hand frames over as they come, until there are none; end what is too much."""
        n_frames, since_s = 0, time.monotonic()
        try:
            while True:
                frame = await track.recv()
                if not isinstance(frame, av.VideoFrame):
                    break
                self.reached_s.setdefault("frame", time.monotonic())
                n_frames += 1
                most = MAX_FPS * (time.monotonic() - since_s) + _BURST_FRAMES
                if frame.width * frame.height > MAX_FRAME_PIXELS or n_frames > most:
                    logger.warning("a live video was ended: too large or too fast")
                    break
                self._session.offer(lambda frame=frame: pixels(frame))  # type: ignore[misc]
        except MediaStreamError:
            pass
        await self._end()

    def _send(self, frame: StreamFrame) -> None:
        """Called on the session's thread; the channel belongs to the loop."""
        self.reached_s.setdefault("label", time.monotonic())
        message = json.dumps(labels(frame))
        _loop().call_soon_threadsafe(self._send_now, message)

    def _send_now(self, message: str) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount <= _MAX_UNSENT_BYTES:
            channel.send(message)

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        _open_peers.discard(self)
        if connection is not None:
            await connection.close()
        self._tell_end()

    def _tell_end(self) -> None:
        with self._ending:
            if self._ended:
                return
            self._ended = True
        if self._on_end is not None:
            # The store may keep it waiting, and the loop delivers other people's frames.
            threading.Thread(target=self._on_end, name="mien-live-end").start()


def check_offer(sdp: str) -> None:
    """Raise `OfferRefusedError` unless an offer is one video and one data channel."""
    media = [line.split()[0] for line in sdp.splitlines() if line.startswith("m=")]
    if (
        len(sdp) > MAX_OFFER_BYTES
        or sorted(media) != ["m=application", "m=video"]
        or sdp.count("a=candidate:") > MAX_CANDIDATES
    ):
        raise OfferRefusedError(
            "This browser offers something else than a live video; a snapshot works."
        )


def labels(frame: StreamFrame) -> dict[str, Any]:
    """What a browser draws: boxes in shares of width and height, text, colours."""
    width, height = frame.size_wh
    return {
        "faces": [
            {
                "box": [
                    round(value / side, 4)
                    for value, side in zip(
                        face.box.xyxy, (width, height, width, height), strict=True
                    )
                ],
                "text": f"{face.id} {short(face.answer)}",
                "colour": "#{:02X}{:02X}{:02X}".format(*answer_colour(face.answer)),
                "ink": "#{:02X}{:02X}{:02X}".format(*ink(answer_colour(face.answer))),
            }
            for face in frame.faces
        ]
    }


def pixels(frame: av.VideoFrame) -> ImageRGB:
    """A frame as RGB (height, width, 3), its longer side at most 960 pixels."""
    scale = min(1.0, _ANALYSED_SIDE_PX / max(frame.width, frame.height))
    width, height = max(round(frame.width * scale), 2), max(round(frame.height * scale), 2)
    return np.asarray(frame.to_ndarray(format="rgb24", width=width, height=height), np.uint8)


_open_peers: set[Peer] = set()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all live videos of this process, on a thread of its own."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_note)
    threading.Thread(target=loop.run_forever, name="mien-webrtc", daemon=True).start()
    threading.Thread(target=_close_at_exit, name="mien-webrtc-exit", daemon=True).start()
    return loop


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What aiortc sends to a browser that has just left fails, and is no error of anybody's."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)


def _close_at_exit() -> None:
    """Hang up when the program ends: aiortc's decoders are no daemon threads and would stay."""
    threading.main_thread().join()
    for peer in list(_open_peers):
        peer.close()
