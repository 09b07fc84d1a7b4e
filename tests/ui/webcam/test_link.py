"""The door to streamlit-webrtc: what would cut a running video on a busy machine does not."""

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit_webrtc import component
from streamlit_webrtc.component import WebRtcStreamerContext, WebRtcStreamerState

from ui.webcam import webrtc as live_webrtc


class Worker:
    def __init__(self) -> None:
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Session state and count of runs as a session has them."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(live_webrtc.st, "session_state", found)
    return found


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    counted = SimpleNamespace(script_run_count=7)
    monkeypatch.setattr(component, "get_this_session_info", lambda: counted)
    return counted


def running(state: dict[str, Any], runs: SimpleNamespace) -> tuple[WebRtcStreamerContext, Worker]:
    """A video that is on, last rendered under the present count."""
    worker = Worker()
    made: Any = WebRtcStreamerContext(worker=None, state=WebRtcStreamerState(True, False))
    made._get_worker = lambda: worker
    made._set_worker = lambda _: None
    made._last_rendered_run_count = runs.script_run_count
    state[live_webrtc._KEY] = made
    return made, worker


def render() -> WebRtcStreamerContext:
    """The part of `webrtc_streamer` that looks for its context."""
    return component._get_or_create_context(live_webrtc._KEY)


def test_two_runs_counted_at_once_do_not_cut_a_running_video(
    state: dict[str, Any], runs: SimpleNamespace
) -> None:
    context, worker = running(state, runs)
    runs.script_run_count += 2  # the messages of the run before and of this one went out together
    live_webrtc._count_no_runs()
    assert render() is context
    assert worker.stopped == 0
    assert context.state.playing


def test_without_the_door_the_library_would_cut_it(
    state: dict[str, Any], runs: SimpleNamespace
) -> None:
    """Once this fails, the library has mended it and `_count_no_runs` can go."""
    context, worker = running(state, runs)
    runs.script_run_count += 2
    assert render() is context
    assert worker.stopped == 1
    assert not context.state.playing


def test_hanging_up_forgets_the_connection(state: dict[str, Any], runs: SimpleNamespace) -> None:
    context, worker = running(state, runs)
    live_webrtc.hang_up()
    assert worker.stopped == 1
    assert not context.state.playing
    # What the browser says while it goes still finds its place.
    assert state[live_webrtc._KEY] is context


def test_hanging_up_without_a_video_does_nothing(state: dict[str, Any]) -> None:
    live_webrtc.hang_up()
    live_webrtc._count_no_runs()
    assert state == {}
