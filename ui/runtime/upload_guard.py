"""Bounds what uploads take of this process' memory, before a byte of them is read.

Streamlit keeps uploads in memory and takes any number of them from whoever has opened a page,
whether or not a page asked for a file (1.67: `MemoryUploadedFileManager`). This ASGI middleware
counts what a session and all sessions hold, what is on its way as far as it has arrived, and
refuses what would be too much. Whoever sends slowly keeps nobody else from sending, and that not
for long.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

_UPLOAD: Final = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/[^/]+/?$")


# Uploads of one page that are received at a time, as many as browsers send; others wait.
AT_A_TIME: Final = 6
LEAST_BYTES_A_SECOND: Final = 4000
GRACE_S: Final = 20.0  # before the rate counts: a phone that finds its network again
LONGEST_S: Final = 1800.0


class _RefusedError(Exception):
    """An upload that is not to go on: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason


@dataclass
class _Page:
    """The uploads of one open page that are under way: their number, and bytes received."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))
    n_uploads: int = 0
    n_bytes: int = 0


class UploadGuard:
    """Refuses uploads without a length (411), too slow (408), or too much (413, 503).

    Limits are of all uploads of one open page, and of all pages of this process; `held` says how
    many bytes each session holds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_session_bytes: int,
        max_total_bytes: int,
        held: Callable[[], dict[str, int]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is under way."""
        self._app, self._held, self._clock = app, held or held_bytes, clock
        self._max_session_bytes, self._max_total_bytes = max_session_bytes, max_total_bytes
        self._pages: dict[str, _Page] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but uploads that are too much or too slow."""
        found = _UPLOAD.search(scope.get("path", "")) if scope["type"] == "http" else None
        if found is None or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        page = self._pages.setdefault(found["session"], _Page())
        page.n_uploads += 1
        try:
            async with page.turns:
                await self._upload(found["session"], scope, receive, send)
        except _RefusedError as refused:
            body, headers = {"detail": refused.reason}, {"connection": "close"}
            await JSONResponse(body, refused.status, headers)(scope, receive, send)
        except ClientDisconnect:
            # A phone lost its network in the middle: nobody is there to answer, nothing is wrong.
            return
        finally:
            page.n_uploads -= 1
            if not page.n_uploads:
                del self._pages[found["session"]]

    async def _upload(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal():
            raise _RefusedError(411, "Say how long the file is.")
        # What is announced is compared with what is free and takes no place of anybody's.
        self._look(session, int(length))
        page, began_s = self._pages[session], self._clock()
        n_received, whole = 0, False

        async def counted() -> Message:
            nonlocal n_received, whole
            if whole:  # what comes now is that the browser has gone, whenever that is
                return await receive()
            allowed_s = min(GRACE_S + n_received / LEAST_BYTES_A_SECOND, LONGEST_S)
            left_s = allowed_s - (self._clock() - began_s)
            try:
                async with asyncio.timeout(max(left_s, 0)):
                    message = await receive()
            except TimeoutError:
                raise _RefusedError(408, "The file came too slowly; try again.") from None
            whole = not message.get("more_body", False)
            n_bytes = len(message.get("body", b""))
            n_received += n_bytes
            page.n_bytes += n_bytes
            self._look(session, 0)
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            page.n_bytes -= n_received

    def _look(self, session: str, further_bytes: int) -> None:
        """Raise where what is held and has arrived, and `further_bytes`, would be too much."""
        held = self._held()
        arrived = {name: page.n_bytes for name, page in self._pages.items()}
        if held.get(session, 0) + arrived[session] + further_bytes > self._max_session_bytes:
            raise _RefusedError(413, "This page holds too many files; take some out first.")
        total = sum(held.values()) + sum(arrived.values()) + further_bytes
        if total > self._max_total_bytes:
            raise _RefusedError(
                503, "Mien is busy with other people's files; try again in a minute."
            )


def held_bytes() -> dict[str, int]:
    """Session id -> bytes of its uploads in this process."""
    if not runtime.exists():
        return {}
    storage = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(storage.items())
    }
