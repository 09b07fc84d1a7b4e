"""States in words, ICE servers, charts: the decisions of the page, each alone."""

import asyncio
import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aioice import Candidate, Connection, TransportPolicy
from pydantic import SecretStr

from core.config import Settings
from core.emotions import EMOTIONS
from core.expression.conformal import WITHOUT_FIT
from core.stream.frames import StreamFrame, TrackedFace
from core.stream.smoothing import SmoothingRules, smooth
from core.stream.timeline import TimelineRow
from core.types import Box, EmotionScores
from services.analysis.live import LiveFigures, LiveSession
from services.analysis.live_frames import FrameProcessor
from ui.webcam.charts import (
    MAX_FACES,
    MAX_POINTS,
    band_figure,
    faces_to_show,
    spans,
    thinned,
    timeline_figure,
)  # fmt: skip
from ui.webcam.ice import ice_servers, turn_credentials
from ui.webcam.live import figures_line, live_headline
from ui.webcam.session import LiveVideo, slots
from ui.webcam.state import WORDS, Event, State, after, event_of, slow_words, suggests_snapshot


@pytest.mark.parametrize(
    ("way", "end"),
    [
        ([], State.OFF),
        ([Event.START], State.ASKING),
        ([Event.START, Event.GRANTED], State.CONNECTING),
        ([Event.START, Event.GRANTED, Event.PICTURE], State.LIVE),
        ([Event.START, Event.GRANTED, Event.PICTURE, Event.STOP], State.ENDED),
        ([Event.START, Event.GRANTED, Event.PICTURE, Event.LOST], State.ENDED),
        ([Event.START, Event.GRANTED, Event.PATIENCE_OVER], State.BLOCKED),
        ([Event.START, Event.GRANTED, Event.PATIENCE_OVER, Event.PICTURE], State.LIVE),
        ([Event.START, Event.GRANTED, Event.LOST], State.CONNECTING),  # it may still come
        ([Event.START, Event.PICTURE], State.ASKING),  # no picture before an offer
        ([Event.START, Event.DENIED], State.DENIED),
        ([Event.START, Event.DENIED, Event.START], State.ASKING),
        ([Event.START, Event.GRANTED, Event.DENIED], State.CONNECTING),
        ([Event.NO_PLACE], State.QUEUED),
        ([Event.NO_PLACE, Event.START], State.ASKING),
        ([Event.NO_PLACE, Event.STOP], State.OFF),
        ([Event.START, Event.START], State.ASKING),
    ],
)
def test_the_way_of_a_video(way: list[Event], end: State) -> None:
    state = State.OFF
    for event in way:
        state = after(state, event)
    assert state is end


def test_stop_turns_every_camera_off() -> None:
    assert not any(after(state, Event.STOP).runs for state in State)
    assert not any(after(state, Event.STOP) is State.QUEUED for state in State)


@pytest.mark.parametrize(
    ("word", "event"),
    [
        ("NotAllowedError", Event.DENIED), ("NotFoundError", Event.NO_CAMERA),
        ("NotReadableError", Event.BUSY), ("unsupported", Event.UNSUPPORTED),
        ("SomethingNewError", Event.UNSUPPORTED), ("granted", Event.GRANTED), ("", None),
    ],
)  # fmt: skip
def test_what_a_browser_says(word: str, event: Event | None) -> None:
    assert event_of(word) is event


def test_every_state_has_words() -> None:
    assert set(WORDS) == set(State)
    told = {state: words.text for state, words in WORDS.items() if state is not State.UNRECORDED}
    assert all(text.endswith((".", "…")) for text in told.values())


@pytest.mark.parametrize(
    ("state", "waited_s", "offered"),
    [
        (State.ASKING, 3.0, False), (State.ASKING, 11.0, True), (State.CONNECTING, 3.0, False),
        (State.CONNECTING, 11.0, True), (State.BLOCKED, 11.0, True), (State.LIVE, 60.0, False),
    ],
)  # fmt: skip
def test_when_the_snapshot_is_suggested(state: State, waited_s: float, offered: bool) -> None:
    assert suggests_snapshot(state, waited_s) is offered


def test_no_server_is_contacted_unless_one_is_set() -> None:
    assert ice_servers(Settings()) == []
    assert ice_servers(Settings(turn_urls=("turn:a:1",))) == []  # no secret, no TURN


def test_turn_credentials_are_those_that_coturn_computes() -> None:
    settings = Settings(
        stun_urls=("stun:s:3478",), turn_urls=("turn:t:3478",), turn_secret=SecretStr("north")
    )
    stun, turn = ice_servers(settings, now_s=1_700_000_000.0)
    assert stun == {"urls": ["stun:s:3478"]}
    expires_s, user = turn["username"].split(":")
    assert user == "mien"
    assert 3600 <= int(expires_s) - 1_700_000_000 < 7200
    digest = hmac.digest(b"north", turn["username"].encode(), hashlib.sha1)
    assert turn["credential"] == base64.b64encode(digest).decode()


