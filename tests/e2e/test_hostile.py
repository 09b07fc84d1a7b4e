"""Hostile requests: the app lives on, leaks nothing, and shows no traceback."""

import json
import re
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.helpers.hostile import REQUESTS, Door, answer_to, frames
from tests.helpers.replicas import HOST, Replica, started_replica
from tests.paths import ROOT

pytestmark = pytest.mark.e2e

# What no answer may hold: our files, our places, our innards.
SECRET = re.compile(
    rb'Traceback|File "/|site-packages|root:[x*]:0|MIEN_[A-Z_]+=|SQLite format 3|class Settings'
)
ROOM_BYTES = 150_000_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """One process on SQLite, as it is deployed."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "mien_models_dir").write_text(str(broken_models(folder / "models")))
    # Closed pages are let go soon, so that what they held can be seen to go.
    with started_replica(folder, "app", "--server.disconnectedSessionTTL=5") as replica:
        yield replica


def broken_models(folder: Path) -> Path:
    """All models, of which the default has a report that cannot be read; pages end at it."""
    folder.mkdir()
    for entry in (ROOT / "models").iterdir():
        (folder / entry.name).symlink_to(entry)
    (folder / "mien-fast").unlink()
    (folder / "mien-fast").mkdir()
    for entry in (ROOT / "models" / "mien-fast").iterdir():
        (folder / "mien-fast" / entry.name).symlink_to(entry)
    (folder / "mien-fast" / "evaluation.json").unlink()
    (folder / "mien-fast" / "evaluation.json").write_text("{ this is no report")
    return folder


def websocket(port: int, protocols: str = "streamlit") -> ClientConnection:
    return connect(
        f"ws://{HOST}:{port}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port), timeout=60),
        subprotocols=[protocols],
        open_timeout=60,
        close_timeout=5,
        max_size=None,
        ping_interval=None,
        legacy=True,  # the connection itself, which some tests hold open meanwhile
    )


def found_door(port: int) -> tuple[Door, ClientConnection]:
    """Open a page as anybody may; its session and token."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=60) as answer:
        cookie = answer.headers["Set-Cookie"]
    xsrf = re.search(r"_streamlit_xsrf=([^;]+)", cookie)
    assert xsrf is not None
    page = websocket(port)
    message = BackMsg()
    message.rerun_script.query_string = ""
    page.send(message.SerializeToString())
    while True:
        forward = ForwardMsg.FromString(bytes(page.recv(timeout=120)))
        if forward.HasField("new_session"):
            return Door(port, forward.new_session.initialize.session_id, xsrf[1]), page


def attack(app: Replica, door: Door, n_requests: int, seed: int) -> Counter[str]:
    """Send them, a tenth over WebSockets; counts of statuses."""
    rng = np.random.default_rng(seed)
    statuses: Counter[str] = Counter()
    for number in range(n_requests):
        if number % 10 == 9:
            statuses["websocket"] += 1
            shout(app.port, rng)
            continue
        request = REQUESTS[number % len(REQUESTS)](rng, door)
        answer = answer_to(app.port, request)
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "closed"
        statuses[status] += 1
        found = SECRET.search(answer)
        assert found is None, f"request {number} of seed {seed}: {found} in the answer"
        assert not status.startswith("5"), f"request {number} of seed {seed}: {request[:300]!r}"
        assert app.process.poll() is None, f"request {number} of seed {seed} ended the process"
    return statuses


def shout(port: int, rng: np.random.Generator) -> None:
    """Open a WebSocket, send what should not be sent, look at what comes back, leave."""
    try:
        with websocket(port) as page:
            for frame in frames(rng):
                page.send(frame)
            while True:
                received = page.recv(timeout=0.2)
                content = received.encode() if isinstance(received, str) else received
                assert SECRET.search(content) is None
    except (WebSocketException, TimeoutError, OSError):
        pass  # hung up on, or nothing more to say


def settled(process: psutil.Process, most_fds: int) -> int:
    """Open files, once connections had time to close and sessions to end (three files each)."""
    deadline = time.monotonic() + 120
    while (n_fds := process.num_fds()) > most_fds and time.monotonic() < deadline:
        time.sleep(0.5)
    return n_fds


