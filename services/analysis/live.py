"""One live video: the newest frame goes to a worker thread, older ones are dropped.

The thread that delivers frames (WebRTC's) never waits: it hands a frame over and goes on with the
latest result. So pictures never queue up, however slow the model is.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from core.errors import MienError
from core.stream import StreamAnalyzer
from core.stream.frames import StreamFrame
from core.stream.timeline import FaceSummary, Timeline, TimelineRow
from core.types import ImageRGB
from services.observe import observers

_FPS_WINDOW_S: Final = 2.0
_IDLE_S: Final = 3.0
_N_LATENCIES: Final = 300


@dataclass(frozen=True)
class LiveFigures:
    """How fast a live video runs: frames a second over the last two seconds, and counts.

    `latency_ms` is from a frame's arrival to its result, the mean of those two seconds; dropped
    are frames that a newer one replaced before anybody looked at them.
    """

    fps: float = 0.0
    arriving_fps: float = 0.0
    latency_ms: float = 0.0
    n_frames: int = 0
    n_analysed: int = 0
    n_dropped: int = 0


@dataclass(frozen=True, eq=False)
class LiveView:
    """What a page shows of a live video at one moment."""

    figures: LiveFigures
    frame: StreamFrame | None
    rows: tuple[TimelineRow, ...]
    duration_s: float
    error: str | None


@dataclass(frozen=True, eq=False)
class _Waiting:
    read: Callable[[], ImageRGB]
    t_s: float
    arrived_s: float


class LiveSession:
    """One person's live video. All methods may be called from any thread.

    The worker thread starts with the first frame and ends on `close`, on `pause` or after `idle_s`
    without frames, so that nothing stays behind when nobody says goodbye. `on_frame` notes that
    the video is alive; it is called under the lock, so not any more once `close` has returned.
    """

    def __init__(
        self,
        analyzer: StreamAnalyzer,
        *,
        on_frame: Callable[[], object] | None = None,
        idle_s: float = _IDLE_S,
    ) -> None:
        self._analyzer, self._on_frame = analyzer, on_frame
        self._idle_s = idle_s
        self._changed = threading.Condition()
        # Held while analysing: after a pause that timed out two workers live for a moment.
        self._analysing = threading.Lock()
        self._waiting: _Waiting | None = None
        self._frame: StreamFrame | None = None
        self._error: str | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._timeline = Timeline()
        self._figures = LiveFigures()
        self._arrived: deque[float] = deque(maxlen=_N_LATENCIES)
        self._done: deque[tuple[float, float]] = deque(maxlen=_N_LATENCIES)  # (when, latency_ms)
        # Seconds of the monotonic clock at which the first frame and the first label came.
        self.reached_s: dict[str, float] = {}

    @property
    def latest(self) -> StreamFrame | None:
        """The newest result, without waiting for anybody."""
        return self._frame

    def offer(
        self, read: Callable[[], ImageRGB], *, t_s: float | None = None, n_skipped: int = 0
    ) -> None:
        """Hand over a frame; it is analysed if no newer one comes before the worker is free.

        `read` gives the frame (height, width, 3), on the worker thread, and only if it is looked
        at. Its time is now if not given; `n_skipped` frames were dropped since the one before.
        """
        now_s = time.monotonic()
        with self._changed:
            if self._closed:
                return
            self.reached_s.setdefault("first frame", now_s)
            if self._on_frame is not None:
                self._on_frame()
            dropped = n_skipped + (self._waiting is not None)
            n_frames = self._figures.n_frames + 1 + n_skipped
            n_dropped = self._figures.n_dropped + dropped
            self._figures = replace(self._figures, n_frames=n_frames, n_dropped=n_dropped)
            self._arrived.append(now_s)
            self._waiting = _Waiting(read, now_s if t_s is None else t_s, now_s)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mien-live", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        for observer in observers() if dropped else ():
            observer.frames_dropped(dropped)

    def view(self, *, since_s: float = 0.0) -> LiveView:
        """What to show; `since_s` limits the rows to the newest so many seconds if above 0."""
        with self._changed:
            duration_s = self._timeline.duration_s
            first_s = max(duration_s - since_s, 0.0) if since_s > 0 else 0.0
            return LiveView(
                self._current_figures(time.monotonic()),
                self._frame,
                tuple(self._timeline.rows(since_s=first_s)),
                duration_s,
                self._error,
            )

    def summaries(self) -> list[FaceSummary]:
        """Each face over the whole video."""
        with self._changed:
            return self._timeline.summaries()

    def latencies_ms(self) -> list[float]:
        """The last `_N_LATENCIES` latencies."""
        with self._changed:
            return [latency_ms for _, latency_ms in self._done]

    @property
    def is_running(self) -> bool:
        """Whether the worker thread is there."""
        with self._changed:
            return self._thread is not None

    def close(self) -> None:
        """End for good: frames that still come are not looked at, and do not count as alive."""
        with self._changed:
            self._closed = True
        self.pause()

    def pause(self, *, timeout_s: float = 5.0) -> None:
        """End the worker thread; another frame would start it again. Figures stay readable."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._waiting = None
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _work(self) -> None:
        """The worker: take the newest frame, analyse it outside the lock, note the result."""
        me = threading.current_thread()
        while True:
            with self._changed:
                came = self._changed.wait_for(
                    lambda: self._waiting is not None or self._thread is not me, self._idle_s
                )
                if self._thread is not me:
                    return
                if not came or self._waiting is None:
                    self._thread = None
                    return
                job, self._waiting = self._waiting, None
            self._analyse(job)

    def _analyse(self, job: _Waiting) -> None:
        try:
            with self._analysing:
                frame = self._analyzer.process(job.read(), job.t_s)
        except Exception as exc:
            # The thread must live on: the next frame may be better, and the page says why.
            reason = str(exc) if isinstance(exc, MienError) else type(exc).__name__
            with self._changed:
                self._error = f"The analysis failed ({reason})."
                self._changed.notify_all()
            return
        now_s = time.monotonic()
        latency_ms = (now_s - job.arrived_s) * 1000
        with self._changed:
            self._error = None
            self._frame = frame
            self.reached_s.setdefault("first label", now_s)
            self._timeline.add(frame)
            self._done.append((now_s, latency_ms))
            self._figures = replace(self._figures, n_analysed=self._figures.n_analysed + 1)
            self._changed.notify_all()
        for observer in observers():
            observer.frame_analysed(latency_ms)

    def _current_figures(self, now_s: float) -> LiveFigures:
        recent_ms = [ms for when, ms in self._done if now_s - when <= _FPS_WINDOW_S]
        return replace(
            self._figures,
            fps=_rate([when for when, _ in self._done], now_s),
            arriving_fps=_rate(list(self._arrived), now_s),
            latency_ms=round(sum(recent_ms) / max(len(recent_ms), 1), 1),
        )


