"""The live video of one Streamlit session: what was pressed, what runs, how it ends."""

import threading
import time
import uuid
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from core.stream import RAW, SmoothingRules, StreamAnalyzer, StreamRules
from services.analysis.clips import stream_analyzer
from services.analysis.in_passing import LiveRecord
from services.analysis.live import LiveSession, LiveSlots
from services.store import StoreError
from ui.consent.session import of_session
from ui.shared.resources import classifier, detector, settings
from ui.webcam.state import Connection
from ui.webcam.webrtc import LiveProcessor, give_memory_back, hang_up

_PANEL = "live_panel"
# Streamlit forgets a widget's state when another page is shown; so its absence tells that the
# person comes from there.
_HERE = "live_smooth"


@st.cache_resource(show_spinner=False)
def slots() -> LiveSlots:
    """The places for live videos of this process."""
    return LiveSlots(settings().max_live_streams)


@dataclass(eq=False)
class LivePanel:
    """State of one person's live video; only Streamlit's threads touch it.

    Attributes:
        user: random name of this session at `slots()`.
        wanted: Start was pressed and not Stop.
        waiting: Start was pressed but all places were taken.
        hanging_up: Stop was pressed, the browser has not yet confirmed.
        attempt: counts presses of Start; each asks for the camera once.
        problem: why the video could not be begun, in one sentence; empty where it could.
        was_live: this attempt has had a picture.
        refusal: why there was no camera, until Start is pressed again.
    """

    user: str = field(default_factory=lambda: uuid.uuid4().hex)
    wanted: bool = False
    waiting: bool = False
    hanging_up: bool = False
    attempt: int = 0
    was_live: bool = False
    started_s: float = 0.0
    refusal: Connection | None = None
    problem: str = ""
    analyzer: StreamAnalyzer | None = None
    session: LiveSession | None = None
    processor: LiveProcessor | None = None
    record: LiveRecord | None = None
    about: dict[str, str] = field(default_factory=dict)

    @property
    def waited_s(self) -> float:
        """Seconds since Start."""
        return time.monotonic() - self.started_s

    @property
    def has_frames(self) -> bool:
        """Whether a frame of this attempt was analysed."""
        return self.session is not None and self.session.view(since_s=0.1).frame is not None

    def start(self, model_id: str, detector_name: str) -> None:
        """Take a place and begin; where none is free, wait for one."""
        self.refusal, self.was_live, self.problem = None, False, ""
        if not slots().hold(self.user):
            self.waiting = True
            return
        try:
            self.record = LiveRecord(*of_session(), model_id=model_id)
        except StoreError as error:
            self.problem, self.waiting = str(error), False
            slots().release(self.user)
            return
        self.waiting, self.wanted, self.hanging_up = False, True, False
        self.attempt += 1
        self.started_s = time.monotonic()
        user, places = self.user, slots()
        self.analyzer = stream_analyzer(detector(detector_name), classifier(model_id), settings())
        session = LiveSession(self.analyzer, on_frame=lambda: _keep(places, user))
        log_end = partial(_log_end, session, self.record)

        def ended() -> None:
            session.close()
            places.release(user)
            # The store may keep it waiting, and this thread delivers other people's frames.
            threading.Thread(target=log_end, name="mien-live-end").start()
            give_memory_back()

        self.session, self.processor = session, LiveProcessor(session, ended)
        self.about = {"model": model_id, "detector": detector_name}

    def stop(self, refusal: Connection | None = None) -> None:
        """End the video, or the wait for it. The session stays for its summary."""
        self.hanging_up = self.hanging_up or self.wanted
        self.wanted = self.waiting = False
        self.refusal = refusal
        if self.session is not None:
            self.session.close()
            if self.record is not None:
                _log_end(self.session, self.record)
        slots().release(self.user)
        # Another name, so that the late end of this video frees no place of the next one.
        self.user = uuid.uuid4().hex

    def forget(self) -> None:
        """Drop the ended session and its summary."""
        if not self.wanted:
            self.session = self.processor = self.analyzer = None
            self.was_live = False

    def set_options(self, *, smooth: bool, mirror: bool) -> None:
        """Apply at once, also to a running video."""
        if self.analyzer is not None:
            rules = SmoothingRules() if smooth else RAW
            self.analyzer.rules = StreamRules(smoothing=rules)
        if self.processor is not None:
            self.processor.mirror = mirror


def _keep(places: LiveSlots, user: str) -> None:
    places.hold(user)


def _log_end(session: LiveSession, record: LiveRecord) -> None:
    n_analysed = session.view(since_s=0.1).figures.n_analysed
    record.end(frames=n_analysed, faces=len(session.summaries()))


def panel() -> LivePanel:
    """The panel of this session; a video left behind by changing the page has ended."""
    mine: LivePanel = st.session_state.setdefault(_PANEL, LivePanel())
    if _HERE not in st.session_state and (mine.wanted or mine.waiting or mine.hanging_up):
        _leave(mine)
    return mine


def end_live() -> None:
    """Stop whatever runs, for the other ways of this page."""
    mine = st.session_state.get(_PANEL)
    if mine is not None and (mine.wanted or mine.waiting or mine.hanging_up):
        _leave(mine)


def forget_live() -> None:
    """End whatever runs and drop what it left, as when the consent was taken back."""
    end_live()
    st.session_state.pop(_PANEL, None)


def _leave(mine: LivePanel) -> None:
    mine.stop()
    mine.hanging_up = False
    hang_up()
