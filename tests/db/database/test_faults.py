import sqlite3
import threading

import pytest
from sqlalchemy import event

from db.errors import (
    StoreBusyError,
    StoreFullError,
    StoreUnreachableError,
)
from db.store import Store
from tests.db.fixtures import Opener
from tests.db.tools import agree, analyse, counts, dump, files, raw, verified
from tests.db.traces import plant


def test_a_locked_database_says_so_and_loses_nothing(sqlite_store: Store) -> None:
    person = plant(sqlite_store)
    rows = dump(sqlite_store)
    before = files(sqlite_store)
    writer = raw(sqlite_store)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="try again"):
        analyse(sqlite_store, person.given.consent)
    writer.execute("ROLLBACK")
    writer.close()
    assert dump(sqlite_store) == rows
    assert files(sqlite_store) == before
    assert analyse(sqlite_store, person.given.consent).image_id


def test_a_second_writer_waits_for_the_first_on_both_engines(
    store: Store, open_again: Opener
) -> None:
    other = open_again()
    inside, order = threading.Event(), []

    def second() -> None:
        inside.wait()
        with other.write():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.write():
        inside.set()
        thread.join(timeout=0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_writer_that_waits_too_long_gives_up_on_both_engines(
    store: Store, open_again: Opener
) -> None:
    other = open_again()
    with store.write(), pytest.raises(StoreBusyError), other.write():
        raise AssertionError("two writers at once")


def test_two_writers_at_once_lose_nothing(store: Store, open_again: Opener) -> None:
    people = [agree(store) for _ in range(4)]
    failures: list[Exception] = []

    def write(own: Store, number: int) -> None:
        try:
            for _ in range(5):
                analyse(own, people[number].consent)
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=write, args=(open_again(), number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    rows = counts(store)
    assert rows["analysis"] == rows["stored_image"] == 20
    assert verified(store).ok


def test_a_full_disk_under_the_database_keeps_nothing_half(sqlite_store: Store) -> None:
    person = plant(sqlite_store)

    @event.listens_for(sqlite_store.engine, "checkout")
    def small(connection: sqlite3.Connection, *_args: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the present size

    state = (dump(sqlite_store), files(sqlite_store))

    def fill() -> None:
        nonlocal state
        for _ in range(50):
            analyse(sqlite_store, person.given.consent, result={"long": "x" * 9_000})
            state = (dump(sqlite_store), files(sqlite_store))

    with pytest.raises(StoreFullError, match="no space left"):
        fill()
    assert (dump(sqlite_store), files(sqlite_store)) == state
    assert verified(sqlite_store).ok


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_under_an_image_keeps_nothing_half(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    person = plant(store)
    rows, before = dump(store), files(store)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if call == "fsync":
            patch.setattr("db.seal.files.os.fsync", full)
        else:
            patch.setattr("db.seal.files.os.fdopen", full)
        with pytest.raises(StoreFullError, match="nothing was kept"):
            analyse(store, person.given.consent)
        with pytest.raises(StoreFullError):
            agree(store)
    assert dump(store) == rows
    assert files(store) == before
    assert verified(store).ok


def test_a_failed_commit_takes_its_files_back(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = plant(sqlite_store)
    before = files(sqlite_store)

    @event.listens_for(sqlite_store.engine, "commit")
    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(StoreFullError):
        analyse(sqlite_store, person.given.consent)
    event.remove(sqlite_store.engine, "commit", fail)
    assert files(sqlite_store) == before
    assert len(analyse(sqlite_store, person.given.consent).image_id or "") == 32


def test_a_lost_answer_to_a_commit_leaves_the_file_for_the_purge(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may have committed: removing the file then would lose a kept image."""
    from db.consent.purge import purge

    person = plant(store)
    before = files(store)

    @event.listens_for(store.engine, "commit")
    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("connection lost")

    with pytest.raises(StoreUnreachableError):
        analyse(store, person.given.consent)
    event.remove(store.engine, "commit", fail)
    lost = set(files(store)) - set(before)
    assert len(lost) == (0 if store.engine.dialect.name == "sqlite" else 1)
    assert purge(store).strays == len(lost)
    assert files(store) == before


def test_a_file_that_cannot_be_taken_back_is_left_for_the_purge(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person = plant(store)

    def refuse(*_args: object, **_kwargs: object) -> bool:
        raise OSError(5, "Input/output error")

    def fail() -> None:
        with store.write() as unit:
            unit.on_failure(lambda: store.vault.remove_images(["a" * 32]))
            raise RuntimeError("the change fails")

    with monkeypatch.context() as patch:
        patch.setattr("db.seal.vault.remove", refuse)
        with pytest.raises(RuntimeError, match="the change fails"):
            fail()
    assert "left for the next purge" in caplog.text
    assert person.code
