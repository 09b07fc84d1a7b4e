import threading
import time
from pathlib import Path

from db.audit import Action
from db.store import open_store
from services.review import AuditFilter, audit_page


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
    assert audit_page(store, AuditFilter(action=Action.EXPORTED.value)).total == 16
    store.close()


def test_a_failed_change_lets_the_next_one_in(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data")
    for _ in range(2):
        try:
            with store.write():
                raise KeyError("something else")
        except KeyError:
            pass
    with store.write() as unit:
        unit.log(Action.EXPORTED, "operator", {})
    store.close()
