"""The store: one object that travels as an argument and opens transactions."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from db.audit.head import HeadFile
from db.database.engine import BUSY_TIMEOUT_MS, make_engine, translated_errors
from db.errors import StoreBusyError
from db.seal.master_key import Keys
from db.seal.vault import Vault
from db.setup import set_up
from db.types import Clock, Controller, utc_now
from db.unit import ReadUnit, WriteUnit, reading, writing

# So long a thread waits for other threads of its process before it gives up.
_WRITERS_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, eq=False)
class Store:
    """All that a function needs to keep, find and remove data. Safe to share among threads.

    Attributes:
        engine: of the database.
        data_dir: folder of all files.
        keys: derived keys.
        vault: sealed files.
        head: end of the audit chain outside the database.
        clock: says the time, aware; injected in tests.
        controller: who answers for what is kept; in the published texts and on receipts.
    """

    engine: Engine
    data_dir: Path
    keys: Keys
    vault: Vault
    head: HeadFile
    clock: Clock
    controller: Controller
    _one_writer: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read(self) -> AbstractContextManager[ReadUnit]:
        """Open a look at the store; see `db.unit.reading`."""
        return reading(self.engine, self.clock)

    @contextmanager
    def write(self) -> Iterator[WriteUnit]:
        """Open a change; see `db.unit.writing`.

        Threads of this process queue up before they ask the database, which would let in whoever
        asks at the right moment and leave others out until their time is over: SQLite's waiting
        is a poll, and with fifty users some never had luck.
        """
        if not self._one_writer.acquire(timeout=_WRITERS_TIMEOUT_S):
            raise StoreBusyError(
                "The store is busy with other changes; wait a few seconds and try again."
            )
        try:
            with writing(
                self.engine, clock=self.clock, audit_key=self.keys.audit, head=self.head
            ) as unit:
                yield unit
        finally:
            self._one_writer.release()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(
    data_dir: Path,
    *,
    database_url: str | None = None,
    master_key: str | None = None,
    clock: Clock = utc_now,
    controller: Controller | None = None,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
) -> Store:
    """Open the store, making it or bringing it up to date first where needed.

    Args:
        data_dir: folder of all files; made with rights for its owner only.
        database_url: PostgreSQL, where it is not to be the SQLite file in `data_dir`.
        master_key: 32 bytes in base64; without it the key file in `data_dir` is used.
        clock: says the time, aware.
        controller: named in the texts; another one than before makes new versions of them.
        busy_timeout_ms: how long to wait for other writers.

    Raises:
        MasterKeyLostError: the store was made with another key than the one at hand.
        KeyFileError: the key cannot be used as it is.
        StoreError: the database does not answer or a needed setting was not taken.
    """
    controller = controller or Controller()
    with translated_errors():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = make_engine(data_dir, database_url, busy_timeout_ms=busy_timeout_ms)
        try:
            keys = set_up(engine, data_dir, master_key, clock, controller)
        except BaseException:
            engine.dispose()
            raise
    return Store(
        engine=engine,
        data_dir=data_dir,
        keys=keys,
        vault=Vault(data_dir, keys.wrap),
        head=HeadFile(data_dir, keys.audit),
        clock=clock,
        controller=controller,
    )
