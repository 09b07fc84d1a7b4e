"""Engines whose every connection deletes for real, and the words for what they refuse.

SQLite's own defaults keep deleted bytes in the file (secure_delete off) and in the write-ahead
log (until it is truncated); both settings belong to a connection, so each one is set and read
back whenever the pool opens one.
"""

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError, TimeoutError

from db.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreSettingError,
    StoreUnreachableError,
)

SQLITE_FILE_NAME = "mien.sqlite3"
BUSY_TIMEOUT_MS = 5_000
IMMEDIATE = "mien_immediate"
# "mien" in hexadecimal of ASCII; any number will do that nothing else in the database uses.
ADVISORY_LOCK_ID = 0x6D69656E
VACUUMED = ("analysis", "stored_image", "consent_record", "subject", "erasure_job")
TRACES_ATTEMPTS = 3  # what is in the way is mostly gone the next moment
TRACES_PAUSE_S = 0.05


def database_file(data_dir: Path, database_url: str | None = None) -> Path | None:
    """Where the SQLite file lies; None where the database is on a server."""
    url = _checked_url(database_url) if database_url else _sqlite_url(data_dir)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def make_engine(
    data_dir: Path,
    database_url: str | None = None,
    *,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    look_only: bool = False,
) -> Engine:
    """Return an engine for the file in `data_dir`, or for `database_url`.

    `postgresql://…` is taken to mean psycopg 3. With `look_only` no file is made and every change
    is refused.

    Raises:
        StoreUnreachableError: the URL is not one, or names another database than SQLite (as a
            file) or PostgreSQL.
    """
    url = _checked_url(database_url) if database_url else _sqlite_url(data_dir)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, busy_timeout_ms, look_only=look_only)
    # In UTC, so that the server's idea of a day is ours.
    options = f"-c lock_timeout={busy_timeout_ms} -c timezone=UTC"
    if look_only:
        options += " -c default_transaction_read_only=on"
    given = url.query.get("options", "")
    return create_engine(
        url,
        hide_parameters=True,  # values must not reach a log with an error's text
        pool_pre_ping=True,
        connect_args={"options": f"{given} {options}".strip()},
    )


def _sqlite_url(data_dir: Path) -> URL:
    return URL.create("sqlite", database=str(data_dir / SQLITE_FILE_NAME))


def _checked_url(database_url: str) -> URL:
    advice = "give MIEN_DATABASE_URL as postgresql://user:password@host/name or leave it out"
    try:
        url = make_url(database_url)
    except SQLAlchemyError as exc:
        raise StoreUnreachableError(f"The database address cannot be read; {advice}.") from exc
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    in_memory = url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")
    if in_memory or url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreUnreachableError(f"This kind of database is not supported; {advice}.")
    return url


def _sqlite_engine(url: URL, busy_timeout_ms: int, *, look_only: bool) -> Engine:
    if look_only:
        query = {"mode": "rw", "uri": "true"}
        url = url.set(database=f"file:{quote(url.database or '')}", query=query)
    elif url.database is not None:
        _make_private(Path(url.database))
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": busy_timeout_ms / 1000}
    )
    _configure_sqlite(engine, busy_timeout_ms, look_only=look_only)
    return engine


def _make_private(path: Path) -> None:
    """Let nobody but its owner into the file, in whatever folder; its log files follow it."""
    with contextlib.suppress(OSError):  # the connection says what is wrong with it
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).chmod(0o600)


