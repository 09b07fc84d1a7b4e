"""The proxy's time limits, with the real nginx: nobody waits for the other half of a request."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import free_port
from tests.helpers.replicas import HOST, Site, missing_program, started_proxy
from tests.paths import ROOT

HEADER_S, BODY_S, SLACK_S = 15, 30, 12


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """nginx before nothing: what is tried here never gets to an app."""
    if reason := missing_program():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("proxy")
    subprocess.run(["sh", ROOT / "deploy/make_secrets.sh", folder / "secrets"], check=True)
    port = free_port()
    found = Site(f"https://{HOST}:{port}", port, free_port(), folder)
    with started_proxy(found, "server 127.0.0.1:9 max_fails=0;"):
        yield found


def seconds_until_closed(connection: socket.socket, said: bytes) -> float:
    began_s = time.monotonic()
    connection.settimeout(100)
    connection.sendall(said)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began_s


def secured(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=HOST)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_half_a_header_is_not_waited_for(site: Site, secure: bool) -> None:
    plain = socket.create_connection(("127.0.0.1", site.http_port))
    with secured(site.port) if secure else plain as connection:
        waited_s = seconds_until_closed(connection, b"GET / HTTP/1.1\r\nX-Half: ")
    plain.close()
    assert HEADER_S - 2 < waited_s < HEADER_S + SLACK_S


def test_the_templates_file_is_where_the_limits_act(site: Site) -> None:
    """Said once, outside of all servers: what a server says comes too late for its own header."""
    text = (Path(site.folder) / "mien.conf").read_text()
    before_servers = text[: text.index("server {")]
    assert f"client_header_timeout {HEADER_S}s;" in before_servers
    assert f"client_body_timeout {BODY_S}s;" in before_servers
    assert text.count("client_header_timeout") == text.count("client_body_timeout") == 1
