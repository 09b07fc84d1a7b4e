import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, StatementError

from db.consent.purge import purge
from db.database.engine import SQLITE_FILE_NAME, erase_traces, make_engine, translated_errors
from db.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreSettingError,
    StoreUnreachableError,
)
from db.store import Store, open_store
from services.person.consent import erase
from tests.db.fixtures import FakeClock, Opener
from tests.db.tools import actions, counts, raw
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
        unit.session.add(LeaseRow(name="x", holder="y", until=datetime(2026, 1, 1)))  # noqa: DTZ001
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


def test_a_table_that_another_process_holds_keeps_deleted_from_being_said(
    store: Store, open_again: Opener
) -> None:
    """PostgreSQL vacuums a table for one process at a time."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no VACUUM of one table")
    person = plant(store)
    with open_again().engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE subject IN SHARE UPDATE EXCLUSIVE MODE")
        assert not erase_traces(store.engine)
        assert not erase(store, person.code).done
        assert "ERASED" not in actions(store)
    assert purge(store).done
    assert actions(store).count("ERASED") == 1
