"""That nothing happens without a server, and that a failure is said once, not every 15 seconds.

That sessions go is seen in tests/e2e/test_hostile.py, and that what they held goes with them in
tests/e2e/test_forgotten.py, with running servers.
"""

import gc
import logging
import time
import weakref
from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.state import SessionState

from ui.runtime import session_expiry
from ui.runtime.session_expiry import ClosedPages, expire_sessions, let_go, start_expiry


def test_without_a_server_there_is_nothing_to_do() -> None:
    expire_sessions(ClosedPages())


def test_streamlits_storage_is_the_one_that_is_known() -> None:
    storage = MemorySessionStorage(ttl_seconds=1)
    assert storage._cache.expire() == []


class Picture:
    """Of a person."""


class StubSession:
    """Counts how often it was shut down; holds what a real session holds."""

    def __init__(self, name: str) -> None:
        self.id, self.n_shut_down = name, 0
        self._scriptrunner: object | None = None
        self._session_state = SessionState()
        self._fragment_storage = MemoryFragmentStorage()
        self._browser_queue = ForwardMsgQueue()
        self._client_state = ClientState()

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
        self._session_storage.save(SimpleNamespace(session=session))

    def list_active_sessions(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(session=session) for session in self.active]

    def remove_orphaned_files(self) -> None:
        self.n_looks += 1


def test_a_closed_session_is_shut_down_once_when_its_time_is_over() -> None:
    server, closed = StubServer(), StubSession("a")
    pages = ClosedPages()
    server.close(closed)
    for server.now_s in (15.0, 119.0, 121.0, 136.0):
        let_go(server, pages)
    assert closed.n_shut_down == 1
    assert server.n_looks == 4  # nobody is connected
    assert pages == ClosedPages()


def test_one_that_streamlit_drops_itself_is_shut_down_too_and_one_that_came_back_is_not() -> None:
    server, dropped, back = StubServer(), StubSession("a"), StubSession("b")
    pages = ClosedPages()
    server.close(dropped)
    server.now_s = 60.0
    server.close(back)
    let_go(server, pages)
    server._session_storage.delete("b")
    server.active = [back]
    server.now_s = 125.0
    server.close(StubSession("c"))  # Streamlit looks for what is over when a page closes
    let_go(server, pages)
    assert (dropped.n_shut_down, back.n_shut_down) == (1, 0)
    assert set(pages.waiting) == {"c"}
    assert server.n_looks == 1  # only while nobody was connected


def test_what_a_session_held_goes_once_its_page_runs_no_more() -> None:
    server, closed, pages = StubServer(), StubSession("a"), ClosedPages()
    closed._session_state["photo"] = held = Picture()
    closed._scriptrunner = object()
    seen = weakref.ref(held)
    del held
    server.close(closed)
    server.now_s = 121.0
    let_go(server, pages)
    assert closed.n_shut_down == 1
    assert seen() is not None  # its page still runs
    closed._scriptrunner = None
    let_go(server, pages)
    assert pages == ClosedPages()
    gc.collect()
    assert seen() is None


def test_a_failure_is_told_once_and_the_looking_goes_on(
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
    assert len(calls) > 1
    assert [record.message for record in caplog.records] == [
        "sessions of closed pages cannot be let go"
    ]
