"""What the Webcam page keeps in a session: the live video from Start to its summary, the clip."""

import threading
import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from core.stream import RAW, SmoothingRules, StreamAnalyzer, StreamRules
from db.errors import StoreError
from services.analysis.clips import ClipResult, stream_analyzer
from services.analysis.in_passing import LiveRecord
from services.analysis.live import LiveSession, LiveSlots
from services.analysis.live_frames import FrameProcessor
from ui.consent.session import of_session
from ui.runtime import memory
from ui.shared.once import Once
from ui.shared.resources import classifier, detector, settings
from ui.shared.state import forget, remembered
from ui.webcam.state import GIVE_UP_S, PATIENCE_S, Event, State, after, event_of
from ui.webcam.webrtc import hang_up

# The places for live videos of this process.
slots = Once(lambda: LiveSlots(settings().max_live_streams))


@dataclass(eq=False)
class LiveVideo:
    """One person's live video; only Streamlit's threads touch it.

    Attributes:
        state: where it stands; changed by `happen` alone.
        problem: why it could not begin or go on, in one sentence.
        user: random name of this attempt at `slots()`.
        attempt: counts presses of Start; each asks for the camera once.
        reached_s: step of the start -> seconds of the monotonic clock at which it was reached.
        about: model and detector.
    """

    state: State = State.OFF
    problem: str = ""
    user: str = field(default_factory=lambda: uuid.uuid4().hex)
    client: str = ""
    attempt: int = 0
    started_s: float = 0.0
    reached_s: dict[str, float] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    analyzer: StreamAnalyzer | None = None
    session: LiveSession | None = None
    processor: FrameProcessor | None = None
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
        self.problem, self.reached_s = "", {}
        self.about = {"model": model_id, "detector": detector_name}
        self.client = st.context.ip_address or ""
        if not slots().hold(self.user, self.client):
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
        self.session = LiveSession(
            self.analyzer, on_frame=partial(slots().hold, self.user, self.client)
        )
        end = partial(_end, self.session, self.record, slots(), self.user)
        self.processor = FrameProcessor(self.session, end)
        self.happen(Event.START)

    @property
    def steps_ms(self) -> dict[str, int]:
        """Step of the start -> milliseconds after Start at which it was reached."""
        known = {**self.reached_s, **({} if self.session is None else self.session.reached_s)}
        by_time = sorted(known.items(), key=lambda item: item[1])
        return {step: round(1000 * (at_s - self.started_s)) for step, at_s in by_time}

    def hear(self, answer: str, *, connected: bool, down: bool) -> State:
        """Take in what the browser says; the state after it and after what happened by itself.

        `answer` is to the request for the camera, "" while there is none; `connected`, whether
        both ends have met; `down`, whether there is no connection, nor one in the making.
        """
        event = event_of(answer)
        if self.state is State.ASKING and event is not None:
            self.reached_s.setdefault("permission", time.monotonic())
            self.happen(event)
        if connected:
            self.reached_s.setdefault("ICE", time.monotonic())
        state = self.look()
        if down and state is State.LIVE:
            self.happen(Event.LOST)  # hung up from the browser's side
        return self.state

    def look(self) -> State:
        """The state, after what has happened by itself since the last look."""
        if not self.state.runs:
            return self.state
        if self.session is not None and self.session.latest is not None:
            self.happen(Event.PICTURE)
        if self.state is not State.LIVE:
            if self.waited_s > GIVE_UP_S:
                self.stop()
                return self.state
            slots().hold(self.user, self.client)
            if self.waited_s > PATIENCE_S and "ICE" not in self.reached_s:
                self.happen(Event.PATIENCE_OVER)
        return self.state

    def stop(self) -> None:
        """End the video, or the wait for it. The session stays for its summary."""
        self.happen(Event.STOP)

    def forget(self) -> None:
        """Drop the ended session and its summary."""
        if not self.state.runs:
            self.session = self.processor = self.analyzer = None
            self.state = State.OFF

    def smooth(self, on: bool) -> None:
        """Smooth the scores or not, also of a running video."""
        if self.analyzer is not None:
            self.analyzer.rules = StreamRules(smoothing=SmoothingRules() if on else RAW)

    def _hang_up(self) -> None:
        if self.session is not None:
            self.session.close()
            if self.record is not None:
                _log_end(self.session, self.record)
        hang_up()
        slots().release(self.user)
        # Another name, so that the late end of this video frees no place of the next one.
        self.user = uuid.uuid4().hex


@dataclass(eq=False)
class WebcamSession:
    """Everything that the page remembers between two runs.

    `way` is which way of the page to show next, "" to leave that to the person; `clip` is what a
    clip's result depends on, and the result.
    """

    live: LiveVideo = field(default_factory=LiveVideo)
    way: str = ""
    clip: tuple[tuple[Any, ...], ClipResult] | None = None


def webcam_session() -> WebcamSession:
    """The one of this session."""
    return remembered(WebcamSession)


def forget_webcam() -> None:
    """End whatever runs and drop all that was seen, as when the consent was taken back."""
    webcam_session().live.stop()
    forget(WebcamSession)


def _end(session: LiveSession, record: LiveRecord, places: LiveSlots, user: str) -> None:
    """The browser has gone; called on WebRTC's thread."""
    session.close()
    places.release(user)
    # The store may keep it waiting, and this thread delivers other people's frames.
    threading.Thread(target=_log_end, args=(session, record), name="mien-live-end").start()
    # A video passes 27 MB of pixels a second through a handful of threads, and glibc keeps what
    # each of them has freed for that thread alone.
    memory.trim()


def _log_end(session: LiveSession, record: LiveRecord) -> None:
    n_analysed = session.view(since_s=0.1).figures.n_analysed
    record.end(frames=n_analysed, faces=len(session.summaries()))