@pytest.mark.parametrize(
    "n_requests", [200, pytest.param(2000, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_hostile_requests_break_and_show_nothing(app: Replica, n_requests: int) -> None:
    door, page = found_door(app.port)
    attack(app, door, 40, seed=1)  # what is loaded at first need is loaded now
    process = psutil.Process(app.process.pid)
    fds_before, bytes_before = process.num_fds(), process.memory_info().rss
    statuses = attack(app, door, n_requests, seed=2)
    assert statuses.total() == n_requests
    # They reached all sorts of places: served, refused for many reasons, hung up on.
    assert {"204", "400", "403", "404"} <= set(statuses), statuses
    assert settled(process, fds_before + 10) <= fds_before + 10
    assert process.memory_info().rss - bytes_before < ROOM_BYTES
    # Whoever comes next is served as if nothing had been.
    page.close()
    _, after = found_door(app.port)
    after.close()
    with urllib.request.urlopen(f"{app.probes}/ready", timeout=60) as answer:
        assert json.load(answer)["ready"]


def test_the_log_is_json_line_by_line_and_gives_nothing_away(app: Replica) -> None:
    """After all that was sent, and a page of which a part cannot be read."""
    page = websocket(app.port)
    message = BackMsg()
    message.rerun_script.page_name = "model_metrics"
    page.send(message.SerializeToString())
    said = ""
    while "script_finished" not in said:
        forward = ForwardMsg.FromString(bytes(page.recv(timeout=120)))
        said = str(forward.WhichOneof("type"))
    page.close()
    text = app.log.read_text(errors="replace")
    assert "Traceback" not in text
    events = [json.loads(line) for line in text.splitlines()]
    assert all("master.key" not in event["message"] for event in events)
    sentences = [event["message"] for event in events if event["level"] == "ERROR"]
    assert sentences  # one for each page that was opened
    assert set(sentences) == {"evaluation.json of 'mien-fast' is damaged; reinstall Mien."}


def test_too_much_at_once_is_refused_before_it_is_read(app: Replica) -> None:
    """More than all pages may hold, and a length that is not said."""
    door, page = found_door(app.port)
    head = (
        f"PUT /_stcore/upload_file/{door.session}/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Cookie: _streamlit_xsrf={door.xsrf}\r\nX-Xsrftoken: {door.xsrf}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
    )
    too_much = f"{head}Content-Length: 1000000001\r\n\r\n".encode()
    assert answer_to(app.port, too_much).startswith(b"HTTP/1.1 413")
    unsaid = f"{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
    assert answer_to(app.port, unsaid).startswith(b"HTTP/1.1 411")
    page.close()


def test_an_upload_above_ten_megabytes_gets_through(app: Replica) -> None:
    """A clip or an audit's archive; photos have their own limit when they are decoded."""
    door, page = found_door(app.port)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.zip"\r\n\r\n'
        + bytes(12_000_000)
        + b"\r\n--x--\r\n"
    )
    head = (
        f"PUT /_stcore/upload_file/{door.session}/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Cookie: _streamlit_xsrf={door.xsrf}\r\nX-Xsrftoken: {door.xsrf}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    assert answer_to(app.port, head.encode() + body, 120).startswith(b"HTTP/1.1 204")
    page.close()


def cached_bytes(app: Replica) -> int:
    """What Streamlit's caches hold, models among it; it counts anew every five seconds."""
    time.sleep(5.5)
    with urllib.request.urlopen(f"http://127.0.0.1:{app.port}/_stcore/metrics") as answer:
        text = answer.read().decode()
    found = re.findall(r'cache_memory_bytes\{cache_type="st_cache_resource".*\} (\d+)', text)
    return sum(map(int, found))


def test_a_page_cannot_empty_everybodys_caches(app: Replica) -> None:
    _, page = found_door(app.port)
    before = cached_bytes(app)
    assert before > 0
    page.send(BackMsg(clear_cache=True).SerializeToString())
    page.send(BackMsg(load_git_info=True).SerializeToString())
    page.send(BackMsg(app_heartbeat=True).SerializeToString())
    while True:  # the page lives on, and what it sent first was looked at before
        answer = ForwardMsg.FromString(bytes(page.recv(timeout=60)))
        assert not answer.HasField("git_info_changed")
        if answer.HasField("heartbeat_ack"):
            break
    assert cached_bytes(app) == before
    page.close()


def test_paths_of_the_log_are_not_served(app: Replica) -> None:
    """The folders of the program and of its data are not below anything that is served."""
    for path in ("/data/mien.sqlite3", "/.streamlit/config.toml", "/serve.py", "/models/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{app.port}{path}", timeout=60) as answer:
            content = answer.read(4000)
        # Streamlit answers unknown paths with its page, never with a file.
        assert b"<title>Streamlit</title>" in content
    assert Path(app.log).exists()
