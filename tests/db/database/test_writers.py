import threading
import time
from pathlib import Path

import pytest

from db.audit.log import Action
from db.errors import StoreBusyError
from db.store import open_store
from services.admin.review import AuditFilter, log_entries


def test_many_threads_write_at_once_and_none_is_turned_away(tmp_path: Path) -> None:
    """Each holds the store longer than another one would wait for SQLite."""
    store = open_store(tmp_path / "data", busy_timeout_ms=50)
    failures: list[Exception] = []
    start = threading.Barrier(16)

    def write() -> None:
        start.wait()
        try:
            with store.write() as unit:
                unit.log(Action.EXPORTED, "operator", {})
                time.sleep(0.06)
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=write) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert log_entries(store, AuditFilter(action=Action.EXPORTED.value))[1] == 16
    store.close()


def test_a_thread_that_waits_too_long_for_others_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "data")
    monkeypatch.setattr("db.store._WRITERS_TIMEOUT_S", 0.01)
    told: list[Exception] = []

    def second() -> None:
        try:
            with store.write():
                raise AssertionError("two writers at once")
        except StoreBusyError as exc:
            told.append(exc)

    with store.write() as unit:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(60)
        unit.log(Action.EXPORTED, "operator", {})
    assert [str(exc) for exc in told] == [
        "The store is busy with other changes; wait a few seconds and try again."
    ]
    with store.write() as unit:  # the one that gave up holds nothing
        unit.log(Action.EXPORTED, "operator", {})
    store.close()


def test_a_failed_change_lets_the_next_one_in(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data")
    for _ in range(2):
        with pytest.raises(KeyError), store.write():
            raise KeyError("something else")
    with store.write() as unit:
        unit.log(Action.EXPORTED, "operator", {})
    store.close()
