"""The only door to streamlit-webrtc: a browser's camera to a `LiveSession` and back.

Nothing here that runs on WebRTC's threads touches `st.*`.
"""

import ctypes
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import av
import cv2
import numpy as np
import streamlit as st
from streamlit_webrtc import VideoProcessorBase, WebRtcMode, webrtc_streamer
from streamlit_webrtc.component import generate_frontend_component_key
from streamlit_webrtc.relay import get_global_relay
from streamlit_webrtc.webrtc import SignallingTimeoutError

from core.drawing.video import draw_faces
from services.analysis.live import LiveSession

_KEY: Final = "live_video"
_CONSTRAINTS: Final = {
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": 30, "max": 30},
    },
    "audio": False,
}
_VIDEO_ATTRIBUTES: Final = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "playsInline": True,
    "style": {"width": "100%", "borderRadius": "0.6rem", "background": "#11181F"},
}

# Frames are dropped on purpose here; the library would warn of each.
logging.getLogger("streamlit_webrtc.process").setLevel(logging.ERROR)


class LiveProcessor(VideoProcessorBase):
    """Frames of one browser through one `LiveSession`.

    Args:
        session: lock-guarded; the only thing that frames meet.
        on_end: called once the stream has ended, on WebRTC's thread.
    """

    def __init__(self, session: LiveSession, on_end: Callable[[], None]) -> None:
        """Mirror by default, as people know themselves."""
        self.session, self.mirror = session, True
        self._on_end = on_end

    async def recv_queued(self, frames: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """The newest of `frames` with its faces drawn in; the others are dropped."""
        image_rgb = np.asarray(frames[-1].to_ndarray(format="rgb24"), np.uint8)
        if self.mirror:
            image_rgb = np.asarray(cv2.flip(image_rgb, 1), np.uint8)
        result = self.session.exchange(image_rgb, n_skipped=len(frames) - 1)
        canvas = image_rgb.copy()
        height, width = canvas.shape[:2]
        if result is not None and result.size_wh == (width, height):
            draw_faces(canvas, result.faces)
        return [av.VideoFrame.from_ndarray(canvas, format="rgb24")]

    def on_ended(self) -> None:
        """The browser has stopped, left or vanished."""
        self._on_end()


@dataclass(frozen=True)
class Link:
    """What WebRTC says of the connection."""

    playing: bool
    signalling: bool

    @property
    def is_up(self) -> bool:
        """Whether there is a connection or one is being made."""
        return self.playing or self.signalling


def link(processor: LiveProcessor, *, wanted: bool, ice_servers: list[Mapping[str, Any]]) -> Link:
    """Render the video; connect while `wanted`, hang up when not.

    The browser's side tells the server once when it has been mounted, which runs the page again;
    and whenever the page runs while it is told to play but has not begun, it begins once more,
    and the two beginnings break each other. So it is told to play only once it was mounted.
    """
    plays = wanted and st.session_state.get(generate_frontend_component_key(_KEY)) is not None
    if plays:
        _drop_instead_of_queueing()
    _count_no_runs()
    try:
        context = webrtc_streamer(
            key=_KEY,
            mode=WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": [dict(server) for server in ice_servers]},
            media_stream_constraints=_CONSTRAINTS,
            video_processor_factory=lambda: processor,
            video_html_attrs=_VIDEO_ATTRIBUTES,
            desired_playing_state=plays,
            sendback_audio=False,
            async_processing=True,
        )
    except SignallingTimeoutError:
        # The servers for the way through the network did not answer; the page says "blocked".
        return Link(playing=False, signalling=True)
    return Link(context.state.playing, context.state.signalling)


def hang_up() -> None:
    """End this session's connection from here, where the video is not rendered any more.

    Else the server would only notice by the silence of the browser, half a minute later.
    """
    context = st.session_state.get(_KEY)
    worker = None if context is None else context._get_worker()
    if worker is not None:
        worker.stop()
    # What it knows of that connection must not meet the next one.
    st.session_state.pop(_KEY, None)


def give_memory_back() -> None:
    """Return freed memory to the system, where the C library is glibc.

    A video passes 27 MB of pixels a second through a handful of threads, and glibc keeps what
    each of them has freed for that thread alone.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _count_no_runs() -> None:
    """Keep streamlit-webrtc from taking a video for left behind while it is on the page.

    It does so, and cuts the connection, where two runs were counted since it was rendered. A run
    counts once its last message was sent: on a busy machine that is late, and the next run begins
    under the old count. Whoever does leave is hung up on by `hang_up`.
    """
    context = st.session_state.get(_KEY)
    if context is not None:
        context._last_rendered_run_count = None


def _drop_instead_of_queueing() -> None:
    """Make streamlit-webrtc's relay hand on the newest frame only.

    It puts a queue without limit between decoder, processor and encoder: an encoder that cannot
    keep up then sends ever older pictures, and memory grows (aiortc, `MediaRelay.subscribe`,
    `buffered`).
    """
    relay: Any = get_global_relay()
    if getattr(relay, "mien_drops", False):
        return
    subscribe = relay.subscribe

    def newest_only(track: Any, buffered: bool = True) -> Any:
        return subscribe(track, buffered=buffered and track.kind != "video")

    relay.subscribe = newest_only
    relay.mien_drops = True