def test_servers_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_STUN_URLS", "stun:a:1, stun:b:2")
    monkeypatch.setenv("MIEN_TURN_SECRET", "north")
    settings = Settings()
    assert settings.stun_urls == ("stun:a:1", "stun:b:2")
    assert "north" not in repr(settings)


SECRET = "a-secret-for-this-test"


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Debian's coturn on this machine, with a shared secret; its host and port."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed (apt-get install coturn)")
    folder = tmp_path_factory.mktemp("coturn")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        program, "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
        f"--listening-port={port}", "--use-auth-secret", f"--static-auth-secret={SECRET}",
        "--realm=mien.test", "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls",
        "--log-file=stdout", f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'db'}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=os.environ)
        try:
            _wait_for_tcp(port, process)
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for_tcp(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("coturn did not start")


def relay_only(
    server: tuple[str, int], credentials: tuple[str, str], *, first: bool
) -> Connection:
    return Connection(
        ice_controlling=first,
        turn_server=server,
        turn_username=credentials[0],
        turn_password=credentials[1],
        use_ipv6=False,
        transport_policy=TransportPolicy.RELAY,
    )


async def talk(server: tuple[str, int], credentials: tuple[str, str]) -> bytes:
    """Two peers that may only meet through the relay; what one hears of the other."""
    one = relay_only(server, credentials, first=True)
    other = relay_only(server, credentials, first=False)
    try:
        for mine, theirs in ((one, other), (other, one)):
            await mine.gather_candidates()
            candidates: list[Candidate] = mine.local_candidates
            assert [candidate.type for candidate in candidates] == ["relay"]
            for candidate in [*candidates, None]:
                await theirs.add_remote_candidate(candidate)
            theirs.remote_username = mine.local_username
            theirs.remote_password = mine.local_password
        await asyncio.gather(one.connect(), other.connect())
        await one.send(b"picture")
        return await asyncio.wait_for(other.recv(), 10)
    finally:
        await one.close()
        await other.close()


def test_a_real_coturn_relays_for_our_credentials(coturn: tuple[str, int]) -> None:
    settings = Settings(
        turn_urls=(f"turn:{coturn[0]}:{coturn[1]}",), turn_secret=SecretStr(SECRET)
    )
    (server,) = ice_servers(settings)
    heard = asyncio.run(talk(coturn, (server["username"], server["credential"])))
    assert heard == b"picture"


@pytest.mark.parametrize(
    "credentials",
    [
        turn_credentials("another secret", 4_000_000_000),
        turn_credentials(SECRET, 1_000_000_000),  # expired in 2001
        ("4000000000:mien", "guessed"),
    ],
    ids=["other secret", "expired", "guessed"],
)
def test_a_real_coturn_refuses_all_others(
    coturn: tuple[str, int], credentials: tuple[str, str]
) -> None:
    with pytest.raises((ConnectionError, AssertionError)):
        asyncio.run(talk(coturn, credentials))


def scored(**shares: float) -> EmotionScores:
    rest = (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares))
    return EmotionScores(np.float32([shares.get(name, rest) for name in EMOTIONS]))


def row(t_s: float, face: int) -> TimelineRow:
    shares = scored(happy=0.9).probabilities
    return TimelineRow(t_s, face, Box(0, 0, 9, 9), ("happy",), shares, shares)


@pytest.mark.parametrize(("n_rows", "at_most"), [(0, 0), (1, 1), (5, 5), (1000, MAX_POINTS)])
def test_thinned_keeps_the_last_row(n_rows: int, at_most: int) -> None:
    rows = [row(i / 10, 1) for i in range(n_rows)]
    kept = thinned(rows)
    assert len(kept) <= at_most
    assert kept[-1:] == rows[-1:]
    assert [r.t_s for r in kept] == sorted(r.t_s for r in kept)


def test_the_chart_shows_the_faces_seen_last() -> None:
    rows = [row(float(face), face) for face in range(1, 8)]
    assert faces_to_show(rows) == [4, 5, 6, 7]
    drawn = [trace.type for trace in timeline_figure(rows).data]
    assert drawn.count("scatter") == MAX_FACES * len(EMOTIONS)
    assert drawn.count("bar") == MAX_FACES  # a ribbon each


def test_a_chart_without_rows_is_empty_and_no_error() -> None:
    assert len(timeline_figure([]).data) == 0


def test_a_face_that_was_away_has_a_gap_in_its_lines() -> None:
    rows = [row(t_s, 1) for t_s in (0.0, 0.1, 5.0, 5.1)]
    happy = next(line for line in timeline_figure(rows).data if line.name == "happy")
    assert list(happy.x) == [0.0, 0.1, None, 5.0, 5.1]


