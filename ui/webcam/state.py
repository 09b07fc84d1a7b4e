"""How a live video stands, in words. Pure functions over what browser and server report."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# After so long without a picture the snapshot is suggested.
PATIENCE_S: Final = 10.0


class Connection(StrEnum):
    """States of a live video, in the order in which a good one passes through them."""

    IDLE = "idle"
    ASKING = "asking"
    CONNECTING = "connecting"
    LIVE = "live"
    ENDED = "ended"
    BLOCKED = "blocked"
    DENIED = "denied"
    NO_CAMERA = "no camera"
    BUSY = "busy"
    UNSUPPORTED = "unsupported"

    @property
    def is_refusal(self) -> bool:
        """Whether there is no camera to be had, so that trying on is of no use."""
        return self in _REFUSALS


_REFUSALS: Final = frozenset(
    {Connection.DENIED, Connection.NO_CAMERA, Connection.BUSY, Connection.UNSUPPORTED}
)

# What browsers call it (W3C Media Capture and Streams, getUserMedia) -> what it means here.
_ANSWERS: Final[dict[str, Connection]] = {
    "NotAllowedError": Connection.DENIED,
    "SecurityError": Connection.DENIED,
    "NotFoundError": Connection.NO_CAMERA,
    "OverconstrainedError": Connection.NO_CAMERA,
    "NotReadableError": Connection.BUSY,
    "AbortError": Connection.BUSY,
    "InvalidStateError": Connection.BUSY,
    "TypeError": Connection.UNSUPPORTED,
    "unsupported": Connection.UNSUPPORTED,
}

GRANTED: Final = "granted"


@dataclass(frozen=True)
class Signs:
    """What is known of a live video at one moment.

    Attributes:
        wanted: whether the person has pressed Start and not Stop.
        answer: the browser's answer to the request for a camera, "" while there is none.
        playing: whether WebRTC says that it is connected, or about to be.
        has_frames: whether a picture has arrived.
        was_live: whether there was a picture in an earlier moment.
        waited_s: seconds since Start was pressed.
    """

    wanted: bool
    answer: str
    playing: bool
    has_frames: bool
    was_live: bool
    waited_s: float


def connection(signs: Signs) -> Connection:
    """The state that these signs mean."""
    if not signs.wanted:
        return Connection.ENDED if signs.was_live else Connection.IDLE
    if not signs.answer:
        return Connection.ASKING
    if signs.answer != GRANTED:
        return _ANSWERS.get(signs.answer, Connection.UNSUPPORTED)
    if signs.playing and signs.has_frames:
        return Connection.LIVE
    return Connection.BLOCKED if signs.waited_s > PATIENCE_S else Connection.CONNECTING


def suggests_snapshot(state: Connection, waited_s: float) -> bool:
    """Whether to offer the snapshot by name beside the state."""
    if state.is_refusal or state is Connection.BLOCKED:
        return True
    return state is Connection.ASKING and waited_s > PATIENCE_S


@dataclass(frozen=True)
class Words:
    """How a state is told: kind of box, icon, one or two sentences."""

    kind: str
    icon: str
    text: str


WORDS: Final[dict[Connection, Words]] = {
    Connection.IDLE: Words("info", "videocam", "The camera is off. Nothing is sent."),
    Connection.ASKING: Words(
        "info", "front_hand", "Asking for permission: please allow the camera in your browser."
    ),
    Connection.CONNECTING: Words("info", "sync", "Connecting …"),
    Connection.LIVE: Words("success", "sensors", "Live. Nothing is kept."),
    Connection.ENDED: Words("info", "videocam_off", "The camera is off; the video has ended."),
    Connection.BLOCKED: Words(
        "warning",
        "wifi_off",
        "No picture yet: it looks as if your network blocks live video (WebRTC).",
    ),
    Connection.DENIED: Words(
        "error",
        "block",
        "The camera was denied. To change that, click the camera or lock sign in the address "
        "bar, allow the camera for this page, and press Start again.",
    ),
    Connection.NO_CAMERA: Words(
        "error",
        "videocam_off",
        "No camera was found. Connect one and press Start again.",
    ),
    Connection.BUSY: Words(
        "error",
        "lock",
        "The camera is in use by another program or cannot be started. Close the other program "
        "and press Start again.",
    ),
    Connection.UNSUPPORTED: Words(
        "error",
        "no_photography",
        "This browser gives no camera to this page. It needs a current browser and an address "
        "that begins with https:// or is this very computer.",
    ),
}
