"""How a live video stands and what it says then: one state machine, as a table."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# After so long without a picture the snapshot is suggested.
PATIENCE_S: Final = 10.0
# After so long without one the place goes to somebody else.
GIVE_UP_S: Final = 60.0
# Fewer labels a second than this, and the page says what helps.
SLOW_FPS: Final = 5.0


class State(StrEnum):
    """Where a live video stands; a good one passes through the first ones in their order."""

    OFF = "off"
    QUEUED = "queued"
    ASKING = "asking"
    CONNECTING = "connecting"
    LIVE = "live"
    ENDED = "ended"
    BLOCKED = "blocked"
    UNRECORDED = "unrecorded"
    DENIED = "denied"
    NO_CAMERA = "no camera"
    BUSY = "busy"
    UNSUPPORTED = "unsupported"

    @property
    def runs(self) -> bool:
        """Whether the camera is, or may soon be, on."""
        return self in (State.ASKING, State.CONNECTING, State.LIVE, State.BLOCKED)

    @property
    def is_refusal(self) -> bool:
        """Whether there is no camera to be had, so that trying on is of no use."""
        return self in (State.DENIED, State.NO_CAMERA, State.BUSY, State.UNSUPPORTED)


class Event(StrEnum):
    """What may happen to a live video."""

    START = "start"
    NO_PLACE = "no place"
    UNRECORDED = "unrecorded"
    GRANTED = "granted"
    PICTURE = "picture"
    PATIENCE_OVER = "patience over"
    LOST = "lost"
    STOP = "stop"
    DENIED = "denied"
    NO_CAMERA = "no camera"
    BUSY = "busy"
    UNSUPPORTED = "unsupported"


_OPEN: Final = (State.ASKING, State.CONNECTING, State.BLOCKED)
_STILL: Final = tuple(state for state in State if not state.runs)
# Event -> states in which it means something -> the state after it.
_AFTER: Final[dict[Event, dict[State, State]]] = {
    Event.START: dict.fromkeys(_STILL, State.ASKING),
    Event.NO_PLACE: dict.fromkeys(_STILL, State.QUEUED),
    Event.UNRECORDED: dict.fromkeys(_STILL, State.UNRECORDED),
    Event.GRANTED: {State.ASKING: State.CONNECTING},
    Event.PICTURE: dict.fromkeys((State.CONNECTING, State.BLOCKED), State.LIVE),
    Event.PATIENCE_OVER: {State.CONNECTING: State.BLOCKED},
    Event.LOST: {
        State.LIVE: State.ENDED,
    },
    Event.STOP: {
        **dict.fromkeys((*_OPEN, State.QUEUED), State.OFF),
        State.LIVE: State.ENDED,
    },
    Event.DENIED: {State.ASKING: State.DENIED},
    Event.NO_CAMERA: {State.ASKING: State.NO_CAMERA},
    Event.BUSY: {State.ASKING: State.BUSY},
    Event.UNSUPPORTED: {State.ASKING: State.UNSUPPORTED},
}

# What browsers call it (W3C Media Capture and Streams, getUserMedia) -> what it means here.
_ERRORS: Final[dict[str, Event]] = {
    "NotAllowedError": Event.DENIED,
    "SecurityError": Event.DENIED,
    "NotFoundError": Event.NO_CAMERA,
    "OverconstrainedError": Event.NO_CAMERA,
    "NotReadableError": Event.BUSY,
    "AbortError": Event.BUSY,
    "InvalidStateError": Event.BUSY,
}


def after(state: State, event: Event) -> State:
    """The state that follows; an event that means nothing now changes nothing.

    Examples:
        >>> after(State.ASKING, Event.DENIED).value
        'denied'
        >>> after(State.LIVE, Event.GRANTED).value
        'live'
    """
    return _AFTER[event].get(state, state)


def event_of(status: str) -> Event | None:
    """What a browser's answer to the request for a camera means; None while there is none."""
    if status in ("", "granted"):
        return Event.GRANTED if status else None
    return _ERRORS.get(status, Event.UNSUPPORTED)


@dataclass(frozen=True)
class Words:
    """How a state is told: kind of box, icon, one or two sentences."""

    kind: str
    icon: str
    text: str


_RETRY: Final = "and press Start again."
WORDS: Final[dict[State, Words]] = {
    State.OFF: Words("info", "videocam", "The camera is off. Nothing is sent."),
    State.QUEUED: Words(
        "info", "hourglass", "All places for live video are taken just now. Yours starts by "
        "itself as soon as one is free; you can leave this page open.",
    ),
    State.ASKING: Words("info", "front_hand", "Please allow the camera in your browser."),
    State.CONNECTING: Words("info", "sync", "Connecting …"),
    State.LIVE: Words("success", "sensors", "Live. Nothing is kept."),
    State.ENDED: Words("info", "videocam_off", "The camera is off; the video has ended."),
    State.BLOCKED: Words(
        "warning", "wifi_off",
        "No picture yet: it looks as if your network blocks live video (WebRTC).",
    ),
    State.UNRECORDED: Words("error", "database_off", ""),
    State.DENIED: Words(
        "error", "block", "The camera was denied. To change that, click the camera or lock sign "
        f"in the address bar, allow the camera for this page, {_RETRY}",
    ),
    State.NO_CAMERA: Words("error", "videocam_off", f"No camera was found. Connect one {_RETRY}"),
    State.BUSY: Words(
        "error", "lock", "The camera is in use by another program or cannot be started. Close "
        f"the other program {_RETRY}",
    ),
    State.UNSUPPORTED: Words(
        "error", "no_photography", "This browser gives no camera to this page. It needs a "
        "current browser and an address that begins with https:// or is this very computer.",
    ),
}  # fmt: skip


def suggests_snapshot(state: State, waited_s: float) -> bool:
    """Whether to offer the snapshot by name beside the state.

    Where a browser gives this page no camera, the snapshot gets none either.
    """
    if state in (State.BLOCKED, State.QUEUED):
        return True
    return state in (State.ASKING, State.CONNECTING) and waited_s > PATIENCE_S


def slow_words(fps: float, arriving_fps: float) -> str:
    """What helps where labels come too seldom; "" where they come often enough."""
    if fps >= SLOW_FPS:
        return ""
    if arriving_fps < 2 * SLOW_FPS:
        return "Slow connection: few pictures arrive. A snapshot or a video file works better."
    return "This server is busy, so labels come late. A snapshot or a video file works better."