def _configure_sqlite(engine: Engine, busy_timeout_ms: int, *, look_only: bool) -> None:
    wanted = (
        {"busy_timeout": busy_timeout_ms, "query_only": 1}
        if look_only
        else {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "secure_delete": 1,
            "synchronous": 2,
            "busy_timeout": busy_timeout_ms,
        }
    )

    @event.listens_for(engine, "connect")
    def set_and_read_back(dbapi_connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own BEGIN comes too late (at the first write); ours is sent below.
        dbapi_connection.isolation_level = None
        for name, value in reversed(wanted.items()):  # busy_timeout first: WAL needs a lock
            dbapi_connection.execute(f"PRAGMA {name} = {value}")
        for name, value in wanted.items():
            got = dbapi_connection.execute(f"PRAGMA {name}").fetchone()[0]
            if got != value:
                raise StoreSettingError(
                    f"SQLite did not take {name} = {value} (it says {got}), so deletion could not "
                    "be promised; use a local file system and a standard build of SQLite."
                )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes can fail half-way; ours never does.
        immediate = connection.get_execution_options().get(IMMEDIATE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def is_sqlite(engine: Engine) -> bool:
    """Whether `engine` speaks to SQLite."""
    return engine.dialect.name == "sqlite"


def lock_writers(connection: Connection) -> None:
    """On PostgreSQL, let one writer in at a time, as BEGIN IMMEDIATE does on SQLite."""
    if connection.dialect.name == "postgresql":
        # One lock for each schema, because a server may hold several stores.
        lock = text("SELECT pg_advisory_xact_lock(:id, hashtext(current_schema()))")
        connection.execute(lock, {"id": ADVISORY_LOCK_ID})


def erase_traces(engine: Engine) -> bool:
    """Remove from the database's files what deleted rows left there; return whether it was done.

    SQLite: the write-ahead log is copied back and cut to zero bytes. PostgreSQL: VACUUM; its own
    write-ahead log is recycled by the server, which is why content is sealed as well. It is not
    done where a reader is still in an old state, or another process is at the same work; try again
    later.
    """
    cut = _truncate_wal if is_sqlite(engine) else _vacuum
    for attempt in range(TRACES_ATTEMPTS):
        if attempt:
            time.sleep(TRACES_PAUSE_S)
        with translated_errors():
            if cut(engine):
                return True
    return False


def _vacuum(engine: Engine) -> bool:
    try:
        with (
            translated_errors(),
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            for table in VACUUMED:
                connection.exec_driver_sql(f"VACUUM {table}")
    except StoreBusyError:  # two processes cannot vacuum one table at once
        return False
    return True


def _truncate_wal(engine: Engine) -> bool:
    raw = engine.raw_connection()
    try:
        # A checkpoint waits busy_timeout for readers; a page's request should not.
        cursor = raw.cursor()
        before_ms = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 200")
        try:
            busy, _log_pages, _moved = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before_ms}")
        return bool(busy == 0)
    finally:
        raw.close()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what drivers and the file system raise into errors that say what to do."""
    try:
        yield
    except (DBAPIError, TimeoutError, sqlite3.Error) as exc:
        raise _translated(exc) from exc
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFullError(_NO_SPACE) from exc
        if exc.errno == errno.EFBIG:
            raise StoreFullError(_NO_GROWING) from exc
        raise StoreUnreachableError(
            "A file of the store cannot be read or written; check that the data folder exists and "
            "belongs to the account that runs Mien."
        ) from exc


_NO_SPACE = (
    "There is no space left to store this; free some on the disk that holds the data folder and "
    "try again – nothing was kept."
)
_NO_GROWING = (
    "The disk did not take what was to be written; check for a limit on the size of files "
    "(`ulimit -f`), a full disk and errors of the disk, and try again."
)


def _translated(exc: Exception) -> StoreError:
    words = str(exc).lower()
    if "database or disk is full" in words or "no space left" in words:
        return StoreFullError(_NO_SPACE)
    if "disk i/o error" in words:
        return StoreFullError(_NO_GROWING)
    if "malformed" in words or "not a database" in words:
        return StoreUnreachableError(
            "The database file is damaged; put it back from a backup, and then run "
            "`mien store verify`."
        )
    busy = ("database is locked", "table is locked", "lock timeout", "pool limit")
    if any(sign in words for sign in busy):
        return StoreBusyError(
            "The store is busy with another change; wait a few seconds and try again."
        )
    if isinstance(exc, OperationalError | sqlite3.OperationalError):
        return StoreUnreachableError(
            "The database does not answer; check that it is running, that its address is right "
            "and that its file may be written."
        )
    return StoreUnreachableError(
        "The database refused a change; run `mien store verify` and look at the server's log."
    )
