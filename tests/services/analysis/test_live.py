"""A live video that never falls behind: drops, waits, figures, threads."""

import gc
import threading
import time
from collections.abc import Callable

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from core.errors import ModelError
from core.stream.frames import StreamFrame, TrackedFace
from core.types import Box
from services.analysis.live import LiveSession

RGB = NDArray[np.uint8]
FRAME = np.zeros((480, 640, 3), np.uint8)
FPS = 30.0


class FakeAnalyzer:
    """Takes `seconds` for a frame; finds one face whose place is the frame's first pixel."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.n_calls = 0
        self.threads: set[int] = set()
        self.overlapping = 0
        self._busy = threading.Lock()
        self.error: Exception | None = None

    def process(self, image_rgb: RGB, t_s: float) -> StreamFrame:
        if not self._busy.acquire(blocking=False):
            self.overlapping += 1
            self._busy.acquire()
        try:
            self.threads.add(threading.get_ident())
            self.n_calls += 1
            if self.error is not None:
                raise self.error
            time.sleep(self.seconds)
            mark = float(image_rgb[0, 0, 0])
            face = TrackedFace(1, Box(mark, 0, mark + 10, 10), None)
            return StreamFrame(self.n_calls, t_s, (640, 480), (face,), True, {})
        finally:
            self._busy.release()


def marked(value: int) -> RGB:
    frame = FRAME.copy()
    frame[0, 0, 0] = value
    return frame


def offered(session: LiveSession, value: int = 0, t_s: float | None = None) -> StreamFrame:
    """Hand over one frame and wait for its result."""
    before = session.view().figures.n_analysed
    session.offer(lambda: marked(value), t_s=t_s)
    assert wait_until(lambda: session.view().figures.n_analysed > before)
    frame = session.view().frame
    assert frame is not None
    return frame


def feed(session: LiveSession, seconds: float, fps: float = FPS) -> list[float]:
    """Frames at an even pace; how long handing over each took, in seconds."""
    took = []
    started = time.monotonic()
    for i in range(round(seconds * fps)):
        time.sleep(max(0.0, started + i / fps - time.monotonic()))
        before = time.monotonic()
        session.offer(lambda: FRAME)
        took.append(time.monotonic() - before)
    return took


def wait_until(condition: Callable[[], object], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def live_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mien-live"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> object:
    yield
    assert wait_until(lambda: not live_threads())


def test_each_result_is_of_the_frame_that_was_handed_over() -> None:
    session = LiveSession(FakeAnalyzer())
    for value in (3, 7, 250):
        assert offered(session, value).faces[0].box.x_min == value
    session.pause()


def test_a_slow_analysis_drops_old_frames_and_holds_nobody_up() -> None:
    analyzer = FakeAnalyzer(0.2)
    session = LiveSession(analyzer)
    took = feed(session, 3.0)
    figures = session.view().figures
    session.pause()
    # Every frame arrived, a few were looked at, the rest were dropped, none waits in a queue.
    assert figures.n_frames == 90
    assert figures.n_analysed >= 5
    assert figures.n_frames - figures.n_analysed - figures.n_dropped <= 2
    # A result is of a frame that waited for one analysis at most and then took another.
    latencies_ms = session.latencies_ms()
    assert float(np.median(latencies_ms)) < 2 * 200 + 50
    # Whoever delivers the frames is not held up at all.
    assert float(np.median(took)) < 0.2 / FPS


def test_the_frame_that_is_analysed_next_is_the_newest() -> None:
    analyzer = FakeAnalyzer(0.3)
    session = LiveSession(analyzer)
    read: list[int] = []

    def reader(value: int) -> Callable[[], RGB]:
        def look() -> RGB:
            read.append(value)
            return marked(value)

        return look

    session.offer(reader(1))
    assert wait_until(lambda: analyzer.n_calls == 1)
    for value in (2, 3, 4):
        session.offer(reader(value))
    assert wait_until(lambda: session.view().figures.n_analysed == 2)
    view = session.view()
    session.pause()
    assert view.frame is not None
    assert view.frame.faces[0].box.x_min == 4
    assert view.figures.n_dropped == 2
    assert read == [1, 4]  # dropped frames are not even converted


def test_the_thread_ends_by_itself_and_begins_again() -> None:
    analyzer = FakeAnalyzer()
    session = LiveSession(analyzer, idle_s=0.1)
    offered(session)
    assert wait_until(lambda: not session.is_running)
    offered(session, 9)
    session.pause()
    assert not session.is_running
    assert analyzer.n_calls == 2


def test_a_pause_keeps_what_was_seen() -> None:
    session = LiveSession(FakeAnalyzer())
    for i in range(5):
        offered(session, t_s=i / 5)
    session.pause()
    view = session.view()
    assert view.duration_s == pytest.approx(0.8)
    assert [row.face for row in view.rows] == [1] * 5
    assert session.summaries()[0].seconds_by_band == {"too small": pytest.approx(0.8)}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("The model file is gone; reinstall Mien."), "gone; reinstall"),
        (RuntimeError("at 0x7f, in a library"), "RuntimeError"),
    ],
)
def test_an_error_is_told_and_the_next_good_frame_ends_it(error: Exception, words: str) -> None:
    analyzer = FakeAnalyzer()
    session = LiveSession(analyzer)
    analyzer.error = error
    session.offer(lambda: FRAME)
    assert wait_until(lambda: session.view().error is not None)
    told = session.view().error or ""
    assert words in told
    assert "0x7f" not in told
    analyzer.error = None
    offered(session)
    assert session.view().error is None
    session.pause()


def test_many_sessions_do_not_meet() -> None:
    analyzers = [FakeAnalyzer(0.002) for _ in range(6)]
    sessions = [LiveSession(analyzer) for analyzer in analyzers]
    wrong: list[float] = []

    def use(number: int) -> None:
        for _ in range(20):
            if offered(sessions[number], 10 * number).faces[0].box.x_min != 10 * number:
                wrong.append(number)

    users = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    for session in sessions:
        session.pause()
    assert wrong == []
    assert all(len(analyzer.threads) == 1 for analyzer in analyzers)


def test_pausing_from_many_threads_while_frames_arrive_never_runs_two_analyses_at_once() -> None:
    analyzer = FakeAnalyzer(0.003)
    session = LiveSession(analyzer)
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            session.pause(timeout_s=0.001)
            time.sleep(0.004)

    disturbers = [threading.Thread(target=disturb) for _ in range(2)]
    for thread in disturbers:
        thread.start()
    feed(session, 1.0, fps=200)
    stop.set()
    for thread in disturbers:
        thread.join()
    session.pause()
    assert analyzer.overlapping == 0


def test_each_frame_tells_that_the_video_is_alive() -> None:
    touched: list[int] = []
    session = LiveSession(FakeAnalyzer(), on_frame=lambda: touched.append(1))
    session.offer(lambda: FRAME)
    session.offer(lambda: FRAME)
    session.pause()
    assert touched == [1, 1]


@pytest.mark.slow
def test_five_minutes_with_a_slow_model_stay_flat() -> None:
    """Ten frames a second analysed of thirty; latency and memory at the end as at the start."""
    session = LiveSession(FakeAnalyzer(0.1))
    process = psutil.Process()
    feed(session, 20.0)
    first_ms = float(np.median(session.latencies_ms()[-100:]))
    gc.collect()
    first_bytes = process.memory_info().rss
    took = feed(session, 280.0)
    last_ms = float(np.median(session.latencies_ms()[-100:]))
    gc.collect()
    last_bytes = process.memory_info().rss
    n_threads = len(live_threads())
    session.pause()
    longest_ms = 1000 * float(np.quantile(took, 0.99))
    print(
        f"\nfive minutes with a slow model: median latency {first_ms:.0f} ms at first, "
        f"{last_ms:.0f} ms at last; memory {(last_bytes - first_bytes) / 1e6:+.1f} MB; "
        f"a frame was held up for {longest_ms:.0f} ms (p99)"
    )
    assert last_ms < 2 * 100 + 50
    assert last_ms < first_ms + 50
    assert last_bytes - first_bytes < 8_000_000  # the timeline's rows; a frame has 0.9 MB
    assert float(np.quantile(took, 0.99)) < 2 / FPS
    assert n_threads == 1


def test_a_closed_video_looks_at_no_frame_and_holds_no_place() -> None:
    analyzer, alive = FakeAnalyzer(), []
    session = LiveSession(analyzer, on_frame=lambda: alive.append(1))
    first = offered(session, 5)
    session.close()
    # Frames come on for a moment, until the browser has hung up.
    session.offer(lambda: marked(9))
    assert session.view().frame is first
    assert (analyzer.n_calls, len(alive), session.is_running) == (1, 1, False)
    assert session.view().figures.n_frames == 1
