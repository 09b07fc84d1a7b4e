import asyncio
import io
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

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


class Reads(Inner):
    """Reads an upload to its end before it answers, as Streamlit does."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await super().__call__(scope, receive, send)


class Sender:
    """A browser's upload, piece by piece as the test says."""

    def __init__(self, guard: UploadGuard, n_bytes: int, session: str = "me") -> None:
        self.statuses: list[int] = []
        self._pieces: asyncio.Queue[Message] = asyncio.Queue()
        headers = [(b"content-length", str(n_bytes).encode())]
        path = f"/_stcore/upload_file/{session}/file"
        scope = {"type": "http", "method": "PUT", "path": path, "headers": headers}
        self.task = asyncio.create_task(guard(scope, self._pieces.get, self._hear))

    async def _hear(self, message: Message) -> None:
        if "status" in message:
            self.statuses.append(message["status"])

    async def send(self, n_bytes: int, *, more: bool = True) -> None:
        piece = {"type": "http.request", "body": bytes(n_bytes), "more_body": more}
        self._pieces.put_nowait(piece)
        for _ in range(20):
            await asyncio.sleep(0)


def test_who_announces_much_and_sends_little_keeps_nobody_out() -> None:
    async def many() -> None:
        guard = guarded(Reads())
        slow = [Sender(guard, 90, session=f"s{n}") for n in range(29)]
        for one in slow:
            await one.send(1)
        quick = Sender(guard, 100)
        await quick.send(100, more=False)
        assert quick.statuses == [204]
        assert [one.statuses for one in slow] == [[]] * 29
        for one in slow:
            one.task.cancel()

    asyncio.run(many())


def test_what_has_arrived_counts_and_goes_when_its_upload_ends() -> None:
    async def many() -> None:
        guard = guarded(Reads())
        first, second, third = (Sender(guard, 60) for _ in range(3))
        await asyncio.sleep(0)  # all three have announced themselves
        await first.send(60)
        await second.send(30)
        assert third.statuses == []
        await second.send(30)
        assert second.statuses == [413]  # 120 would be more than a page may hold
        await third.send(40, more=False)
        assert third.statuses == [204]
        await first.send(0, more=False)
        assert first.statuses == [204]
        last = Sender(guard, 100)
        await last.send(100, more=False)
        assert last.statuses == [204]
        assert guard._pages == {}

    asyncio.run(many())


@pytest.mark.parametrize(
    ("rate", "total_s", "status"),
    [(3000, 200, 408), (5000, 200, 204), (200_000, 1700, 204), (200_000, 1900, 408)],
)
def test_a_slow_or_endless_upload_is_ended(rate: int, total_s: int, status: int) -> None:
    async def one() -> list[int]:
        now_s = [0.0]
        guard = UploadGuard(
            Reads(), max_session_bytes=10**9, max_total_bytes=10**9, held=dict,
            clock=lambda: now_s[0],
        )  # fmt: skip
        sender = Sender(guard, rate * total_s)
        for _ in range(total_s // 10):
            await sender.send(10 * rate)
            now_s[0] += 10
        await sender.send(0, more=False)
        await asyncio.wait([sender.task], timeout=5)
        return sender.statuses

    assert asyncio.run(one()) == [status]


def test_one_page_is_received_six_at_a_time_and_others_do_not_wait_for_it() -> None:
    async def many() -> None:
        inner = Reads()
        guard = guarded(inner)
        mine = [Sender(guard, 1) for _ in range(8)]
        await mine[7].send(1, more=False)
        assert mine[7].statuses == []
        other = Sender(guard, 1, session="other")
        await other.send(1, more=False)
        assert other.statuses == [204]
        for one in mine[:7]:
            await one.send(1, more=False)
        assert all(one.statuses == [204] for one in mine)

    asyncio.run(many())


def test_a_browser_that_goes_in_the_middle_is_no_fault() -> None:
    """It stood in the log as an exception of ours, with its trace."""

    class Parses(Inner):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await Request(scope, receive).body()

    async def one() -> None:
        guard = guarded(Parses())
        sender = Sender(guard, 100)
        await sender.send(30)
        sender._pieces.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(sender.task, timeout=5)
        assert sender.statuses == []
        assert guard._pages == {}

    asyncio.run(one())


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
