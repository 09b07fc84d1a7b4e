"""That nothing happens without a server, and that a failure is said once, not every 15 seconds.

That sessions go is seen in tests/e2e/test_hostile.py, with a running server.
"""

import logging
import time

import pytest
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from ui import session_expiry
from ui.session_expiry import expire_sessions, start_expiry


def test_without_a_server_there_is_nothing_to_do() -> None:
    expire_sessions()


def test_streamlits_storage_is_the_one_that_is_known() -> None:
    storage = MemorySessionStorage(ttl_seconds=1)
    assert storage._cache.expire() == []  # type: ignore[attr-defined]


def test_a_failure_is_told_once_and_ends_the_looking(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[float] = []

    def fail() -> None:
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
