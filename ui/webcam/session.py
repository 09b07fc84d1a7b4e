"""What the Webcam page keeps in a session: the live video from Start to its summary, the clip."""

import ctypes
import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import streamlit as st

from core.stream import RAW, SmoothingRules, StreamAnalyzer, StreamRules
from services.analysis.clips import ClipResult, stream_analyzer
from services.analysis.in_passing import LiveRecord
from services.analysis.live import LiveSession, LiveSlots
from services.analysis.webrtc import OfferRefusedError, Peer
from services.store import StoreError
from ui.consent.session import of_session
from ui.shared.resources import classifier, detector, settings
from ui.webcam.camera import Told
from ui.webcam.ice import ice_servers
from ui.webcam.state import GIVE_UP_S, PATIENCE_S, Event, State, after, event_of

_KEY: Final = "webcam"


@st.cache_resource(show_spinner=False)
def slots() -> LiveSlots:
    """The places for live videos of this process."""
    return LiveSlots(settings().max_live_streams)


@dataclass(eq=False)
class LiveVideo:
    """One person's live video; only Streamlit's threads touch it.

    Attributes:
        state: where it stands; changed by `happen` alone.
        problem: why it could not begin or go on, in one sentence.
        user: random name of this attempt at `slots()`.
        attempt: counts presses of Start; each asks for the camera once.
        answer: to the browser's offer, as SDP.
        steps_ms: what the browser says of how long each step of the start took.
        about: model and detector.
    """

    state: State = State.OFF
    problem: str = ""
    user: str = field(default_factory=lambda: uuid.uuid4().hex)
    attempt: int = 0
    answer: str = ""
    started_s: float = 0.0
    steps_ms: dict[str, int] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    analyzer: StreamAnalyzer | None = None
    session: LiveSession | None = None
    peer: Peer | None = None
    record: LiveRecord | None = None

    def happen(self, event: Event) -> None:
        """Let `event` change the state, and end what the new state has no use for."""
        before, self.state = self.state, after(self.state, event)
        if before.runs and not self.state.runs:
            self._hang_up()

    @property
    def waited_s(self) -> float:
        """Seconds since Start."""
        return time.monotonic() - self.started_s

    def start(self, model_id: str, detector_name: str) -> None:
        """Take a place and begin; where none is free, wait for one."""
        self.problem, self.answer, self.steps_ms = "", "", {}
        self.about = {"model": model_id, "detector": detector_name}
        if not slots().hold(self.user):
            self.happen(Event.NO_PLACE)
            return
        try:
            self.record = LiveRecord(*of_session(), model_id=model_id)
        except StoreError as error:
            self.problem = str(error)
            slots().release(self.user)
            self.happen(Event.UNRECORDED)
            return
        self.attempt += 1
        self.started_s = time.monotonic()
        self.analyzer = stream_analyzer(detector(detector_name), classifier(model_id), settings())
        self.session = LiveSession(self.analyzer, on_frame=partial(slots().hold, self.user))
        end = partial(_end, self.session, self.record, slots(), self.user)
        self.peer = Peer(self.session, ice_servers=ice_servers(settings()), on_end=end)
        self.happen(Event.START)

    def hear(self, told: Told) -> None:
        """Take in what the browser says of this attempt."""
        if told.attempt != self.attempt or not self.state.runs:
            return
        self.steps_ms = dict(told.steps_ms)
        event = event_of(told.status)
        if event is Event.OFFER and self.state is State.ASKING and self.peer is not None:
            try:
                self.answer = self.peer.answer(told.sdp)
            except OfferRefusedError as error:
                self.problem = str(error)
                event = Event.STOP
        if event is not None:
            self.happen(event)

    def look(self) -> State:
        """The state, after what has happened by itself since the last look."""
        if not self.state.runs:
            return self.state
        if self.session is not None and self.session.view(since_s=0.1).frame is not None:
            self.happen(Event.PICTURE)
        if self.peer is not None and self.peer.ended:
            self.happen(Event.LOST)
        if self.state is not State.LIVE:
            if self.waited_s > GIVE_UP_S:
                self.stop()
                return self.state
            slots().hold(self.user)
            met = self.peer is not None and self.peer.connected
            if self.waited_s > PATIENCE_S and not met:
                self.happen(Event.PATIENCE_OVER)
        return self.state

    def stop(self) -> None:
        """End the video, or the wait for it. The session stays for its summary."""
        self.happen(Event.STOP)

    def forget(self) -> None:
        """Drop the ended session and its summary."""
        if not self.state.runs:
            self.session = self.peer = self.analyzer = None
            self.state = State.OFF

    def smooth(self, on: bool) -> None:
        """Smooth the scores or not, also of a running video."""
        if self.analyzer is not None:
            self.analyzer.rules = StreamRules(smoothing=SmoothingRules() if on else RAW)

    def _hang_up(self) -> None:
        if self.session is not None:
            self.session.close()
        if self.peer is not None:
            self.peer.close()
        slots().release(self.user)
        # Another name, so that the late end of this video frees no place of the next one.
        self.user = uuid.uuid4().hex


@dataclass(eq=False)
class WebcamSession:
    """Everything that the page remembers between two runs.

    Attributes:
        live: the live video.
        way: which way of the page to show next, "" to leave that to the person.
        clip: what a clip's result depends on, and the result.
    """

    live: LiveVideo = field(default_factory=LiveVideo)
    way: str = ""
    clip: tuple[tuple[Any, ...], ClipResult] | None = None


def webcam_session() -> WebcamSession:
    """The one of this session."""
    found: WebcamSession = st.session_state.setdefault(_KEY, WebcamSession())
    return found


def forget_webcam() -> None:
    """End whatever runs and drop all that was seen, as when the consent was taken back."""
    found: WebcamSession | None = st.session_state.pop(_KEY, None)
    if found is not None:
        found.live.stop()


def _end(session: LiveSession, record: LiveRecord, places: LiveSlots, user: str) -> None:
    session.close()
    places.release(user)
    n_analysed = session.view(since_s=0.1).figures.n_analysed
    record.end(frames=n_analysed, faces=len(session.summaries()))
    give_memory_back()


def give_memory_back() -> None:
    """Return freed memory to the system, where the C library is glibc.

    A video passes 27 MB of pixels a second through a handful of threads, and glibc keeps what
    each of them has freed for that thread alone.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
