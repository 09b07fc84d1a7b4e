import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, StatementError

from db.engine import SQLITE_FILE_NAME, erase_traces, make_engine, translated_errors
from db.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreSettingError,
    StoreUnreachableError,
)
from db.store import Store, open_store
from tests.db.fixtures import FakeClock, Opener
from tests.db.tools import agree, analyse, counts, dump, files, raw, verified
from tests.db.traces import found, plant

SETTINGS = {"journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1, "synchronous": 2}


def test_every_pooled_connection_has_the_settings(sqlite_store: Store) -> None:
    connections = [sqlite_store.engine.connect() for _ in range(5)]
    for connection in connections:
        for name, value in SETTINGS.items():
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 300
    for connection in connections:
        connection.close()


def test_a_connection_that_does_not_take_a_setting_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a build of SQLite without secure_delete, or a file system without WAL, would."""

    class Stubborn(sqlite3.Connection):
        def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
            return super().execute("SELECT 0" if sql.endswith("secure_delete = 1") else sql, *args)

    data_dir.mkdir()
    engine = make_engine(data_dir)
    engines_connect = sqlite3.connect

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, args: tuple, kwargs: dict) -> Stubborn:
        made = engines_connect(*args, **kwargs, factory=Stubborn)
        sqlite3.Connection.execute(made, "PRAGMA secure_delete = 0")
        return made

    with pytest.raises(StoreSettingError, match="secure_delete = 1"):
        engine.connect()
    engine.dispose()


def test_foreign_keys_hold(store: Store) -> None:
    with pytest.raises(StoreError), store.write() as unit:
        unit.session.execute(
            text(
                "INSERT INTO consent_record VALUES ('a', 'nobody', 'b', 'c', 'd', "
                "'2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01', NULL)"
            )
        )
    assert counts(store)["consent_record"] == 0


def test_naive_times_are_refused(store: Store) -> None:
    from datetime import datetime

    from db.tables import LeaseRow

    with pytest.raises(StatementError, match="must be aware") as caught, store.write() as unit:
        unit.session.add(LeaseRow(name="x", holder="y", until=datetime(2026, 1, 1)))
    assert "datetime" not in str(caught.value)  # no value reaches an error's text
    assert counts(store)["lease"] == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://host/name", "not supported"),
        ("sqlite://", "not supported"),
        ("sqlite:///:memory:", "not supported"),
    ],
)
def test_addresses_that_will_not_do(data_dir: Path, url: str, words: str) -> None:
    with pytest.raises(StoreUnreachableError, match=words):
        open_store(data_dir, database_url=url)


def test_a_sqlite_address_is_taken_as_it_is(quick_dir: Path, clock: FakeClock) -> None:
    store = open_store(
        quick_dir / "data", database_url=f"sqlite:///{quick_dir}/elsewhere.db", clock=clock
    )
    plant(store)
    store.close()
    assert (quick_dir / "elsewhere.db").exists()
    assert not (quick_dir / "data" / SQLITE_FILE_NAME).exists()


def test_a_server_that_does_not_answer(data_dir: Path) -> None:
    with pytest.raises(StoreUnreachableError, match="does not answer"):
        open_store(data_dir, database_url="postgresql://nobody@127.0.0.1:9/none")


def test_a_file_that_is_no_database(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / SQLITE_FILE_NAME).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError):
        open_store(data_dir)


def test_a_folder_that_may_not_be_written(quick_dir: Path) -> None:
    (quick_dir / "data").write_text("a file in the place of the folder")
    with pytest.raises(StoreUnreachableError, match="data folder"):
        open_store(quick_dir / "data")


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
            patch.setattr("db.files.os.fsync", full)
        else:
            patch.setattr("db.files.os.fdopen", full)
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
    from db.purge import purge

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
        patch.setattr("db.vault.remove", refuse)
        with pytest.raises(RuntimeError, match="the change fails"):
            fail()
    assert "left for the next purge" in caplog.text
    assert person.code


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (sqlite3.OperationalError("database is locked"), StoreBusyError),
        (sqlite3.OperationalError("database or disk is full"), StoreFullError),
        (sqlite3.OperationalError("unable to open database file"), StoreUnreachableError),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), StoreUnreachableError),
        (IntegrityError("INSERT", {}, Exception("constraint")), StoreUnreachableError),
        (OSError(122, "Disk quota exceeded"), StoreFullError),
        (PermissionError(13, "Permission denied"), StoreUnreachableError),
    ],
)
def test_what_drivers_raise_becomes_a_sentence(exc: Exception, expected: type[StoreError]) -> None:
    with pytest.raises(expected, match=r"\.$") as caught, translated_errors():
        raise exc
    assert caught.value.__cause__ is exc
    assert "UNIQUE" not in str(caught.value)


def test_the_write_ahead_log_is_empty_after_erasing_traces(sqlite_store: Store) -> None:
    plant(sqlite_store)
    wal = sqlite_store.data_dir / f"{SQLITE_FILE_NAME}-wal"
    assert wal.stat().st_size > 0
    assert erase_traces(sqlite_store.engine)
    assert wal.stat().st_size == 0
    with sqlite_store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 300


def test_without_secure_delete_the_search_would_find_something(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings matter: with SQLite's own default the same deletion leaves bytes behind."""
    person = plant(sqlite_store)
    sqlite_store.close()
    connection = raw(sqlite_store)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("DELETE FROM analysis")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    sealed = {"sealed result": person.needles["sealed result"]}
    assert found(sqlite_store.data_dir, sealed)
