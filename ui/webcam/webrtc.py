"""The only door to streamlit-webrtc: a browser's camera to a `FrameProcessor` and back."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st
from streamlit_webrtc import WebRtcMode, component, webrtc_streamer
from streamlit_webrtc.component import generate_frontend_component_key
from streamlit_webrtc.relay import get_global_relay
from streamlit_webrtc.webrtc import SignallingTimeoutError, WebRtcWorker

from services.analysis.live_frames import (
    NO_VIDEO,
    FrameProcessor,
    OfferRefusedError,
    check_offer,
    few_candidates,
)
from ui.runtime.components import make_known

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


@dataclass(frozen=True)
class Link:
    """What WebRTC says of the connection."""

    playing: bool
    signalling: bool

    @property
    def is_up(self) -> bool:
        """Whether there is a connection or one is being made."""
        return self.playing or self.signalling


def link(
    processor: FrameProcessor, *, wanted: bool, ice_servers: Sequence[Mapping[str, Any]]
) -> Link:
    """Render the video; connect while `wanted`, hang up when not.

    The browser's side tells the server once when it has been mounted, which runs the page again;
    and whenever the page runs while it is told to play but has not begun, it begins once more,
    and the two beginnings break each other. So it is told to play only once it was mounted.
    """
    said = st.session_state.get(generate_frontend_component_key(_KEY))
    if not _is_understood(said):
        return Link(playing=False, signalling=False)
    plays = wanted and said is not None
    if plays:
        _drop_instead_of_queueing()
        _look_at_offers()
    _count_no_runs()
    make_known(component._component_func)

    def factory() -> Any:  # it has no base class of the library's
        return processor

    try:
        context = webrtc_streamer(
            key=_KEY,
            mode=WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": [dict(server) for server in ice_servers]},
            media_stream_constraints=_CONSTRAINTS,
            video_processor_factory=factory,
            video_html_attrs=_VIDEO_ATTRIBUTES,
            desired_playing_state=plays,
            sendback_audio=False,
            media_toggle_controls=False,  # an icon without a name under the video
            async_processing=True,
        )
    except SignallingTimeoutError:
        # The servers for the way through the network did not answer; the page says "blocked".
        return Link(playing=False, signalling=True)
    except OfferRefusedError:
        return Link(playing=False, signalling=False)
    return Link(context.state.playing, context.state.signalling)


def hang_up() -> None:
    """End this session's connection from here, where the video is not rendered any more.

    Else the server would only notice by the silence of the browser, half a minute later.
    """
    context = st.session_state.get(_KEY)
    if context is not None:
        # It stays where it is: the browser may still say something of it while it goes.
        component._reset_context(context)


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


def _is_understood(said: object) -> bool:
    """Whether the browser's side says what it says in the library's own way, or nothing yet."""
    if said is None:
        return True
    if not isinstance(said, Mapping):
        return False
    offer = said.get("sdpOffer")
    return offer in (None, "") or (  # "" is what the library's side says before its offer
        isinstance(offer, Mapping)
        and isinstance(offer.get("sdp"), str)
        and isinstance(offer.get("type"), str)
    )


def _look_at_offers() -> None:
    """Let no offer through to WebRTC but one video (`check_offer`), and few ways to the browser.

    What cannot be read is no fault of ours: it is refused as well.
    """
    worker: Any = WebRtcWorker
    if getattr(worker, "mien_looks", False):
        return
    process, take = worker.process_offer, worker.set_ice_candidates_from_offerer

    def checked(self: Any, sdp: str, type_: str, timeout: float | None = None) -> Any:
        check_offer(sdp)
        try:
            return process(self, sdp, type_, timeout)
        except SignallingTimeoutError:
            raise
        except Exception as exc:
            raise OfferRefusedError(NO_VIDEO) from exc

    def few(self: Any, candidates: object) -> None:
        take(self, few_candidates(candidates, self._added_ice_candidate_ids))

    worker.process_offer, worker.set_ice_candidates_from_offerer = checked, few
    worker.mien_looks = True