def _rate(times_s: list[float], now_s: float) -> float:
    """How many a second of the last two seconds, or of what there is of a younger video."""
    recent = [when for when in times_s if now_s - when <= _FPS_WINDOW_S]
    if not recent:
        return 0.0
    span_s = now_s - recent[0] if len(recent) == len(times_s) else _FPS_WINDOW_S
    return round(len(recent) / max(span_s, 0.5), 1)


class LiveSlots:
    """How many live videos run at a time. Safe for many threads.

    A slot that is not touched for `stale_s` is free again, whatever became of its user. The last
    free one goes to a client that has none yet: many tabs of one browser do not shut others out.
    """

    def __init__(
        self, limit: int, *, stale_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit, self._stale_s, self._clock = limit, stale_s, clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[str, float]] = {}  # user -> client, when last touched

    def hold(self, user: str, client: str = "") -> bool:
        """Take a slot or keep the one that `user` has; False where none is free.

        `client` is the address that the user comes from, "" where it is not known.
        """
        with self._lock:
            self._drop_stale()
            if user not in self._held:
                n_free = self.limit - len(self._held)
                has_one = client and any(known == client for known, _ in self._held.values())
                if n_free < 1 or (n_free == 1 and has_one):
                    return False
            self._held[user] = client, self._clock()
            return True

    def release(self, user: str) -> None:
        """Give the slot back; nothing happens where there is none."""
        with self._lock:
            self._held.pop(user, None)

    @property
    def n_used(self) -> int:
        """Slots that are taken now."""
        with self._lock:
            self._drop_stale()
            return len(self._held)

    def _drop_stale(self) -> None:
        oldest_s = self._clock() - self._stale_s
        self._held = {user: held for user, held in self._held.items() if held[1] >= oldest_s}
