"""That nothing happens without a server, and that a failure is said once, not every 15 seconds.

That sessions go is seen in tests/e2e/test_hostile.py, and that what they held goes with them in
tests/e2e/test_privacy.py, with running servers.
"""

import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from ui.runtime import session_expiry
from ui.runtime.session_expiry import expire_sessions, let_go, start_expiry


def test_without_a_server_there_is_nothing_to_do() -> None:
    expire_sessions({})


def test_streamlits_storage_is_the_one_that_is_known() -> None:
    storage = MemorySessionStorage(ttl_seconds=1)
    assert storage._cache.expire() == []  # type: ignore[attr-defined]


class StubSession:
    """Counts how often it was shut down."""

    def __init__(self, name: str) -> None:
        self.id, self.n_shut_down = name, 0

    def shutdown(self) -> None:
        self.n_shut_down += 1


class StubServer:
    """Streamlit's real storage of closed sessions, with a clock, and who is connected."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.n_looks = 0
        self.active: list[StubSession] = []
        self._session_mgr = self.media_file_mgr = self
        self._session_storage = MemorySessionStorage()
        self._session_storage._cache = TTLCache(128, 120, timer=lambda: self.now_s)

    def close(self, session: StubSession) -> None:
        self._session_storage.save(SimpleNamespace(session=session))  # type: ignore[arg-type]

    def list_active_sessions(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(session=session) for session in self.active]

    def remove_orphaned_files(self) -> None:
        self.n_looks += 1


def test_a_closed_session_is_shut_down_once_when_its_time_is_over() -> None:
    server, closed = StubServer(), StubSession("a")
    waiting: dict[str, Any] = {}
    server.close(closed)
    for server.now_s in (15.0, 119.0, 121.0, 136.0):
        let_go(server, waiting)
    assert closed.n_shut_down == 1
    assert server.n_looks == 4  # nobody is connected
    assert waiting == {}


def test_one_that_streamlit_drops_itself_is_shut_down_too_and_one_that_came_back_is_not() -> None:
    server, dropped, back = StubServer(), StubSession("a"), StubSession("b")
    waiting: dict[str, Any] = {}
    server.close(dropped)
    server.now_s = 60.0
    server.close(back)
    let_go(server, waiting)
    server._session_storage.delete("b")
    server.active = [back]
    server.now_s = 125.0
    server.close(StubSession("c"))  # Streamlit looks for what is over when a page closes
    let_go(server, waiting)
    assert (dropped.n_shut_down, back.n_shut_down) == (1, 0)
    assert set(waiting) == {"c"}
    assert server.n_looks == 1  # only while nobody was connected


def test_a_failure_is_told_once_and_ends_the_looking(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[float] = []

    def fail(_waiting: object) -> None:
        calls.append(time.monotonic())
        raise AttributeError("_session_mgr")

    monkeypatch.setattr(session_expiry, "expire_sessions", fail)
    with caplog.at_level(logging.ERROR):
        stop = start_expiry(0.01)
        deadline = time.monotonic() + 10
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
    stop.set()
    assert len(calls) == 1
    assert [record.message for record in caplog.records] == [
        "sessions of closed pages cannot be let go"
    ]
