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
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aioice import Candidate, Connection, TransportPolicy
from pydantic import SecretStr

from core.config import Settings
from core.emotions import EMOTIONS
from core.stream.frames import StreamFrame, TrackedFace
from core.stream.smoothing import SmoothingRules, smooth
from core.stream.timeline import TimelineRow
from core.types import Box, EmotionScores
from services.analysis.live import LiveFigures, LiveSession
from ui.webcam.charts import MAX_FACES, MAX_POINTS, faces_to_show, thinned, timeline_figure
from ui.webcam.ice import ice_servers, turn_credentials
from ui.webcam.live import _signs as panel_signs
from ui.webcam.live import figures_line, live_headline
from ui.webcam.panel import LivePanel
from ui.webcam.state import WORDS, Signs, connection, suggests_snapshot
from ui.webcam.state import Connection as State
from ui.webcam.webrtc import Link


def signs(**known: object) -> Signs:
    defaults: dict[str, object] = {
        "wanted": True, "answer": "granted", "playing": False, "has_frames": False,
        "was_live": False, "waited_s": 1.0,
    }  # fmt: skip
    return Signs(**{**defaults, **known})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"wanted": False, "answer": ""}, State.IDLE),
        ({"wanted": False, "was_live": True}, State.ENDED),
        ({"answer": ""}, State.ASKING),
        ({"answer": "", "waited_s": 99.0}, State.ASKING),
        ({"answer": "NotAllowedError"}, State.DENIED),
        ({"answer": "NotFoundError"}, State.NO_CAMERA),
        ({"answer": "NotReadableError"}, State.BUSY),
        ({"answer": "unsupported"}, State.UNSUPPORTED),
        ({"answer": "SomethingNewError"}, State.UNSUPPORTED),
        ({}, State.CONNECTING),
        ({"playing": True}, State.CONNECTING),  # connected, but no picture yet
        ({"playing": True, "has_frames": True}, State.LIVE),
        ({"playing": True, "has_frames": True, "waited_s": 600.0}, State.LIVE),
        ({"waited_s": 10.5}, State.BLOCKED),
        ({"playing": True, "waited_s": 10.5}, State.BLOCKED),
    ],
)
def test_connection(known: dict[str, object], state: State) -> None:
    assert connection(signs(**known)) is state


def test_every_state_has_words() -> None:
    assert set(WORDS) == set(State)
    assert all(words.text.endswith((".", "…")) for words in WORDS.values())


@pytest.mark.parametrize(
    ("state", "waited_s", "offered"),
    [
        (State.ASKING, 3.0, False), (State.ASKING, 11.0, True), (State.CONNECTING, 3.0, False),
        (State.BLOCKED, 11.0, True), (State.DENIED, 0.5, True), (State.NO_CAMERA, 0.5, True),
        (State.LIVE, 60.0, False),
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
    return TimelineRow(t_s, face, Box(0, 0, 9, 9), "happy", False, shares, shares)


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
    assert len(timeline_figure(rows).data) == MAX_FACES * len(EMOTIONS)


def test_a_chart_without_rows_is_empty_and_no_error() -> None:
    assert len(timeline_figure([]).data) == 0


def test_a_face_that_was_away_has_a_gap_in_its_lines() -> None:
    rows = [row(t_s, 1) for t_s in (0.0, 0.1, 5.0, 5.1)]
    happy = next(line for line in timeline_figure(rows).data if line.name == "happy")
    assert list(happy.x) == [0.0, 0.1, None, 5.0, 5.1]


def test_headlines_say_resembles_or_why_nothing_is_said() -> None:
    rules = SmoothingRules()
    sure = smooth(None, scored(happy=0.93), 0.0, rules, 0.5)
    unsure = smooth(None, scored(happy=0.4), 0.0, rules, 0.5)
    box = Box(0, 0, 99, 99)
    assert live_headline(TrackedFace(2, box, sure)) == (
        "**Face 2** resembles happiness (93\u00a0%)"
    )
    assert "**uncertain** (most like happy, 40\u00a0%)" in live_headline(
        TrackedFace(1, box, unsure)
    )
    assert "too small" in live_headline(TrackedFace(1, box, None))


def test_figures_in_words() -> None:
    assert figures_line(LiveFigures(24.6, 31.2, 100, 75, 25)) == (
        "**25** frames a second · latency **31\u00a0ms** · 25\u00a0% of the frames dropped"
    )


def test_nothing_of_webrtc_threads_touches_streamlit() -> None:
    """The class that frames meet lives in a module that uses `st` only where the page renders."""
    source = Path("ui/webcam/webrtc.py").read_text(encoding="utf-8")
    processor = source[source.index("class LiveProcessor") : source.index("class Link")]
    assert "st." not in processor.replace("self.session.", "")
    for file in ("services/analysis/live.py", *map(str, Path("core/stream").glob("*.py"))):
        assert "streamlit" not in Path(file).read_text(encoding="utf-8").replace(
            "streamlit-webrtc", ""
        )


def test_pictures_count_as_live_before_the_browser_has_said_so() -> None:
    """On a busy machine the browser's word "connected" comes seconds after its first picture."""
    idle: Any = None  # nothing is analysed here
    panel = LivePanel(wanted=True, session=LiveSession(idle), started_s=time.monotonic())
    before = panel_signs(panel, "granted", Link(playing=False, signalling=True))
    assert connection(before) is State.CONNECTING
    assert panel.session is not None
    panel.session._result = (1, StreamFrame(1, 0.0, (640, 480), (), True, {}))
    panel.started_s = time.monotonic() - 60
    up = panel_signs(panel, "granted", Link(playing=False, signalling=True))
    down = panel_signs(panel, "granted", Link(playing=False, signalling=False))
    assert (connection(up), connection(down)) == (State.LIVE, State.BLOCKED)
