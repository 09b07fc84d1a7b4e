"""The door to streamlit-webrtc: what would cut a running video on a busy machine does not."""

import asyncio
import contextlib
import random
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp
from streamlit_webrtc import component
from streamlit_webrtc.component import WebRtcStreamerContext, WebRtcStreamerState

from services.analysis.live_frames import MAX_CANDIDATES, OfferRefusedError
from tests.services.analysis.test_live_frames import offer_of
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


class Reads:
    """A worker as far as it reads what a browser sends, with the real library behind it."""

    def __init__(self) -> None:
        self._added_ice_candidate_ids: set[str] = set()

    def process_offer(self, sdp: str, type_: str, timeout: float | None = None) -> str:
        async def read() -> str:
            connection = RTCPeerConnection()
            try:
                offer = RTCSessionDescription(sdp, type_)
                await asyncio.wait_for(connection.setRemoteDescription(offer), timeout)
                return "read"
            finally:
                await connection.close()

        return asyncio.run(read())

    def set_ice_candidates_from_offerer(self, candidates: dict[str, dict[str, Any]]) -> None:
        for name, way in candidates.items():
            with contextlib.suppress(ValueError, AssertionError, IndexError):
                candidate_from_sdp(way["candidate"])
            self._added_ice_candidate_ids.add(name)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    monkeypatch.setattr(live_webrtc, "WebRtcWorker", kind := type("Worker", (Reads,), {}))
    live_webrtc._look_at_offers()
    made: Reads = kind()
    return made


@pytest.mark.parametrize("n", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_bent_offers_are_read_or_refused(reads: Reads, n: int) -> None:
    good = offer_of("video")
    assert reads.process_offer(good, "offer", 20) == "read"
    rng, n_refused = random.Random(n), 0
    for _ in range(n):
        lines = good.splitlines()
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(lines))
            line = lines[at]
            cut = rng.randrange(len(line) + 1)
            lines[at : at + 1] = rng.choice(
                (
                    [],
                    [line, line],
                    [line[:cut]],
                    [line[:cut] + rng.choice("é\0 -9:/=x") + line[cut:]],
                )
            )
        try:
            reads.process_offer("\r\n".join(lines) + "\r\n", rng.choice(["offer"] * 9 + ["x"]), 20)
        except OfferRefusedError:
            n_refused += 1
    assert n / 20 < n_refused < n


@pytest.mark.parametrize("sdp", [None, 5, {}, [], "", "m=", "v=0\r\n" * 10_000, "m=video" * 9])
def test_what_is_no_offer_is_refused(reads: Reads, sdp: Any) -> None:
    with pytest.raises(OfferRefusedError):
        reads.process_offer(sdp, "offer", 5)


def test_a_browser_names_few_ways_and_nothing_else(reads: Reads) -> None:
    way = {"candidate": "candidate:1 1 udp 1 10.0.0.1 80 typ host", "sdpMid": "0"}
    for strange in (None, [], "x", {"a": None}, {"a": {}}, {"a": {"candidate": 5}},
                    {"a": {"candidate": "x" * 1000}}):  # fmt: skip
        reads.set_ice_candidates_from_offerer(strange)  # type: ignore[arg-type]
    assert reads._added_ice_candidate_ids == set()
    for turn in range(50):  # other names at each run of the page
        reads.set_ice_candidates_from_offerer({f"{turn}-{n}": way for n in range(30)})
    assert len(reads._added_ice_candidate_ids) == MAX_CANDIDATES
    reads.set_ice_candidates_from_offerer({"0-1": way})  # what is known is said again
    assert len(reads._added_ice_candidate_ids) == MAX_CANDIDATES


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (None, True),
        ({}, True),
        ({"sdpOffer": None}, True),
        ({"playing": False, "sdpOffer": "", "iceCandidates": {}}, True),  # as it says at first
        ({"sdpOffer": {"sdp": "v=0", "type": "offer"}}, True),
        ("x", False),
        ([], False),
        ({"sdpOffer": "v=0"}, False),
        ({"sdpOffer": {"sdp": "v=0"}}, False),
        ({"sdpOffer": {"sdp": 5, "type": "offer"}}, False),
    ],
)
def test_what_a_browser_says_is_looked_at_before_the_library_does(
    said: object, understood: bool
) -> None:
    assert live_webrtc._is_understood(said) == understood
