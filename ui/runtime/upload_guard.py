"""Bounds what uploads take of this process' memory, before a byte of them is read.

Streamlit keeps uploads in memory and takes any number of them from whoever has opened a page,
whether or not a page asked for a file (1.67: `MemoryUploadedFileManager`). This ASGI middleware
counts what a session and all sessions hold and refuses what would be too much.
"""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from streamlit import runtime

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_UPLOAD: Final = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/[^/]+/?$")


class UploadGuard:
    """Refuses uploads without a length (411) and those that would hold too much (413, 503).

    Args:
        app: the app behind it.
        max_session_bytes: of all uploads of one open page.
        max_total_bytes: of all uploads of all pages of this process.
        held: bytes that each session holds; another one for tests.
    """

    def __init__(
        self,
        app: App,
        *,
        max_session_bytes: int,
        max_total_bytes: int,
        held: Callable[[], dict[str, int]] | None = None,
    ) -> None:
        """Nothing is under way."""
        self._app, self._held = app, held or held_bytes
        self._max_session_bytes, self._max_total_bytes = max_session_bytes, max_total_bytes
        # Uploads that are being received count, too: many at once must not slip through.
        self._coming: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but uploads that are too much."""
        found = _UPLOAD.search(scope.get("path", "")) if scope["type"] == "http" else None
        if found is None or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        session, length = found["session"], _content_length(scope)
        if length is None:
            await _answer(send, 411, "Say how long the file is.")
            return
        refusal = self._refusal(session, length)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        self._coming[session] = self._coming.get(session, 0) + length
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= length
            if self._coming[session] <= 0:
                del self._coming[session]

    def _refusal(self, session: str, length: int) -> tuple[int, str] | None:
        held = self._held()
        own = held.get(session, 0) + self._coming.get(session, 0)
        if own + length > self._max_session_bytes:
            return 413, "This page holds too many files; take some out first."
        if sum(held.values()) + sum(self._coming.values()) + length > self._max_total_bytes:
            return 503, "Mien is busy with other people's files; try again in a minute."
        return None


def held_bytes() -> dict[str, int]:
    """Session id -> bytes of its uploads in this process."""
    if not runtime.exists():
        return {}
    storage = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(storage.items())
    }


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None


async def _answer(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
