"""The camera in the browser: shown, sent to the server, boxes drawn over it (camera.js)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import streamlit as st

_KEY: Final = "live_camera"
_FILES: Final = Path(__file__).parent
_HTML: Final = (
    '<div class="camera"><video autoplay muted playsinline '
    'aria-label="Your camera, with a box around each face"></video>'
    '<div class="boxes" aria-hidden="true"></div>'
    '<select aria-label="Camera" hidden></select></div>'
)

_mount: Any = st.components.v2.component(
    "mien_camera",
    html=_HTML,
    css=(_FILES / "camera.css").read_text(encoding="utf-8"),
    js=(_FILES / "camera.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Told:
    """What the browser says of one attempt.

    Attributes:
        attempt: which one.
        status: "offer", "label", "lost", "unsupported" or the name of an error of getUserMedia.
        sdp: of an offer.
        steps_ms: step -> milliseconds from the attempt's beginning.
    """

    attempt: int
    status: str
    sdp: str = ""
    steps_ms: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(message: object) -> "Told | None":
        """A message as it came; None for what is none of ours."""
        if not isinstance(message, Mapping):
            return None
        attempt, status = message.get("attempt"), message.get("status")
        sdp, steps = message.get("sdp", ""), message.get("steps_ms", {})
        if not (isinstance(attempt, int) and isinstance(status, str) and isinstance(sdp, str)):
            return None
        known = steps.items() if isinstance(steps, Mapping) else ()
        steps_ms = {str(k)[:20]: v for k, v in list(known)[:10] if isinstance(v, int)}
        return Told(attempt, status[:40], sdp, steps_ms)


def camera(
    on_told: Callable[[Told], None],
    *,
    attempt: int,
    answer: str,
    mirror: bool,
    ice_servers: Sequence[Mapping[str, Any]],
) -> None:
    """Render the camera; it is on while `attempt` is above 0.

    Args:
        on_told: called with what the browser says, before the run that follows.
        attempt: another number begins anew; 0 turns the camera off.
        answer: the server's answer to this attempt's offer, "" while there is none.
        mirror: whether to show the picture as in a mirror.
        ice_servers: WebRTC's `iceServers`.
    """

    def heard() -> None:
        told = Told.of(st.session_state[_KEY].get("told"))
        if told is not None:
            on_told(told)

    data = {
        "attempt": attempt,
        "answer": answer,
        "mirror": mirror,
        "ice_servers": [dict(server) for server in ice_servers],
    }
    _mount(key=_KEY, data=data, on_told_change=heard)
