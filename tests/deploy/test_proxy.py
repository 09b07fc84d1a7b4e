"""The proxy's time limits, with the real nginx: nobody waits for the other half of a request."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.e2e.conftest import free_port
from tests.helpers.replicas import HOST, Site, missing_program, started_proxy
from tests.paths import ROOT
from ui.runtime.upload_guard import GRACE_S, UploadGuard

HEADER_S, BODY_S, SLACK_S = 15, 30, 12


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """nginx before an app that takes whatever comes, behind the guard of uploads."""
    if reason := missing_program():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("proxy")
    subprocess.run(["sh", ROOT / "deploy/make_secrets.sh", folder / "secrets"], check=True)
    port = free_port()
    found = Site(f"https://{HOST}:{port}", port, free_port(), folder)
    upstream = uvicorn.Server(
        uvicorn.Config(
            UploadGuard(takes_all, max_session_bytes=10**8, max_total_bytes=10**8),
            port=free_port(),
            log_level="error",
        )
    )
    thread = threading.Thread(target=upstream.run, daemon=True)
    thread.start()
    while not upstream.started:
        time.sleep(0.05)
    with started_proxy(found, f"server 127.0.0.1:{upstream.config.port} max_fails=0;"):
        yield found
    upstream.should_exit = True
    thread.join(20)


async def takes_all(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def closed(
    connection: socket.socket, said: bytes, drop: bytes = b"", every_s: float = 100
) -> tuple[float, bytes]:
    """Seconds until the other side closes, and what it says; `drop` is sent again and again."""
    began_s, answer = time.monotonic(), b""
    connection.settimeout(every_s)
    try:
        connection.sendall(said)
        while time.monotonic() - began_s < 100:
            try:
                if not (came := connection.recv(4096)):
                    break
                answer += came
            except TimeoutError:
                connection.sendall(drop)
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        connection.close()
    return time.monotonic() - began_s, answer


def plain(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def secured(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain(port), server_hostname=HOST)


def request(site: Site, method: str, path: str, n_bytes: int) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{site.port}\r\nContent-Length: {n_bytes}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()


UPLOAD = "/_stcore/upload_file/a-session/a-file"


@pytest.fixture(scope="module")
def endings(site: Site) -> dict[str, tuple[float, bytes]]:
    """How each slow request ends, all of them at once: what is tested is that somebody waits."""
    half_header = b"GET / HTTP/1.1\r\nX-Half: "
    upload = request(site, "PUT", UPLOAD, 5_000_000) + bytes(500)
    slow: dict[str, Callable[[], tuple[float, bytes]]] = {
        "half a header over http": lambda: closed(plain(site.http_port), half_header),
        "half a header over https": lambda: closed(secured(site.port), half_header),
        # Of no upload, so that only nginx looks at it.
        "half a body": lambda: closed(
            secured(site.port), request(site, "POST", "/anywhere", 5000) + bytes(2500)
        ),
        "an upload drop by drop": lambda: closed(
            secured(site.port), upload, drop=bytes(100), every_s=1
        ),
    }
    with ThreadPoolExecutor(len(slow)) as pool:
        running = {name: pool.submit(ask) for name, ask in slow.items()}
        return {name: future.result() for name, future in running.items()}


@pytest.mark.parametrize("over", ["http", "https"])
def test_half_a_header_is_not_waited_for(
    endings: dict[str, tuple[float, bytes]], over: str
) -> None:
    waited_s, _ = endings[f"half a header over {over}"]
    assert HEADER_S - 2 < waited_s < HEADER_S + SLACK_S


def test_half_a_body_is_not_waited_for(endings: dict[str, tuple[float, bytes]]) -> None:
    waited_s, _ = endings["half a body"]
    assert BODY_S - 2 < waited_s < BODY_S + SLACK_S


def test_an_upload_drop_by_drop_is_ended_by_the_app(
    endings: dict[str, tuple[float, bytes]],
) -> None:
    """nginx waits for the next drop only, and so would wait for all of them: 14 hours here."""
    waited_s, answer = endings["an upload drop by drop"]
    assert GRACE_S - 2 < waited_s < GRACE_S + SLACK_S
    assert answer.startswith(b"HTTP/1.1 408"), answer


def test_a_body_that_comes_gets_through(site: Site) -> None:
    for method, path in (("POST", "/anywhere"), ("PUT", UPLOAD)):
        said = request(site, method, path, 5000) + bytes(5000)
        waited_s, answer = closed(secured(site.port), said)
        assert answer.startswith(b"HTTP/1.1 204"), answer
        assert waited_s < SLACK_S


def test_the_templates_file_is_where_the_limits_act(site: Site) -> None:
    """Said once, outside of all servers: what a server says comes too late for its own header."""
    text = (Path(site.folder) / "mien.conf").read_text()
    before_servers = text[: text.index("server {")]
    assert f"client_header_timeout {HEADER_S}s;" in before_servers
    assert f"client_body_timeout {BODY_S}s;" in before_servers
    assert text.count("client_header_timeout") == text.count("client_body_timeout") == 1