def test_spans_join_what_stays_and_part_what_changes_or_was_away() -> None:
    unclear = replace(row(0.3, 1), labels=("happy", "sad"))
    small = replace(row(0.4, 1), probabilities=None, labels=())
    rows = [row(0.0, 1), row(0.1, 1), row(0.2, 2), row(0.2, 1), unclear, small, row(9.0, 1)]
    found = [
        (span.face, span.band, round(span.start_s, 2), round(span.end_s, 2))
        for span in spans(rows)
    ]
    assert found == [
        (1, "happy", 0.0, 0.3), (1, "split", 0.3, 0.4), (1, "too small", 0.4, 0.5),
        (1, "happy", 9.0, 9.1), (2, "happy", 0.2, 0.3),
    ]  # fmt: skip
    # Every moment of a face is in exactly one piece of its bar.
    pieces = [x for trace in band_figure(spans(rows), 10).data for x in trace.x]
    assert sum(pieces) == pytest.approx(sum(end - start for _, _, start, end in found))


def test_headlines_say_what_people_would_say_or_why_nothing_is_said() -> None:
    rules, box = SmoothingRules(), Box(0, 0, 99, 99)
    sure = smooth(None, scored(happy=0.83), 0.0, rules, WITHOUT_FIT)
    split = smooth(None, scored(happy=0.4, sad=0.45), 0.0, rules, WITHOUT_FIT)
    assert live_headline(TrackedFace(2, box, sure)) == (
        "**Face 2** – 8 of 10 people would say happy"
    )
    assert "people would be split: sad or happy" in live_headline(TrackedFace(1, box, split))
    assert "too small" in live_headline(TrackedFace(1, box, None))


def test_figures_in_words() -> None:
    assert figures_line(LiveFigures(24.6, 30.0, 31.2)) == (
        "25 labels a second, each 31\u00a0ms after its picture came."
    )


def test_who_waits_for_labels_is_told_what_helps() -> None:
    assert slow_words(15.0, 30.0) == ""
    assert "server is busy" in slow_words(2.0, 28.0)
    assert "Slow connection" in slow_words(2.0, 2.5)


def test_nothing_of_webrtc_threads_touches_streamlit() -> None:
    files = ["services/analysis/live.py", "services/analysis/live_frames.py"]
    for file in (*files, *map(str, Path("core/stream").glob("*.py"))):
        text = Path(file).read_text(encoding="utf-8").replace("streamlit-webrtc", "")
        assert "streamlit" not in text


class Clock:
    """Stands in for the monotonic clock."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


def begun(monkeypatch: pytest.MonkeyPatch) -> tuple[LiveVideo, Clock]:
    """A video that has just been started; nothing is analysed."""
    slots.clear()
    clock = Clock()
    monkeypatch.setattr("ui.webcam.session.time", clock)
    idle: Any = None
    session = LiveSession(idle)
    processor = FrameProcessor(session, lambda: None)
    video = LiveVideo(session=session, processor=processor, started_s=clock.now_s, attempt=1)
    assert slots().hold(video.user)
    video.happen(Event.START)
    return video, clock


def test_pictures_count_as_live_however_late(monkeypatch: pytest.MonkeyPatch) -> None:
    video, clock = begun(monkeypatch)
    video.happen(Event.GRANTED)
    clock.now_s += 11
    assert video.look() is State.BLOCKED
    assert video.session is not None
    video.session._frame = StreamFrame(1, 0.0, (640, 480), (), True, {})
    assert video.look() is State.LIVE


def test_a_slow_server_is_not_called_a_blocked_network(monkeypatch: pytest.MonkeyPatch) -> None:
    video, clock = begun(monkeypatch)
    video.happen(Event.GRANTED)
    video.hear("", connected=True, down=False)
    clock.now_s += 11
    assert video.look() is State.CONNECTING


def test_who_never_answers_does_not_keep_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    video, clock = begun(monkeypatch)
    clock.now_s += 59
    video.look()
    assert slots().n_used == 1
    clock.now_s += 2
    video.look()
    assert slots().n_used == 0
    assert not video.look().runs


def test_the_steps_of_a_start_are_told_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    video, clock = begun(monkeypatch)
    clock.now_s += 0.3
    assert video.hear("granted", connected=False, down=False) is State.CONNECTING
    clock.now_s += 0.4
    video.hear("", connected=True, down=False)
    assert video.session is not None
    video.session.reached_s.update({"first label": clock.now_s + 0.5, "first frame": clock.now_s})
    assert video.steps_ms == {"permission": 300, "ICE": 700, "first frame": 700,
                              "first label": 1200}  # fmt: skip


def test_who_hangs_up_in_the_browser_has_ended_the_video(monkeypatch: pytest.MonkeyPatch) -> None:
    video, _ = begun(monkeypatch)
    video.hear("granted", connected=False, down=True)
    assert video.state is State.CONNECTING  # not yet up
    assert video.session is not None
    video.session._frame = StreamFrame(1, 0.0, (640, 480), (), True, {})
    assert video.hear("", connected=True, down=False) is State.LIVE
    assert video.hear("", connected=False, down=True) is State.ENDED
    assert slots().n_used == 0
