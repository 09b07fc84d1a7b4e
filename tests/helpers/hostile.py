"""Requests that nobody sends by mistake, made from a seed: for a socket or a WebSocket."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np

Rng = np.random.Generator

ROOTS = (
    "", "static/", "media/", "component/streamlit_webrtc.component/", "_stcore/", "app/static/",
    "_stcore/bidi-components/", "_stcore/upload_file/", "~/+/", "upload/",
)  # fmt: skip
STEPS = (
    "../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "..;/", "%252e%252e%252f",
    "..%c0%af", ".%00./", "//", "%2f", "/./",
)  # fmt: skip
TARGETS = (
    "etc/passwd", "proc/self/environ", "data/secrets/master.key", ".streamlit/secrets.toml",
    "data/mien.sqlite3", "core/config.py", "serve.py", "\\windows\\win.ini", "etc/passwd%00.png",
)  # fmt: skip
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "XYZ")


@dataclass(frozen=True)
class Door:
    """What an attacker has found out: port, session and XSRF token of a page of their own."""

    port: int
    session: str
    xsrf: str


def climbing_path(rng: Rng, _door: Door) -> bytes:
    """A path that leaves the folder it starts in."""
    path = pick(rng, ROOTS) + pick(rng, STEPS) * int(rng.integers(1, 12)) + pick(rng, TARGETS)
    head = f"{pick(rng, METHODS[:2])} /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    return head.encode()


def odd_headers(rng: Rng, _door: Door) -> bytes:
    """Too long, too many, contradicting or unreadable headers."""
    lines = {
        0: [b"X: " + b"a" * int(rng.integers(10_000, 200_000))],
        1: [b"X%d: y" % n for n in range(int(rng.integers(50, 3000)))],
        2: [b"Content-Length: 5", b"Content-Length: 500000"],
        3: [b"Content-Length: -1"],
        4: [b"Content-Length: 99999999999999999999999"],
        5: [b"Transfer-Encoding: chunked", b"Content-Length: 3"],
        6: [b"Cookie: _streamlit_xsrf=" + rng.bytes(200).replace(b"\r", b"").replace(b"\n", b"")],
        7: [b"Origin: " + rng.bytes(30).replace(b"\r", b"").replace(b"\n", b"")],
        8: [b"Host: " + rng.bytes(20).replace(b"\r", b"").replace(b"\n", b"")],
        9: [b"Cookie: _streamlit_user=" + rng.bytes(40).hex().encode(), b"Cookie: ;;;=;"],
        10: [b"Expect: 100-continue", b"Range: bytes=0-,0-,0-,0-,0-"],
        11: [b"Sec-WebSocket-Key: zz", b"Upgrade: websocket", b"Connection: Upgrade"],
    }[int(rng.integers(12))]
    path = pick(
        rng, ("/", "/_stcore/health", "/_stcore/stream", "/_stcore/host-config", "/media/x")
    )
    method = pick(rng, METHODS)
    body = rng.bytes(int(rng.integers(0, 400)))
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), b"Host: x", *lines, b"", body])


def no_http(rng: Rng, _door: Door) -> bytes:
    """Bytes of another protocol, or of none."""
    return (
        rng.bytes(int(rng.integers(1, 3000))),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.bytes(400),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.bytes(50),
        b"GET /\r\n\r\n",
        b"GET " + b"/a" * int(rng.integers(1000, 80_000)) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n" * 5000,
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )[int(rng.integers(8))]


def bent_upload(rng: Rng, door: Door) -> bytes:
    """An upload whose form, length, names or place are wrong."""
    boundary = b"b" + rng.bytes(4).hex().encode()
    names = (
        b"../../../../etc/cron.d/x", b"a.jpg\0.exe", b"%s%n" * 50, b"a" * 100_000, b"",
        "\u202egpj.exe".encode(), b"..\\..\\x.png", b'x"; filename="y',
    )  # fmt: skip
    disposition = (
        b'Content-Disposition: form-data; name="f"; filename="%s"'
        % names[int(rng.integers(len(names)))]
    )
    part = b"--" + boundary + b"\r\n" + disposition + b"\r\nContent-Type: image/jpeg\r\n\r\n"
    content = rng.bytes(int(rng.integers(0, 3000)))
    end = b"\r\n--" + boundary + b"--\r\n"
    body = (
        part + content + end,
        part + content,  # cut short
        content,
        part * int(rng.integers(2, 1200)) + end,
        end,
        part + b"x" * 60_000 + end + part,
        b"--" + boundary + b"\r\n" + b"X: y\r\n" * 3000 + b"\r\n" + end,
    )[int(rng.integers(7))]
    length = len(body) if rng.random() < 0.8 else int(rng.integers(0, 2 * len(body) + 2))
    session = pick(rng, (door.session, "..", "../..", quote(rng.bytes(12)), "none"))
    file_id = pick(rng, ("file", "../../x", quote(rng.bytes(8)), "%00", "f" * 4000))
    token = door.xsrf if rng.random() < 0.8 else pick(rng, ("", "2|zz|zz|1", "\u20ac"))
    kind = pick(rng, (f"multipart/form-data; boundary={boundary.decode()}", "multipart/form-data",
                      "image/jpeg", "application/x-www-form-urlencoded"))  # fmt: skip
    head = (
        f"{pick(rng, ('PUT', 'PUT', 'PUT', 'DELETE'))} /_stcore/upload_file/{session}/{file_id} "
        f"HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: _streamlit_xsrf={door.xsrf}\r\n"
        f"X-Xsrftoken: {token}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )
    return head.encode() + body


REQUESTS: tuple[Callable[[Rng, Door], bytes], ...] = (
    climbing_path, odd_headers, no_http, bent_upload,
)  # fmt: skip


def frames(rng: Rng) -> Iterator[bytes | str]:
    """What to send over one WebSocket: noise, text, and messages that are nearly right."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.query_string = "privacy_section=" + "A" * int(rng.integers(0, 5000))
    message.rerun_script.page_script_hash = rng.bytes(8).hex()
    widget = message.rerun_script.widget_states.widgets.add()
    widget.id = pick(rng, ("$$ID-x-consent_analyse", "", "x" * 2000, "../../x"))
    widget.json_value = "[" * int(rng.integers(0, 2000))
    whole = message.SerializeToString()
    bent = bytearray(whole)
    for _ in range(int(rng.integers(1, 9))):
        bent[rng.integers(len(bent))] ^= 1 << int(rng.integers(8))
    yield from (
        rng.bytes(int(rng.integers(0, 4000))),
        "text " * int(rng.integers(0, 400)),
        bytes(bent),
        whole[: rng.integers(len(whole))],
        whole,
    )[: int(rng.integers(1, 6))]


def pick(rng: Rng, choices: tuple[str, ...]) -> str:
    """One of them."""
    return choices[int(rng.integers(len(choices)))]


def answer_to(port: int, request: bytes, timeout_s: float = 20.0) -> bytes:
    """Send raw bytes, return the first 64 kB of what comes back; b"" for a closed connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while len(received) < 65_536:
                part = connection.recv(65_536)
                if not part:
                    break
                received += part
        except OSError:
            pass  # hung up on, which is an answer, too
    return received
