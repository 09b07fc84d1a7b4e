import asyncio
import io
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser

from ui.runtime.operations import keep_uploads_in_memory
from ui.runtime.upload_guard import UploadGuard

Message = MutableMapping[str, Any]
PATH = "/_stcore/upload_file/me/file"


class Inner:
    """Stands for Streamlit: notes who came, answers when it is let."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.gate: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.came.append(scope["path"])
        if self.gate is not None:
            await self.gate.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})


async def ask(
    guard: UploadGuard, n_bytes: int | None, *, path: str = PATH, method: str = "PUT"
) -> int:
    headers = [] if n_bytes is None else [(b"content-length", str(n_bytes).encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    return int(sent[0]["status"])


def guarded(inner: Inner, **held: int) -> UploadGuard:
    return UploadGuard(inner, max_session_bytes=100, max_total_bytes=150, held=lambda: held)


@pytest.mark.parametrize(
    ("held", "n_bytes", "status"),
    [
        ({}, 0, 204),
        ({}, 100, 204),
        ({}, 101, 413),
        ({"me": 60}, 40, 204),
        ({"me": 60}, 41, 413),
        ({"others": 100}, 50, 204),
        ({"others": 100}, 51, 503),
        ({}, None, 411),
    ],
)
def test_what_is_held_counts(held: dict[str, int], n_bytes: int | None, status: int) -> None:
    inner = Inner()
    assert asyncio.run(ask(guarded(inner, **held), n_bytes)) == status
    assert bool(inner.came) == (status == 204)


@pytest.mark.parametrize(
    ("path", "method"), [("/", "GET"), ("/_stcore/health", "GET"), (PATH, "DELETE")]
)
def test_all_else_passes(path: str, method: str) -> None:
    inner = Inner()
    assert asyncio.run(ask(guarded(inner, me=999), None, path=path, method=method)) == 204
    assert inner.came == [path]


def test_uploads_under_way_count_too() -> None:
    async def many() -> list[int]:
        inner = Inner()
        inner.gate = asyncio.Event()
        guard = guarded(inner)
        begun = [asyncio.create_task(ask(guard, 60)) for _ in range(3)]
        await asyncio.sleep(0)
        inner.gate.set()
        statuses = [await task for task in begun]
        return [*statuses, await ask(guard, 60)]

    # The first takes its place; the others would be too much; later there is room again.
    assert asyncio.run(many()) == [204, 413, 413, 204]


def test_an_upload_goes_to_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MultiPartParser, "spool_max_size", MultiPartParser.spool_max_size)
    keep_uploads_in_memory()

    async def body() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\n'
        for _ in range(30):
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    async def parse() -> tuple[int, bool]:
        headers = Headers({"content-type": "multipart/form-data; boundary=x"})
        form = await MultiPartParser(headers, body()).parse()
        file: Any = form["f"]
        spooled = file.file
        size = len(await file.read())
        in_memory = isinstance(spooled._file, io.BytesIO)
        await form.close()
        return size, in_memory

    assert asyncio.run(parse()) == (3_000_000, True)
