"""The store: one object that travels as an argument and opens transactions; and its making.

First rows are made only where there is no database, no end of a log and no key. Anything else
that lacks a part is not made whole by starting it: that would hide what somebody took away.
"""

import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Engine, inspect, select, text

from core.errors import DAMAGE
from db.audit import log as audit
from db.audit.chain import ChainHead
from db.audit.head import BEGINNING, HEAD_FILE, HeadFile, head_lock
from db.database.engine import (
    BUSY_TIMEOUT_MS,
    database_file,
    make_engine,
    translated_errors,
)
from db.database.migrate import is_newest, upgrade
from db.errors import (
    MasterKeyLostError,
    StoreBusyError,
    StoreFullError,
    StoreMissingError,
    StoreTamperedError,
)
from db.policy.integrity import sign_old_rows
from db.policy.notices import publish_texts, texts_to_publish
from db.policy.retention import write_defaults
from db.seal.files import give_up_reserve, hold_reserve
from db.seal.master_key import KEY_BYTES, Keys, make_key_file, parse_master_key, read_key_file
from db.seal.vault import Vault
from db.tables import Base, StoreInfoRow
from db.types import Clock, Controller, utc_now
from db.unit import ReadUnit, WriteUnit, reading, writing

T = TypeVar("T")
KEY_CHECK: Final = "key_check"
# So long a thread waits for other threads of its process before it gives up.
_WRITERS_TIMEOUT_S: Final = 60.0
_ANOTHER_KEY: Final = "Another start made this store with another master key; use that key."
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Store:
    """All that a function needs to keep, find and remove data. Safe to share among threads.

    All files lie in `data_dir`; `clock` says the time, aware; `controller`, who answers for what
    is kept, stands in the published texts and on receipts.
    """

    engine: Engine
    data_dir: Path
    keys: Keys
    clock: Clock = utc_now
    controller: Controller = field(default_factory=Controller)
    vault: Vault = field(init=False)
    head: HeadFile = field(init=False)
    _one_writer: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vault", Vault(self.data_dir, self.keys.wrap))
        object.__setattr__(self, "head", HeadFile(self.data_dir, self.keys.audit))

    def read(self) -> AbstractContextManager[ReadUnit]:
        """Open a look at the store; see `db.unit.reading`."""
        return reading(self.engine, self.clock, self.keys)

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
            with writing(self.engine, clock=self.clock, keys=self.keys, head=self.head) as unit:
                yield unit
        finally:
            self._one_writer.release()

    def urgently(self, act: Callable[[], T]) -> T:
        """Do what removes data, if need be in the space that is held back for it; maybe twice.

        Raises:
            StoreFullError: not even that was enough; nothing is forgotten by it.
        """
        with translated_errors():
            give_up_reserve(self.data_dir, if_tight=True)
        try:
            return act()
        except StoreFullError as exc:
            with translated_errors():
                if give_up_reserve(self.data_dir, if_tight=False):
                    return act()
            raise StoreFullError(
                "The disk is full, so this could not be written down and is not done yet; free "
                "some space, then ask again."
            ) from exc

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

    `database_url` is PostgreSQL's, where it is not to be the SQLite file in `data_dir`, which is
    made for its owner only. Without `master_key`, 32 bytes in base64, the key file there is used.
    Another controller than before makes new versions of the texts.

    Raises:
        MasterKeyLostError: the store was made with another key than the one at hand.
        KeyFileError: the key cannot be used as it is.
        StoreTamperedError: database, key or end of the log are gone while the others stand.
        StoreError: the database does not answer or a needed setting was not taken.

    Examples:
        >>> import tempfile
        >>> from db.policy.retention import policy_days, set_days
        >>> from db.types import Kind
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store: Store = open_store(Path(folder) / "data")
        ...     with store.write() as unit:  # with its row in the audit log, or not at all
        ...         _ = set_days(unit, Kind.IMAGE, 7, by="admin:1")
        ...     with store.read() as look:
        ...         policy_days(look.session)[Kind.IMAGE], audit.last_row(look.session).action
        ...     store.close()
        (7, 'RETENTION_CHANGED')
    """
    with translated_errors():
        keys = _keys(data_dir, database_url, master_key)
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = make_engine(data_dir, database_url, busy_timeout_ms=busy_timeout_ms)
        try:
            upgrade(engine)
            keys = keys or _begin(data_dir, master_key)
            store = Store(engine, data_dir, keys, clock, controller or Controller())
            _set_up(store)
        except BaseException:
            engine.dispose()
            raise
    hold_reserve(data_dir)
    return store


def look_at_store(
    data_dir: Path, *, database_url: str | None = None, master_key: str | None = None
) -> Store:
    """Open a store that is there for reading: nothing is made, migrated or published.

    Raises:
        StoreMissingError: there is none, or its tables are of another version.
        StoreError: as for `open_store`.
    """
    with translated_errors():
        keys = _keys(data_dir, database_url, master_key)
        if keys is None:
            raise StoreMissingError(
                "There is no store here; check MIEN_DATA_DIR and MIEN_DATABASE_URL."
            )
        engine = make_engine(data_dir, database_url, look_only=True)
        if not is_newest(engine):
            engine.dispose()
            raise StoreMissingError(
                "The tables of this store are of another version of Mien; start Mien once to "
                "bring them up to date."
            )
    return Store(engine, data_dir, keys)


def _keys(data_dir: Path, database_url: str | None, master_key: str | None) -> Keys | None:
    """The keys of a store that is there; None where it is yet to be made. Changes nothing.

    Raises:
        MasterKeyLostError: the store was made with another key than the one at hand.
        StoreTamperedError: something is there, and something that belongs to it is not.
    """
    try:
        return _keys_at_a_look(data_dir, database_url, master_key)
    except (MasterKeyLostError, StoreTamperedError):
        # Another process may have been making the store between our looks at its parts.
        return _keys_at_a_look(data_dir, database_url, master_key)


def _keys_at_a_look(
    data_dir: Path, database_url: str | None, master_key: str | None
) -> Keys | None:
    # In the order in which a first start is seen from behind: database, end of the log, key.
    secret = parse_master_key(master_key) if master_key else read_key_file(data_dir)
    keys = Keys.derive(secret) if secret is not None else None
    lost = _lost_where_there_is_no_database(data_dir, keys, given=bool(master_key))
    check, has_rows = _in_database(data_dir, database_url)
    if check is not None:
        if keys is None or keys.check != check:
            raise MasterKeyLostError(
                "The master key of this store is missing or another one; put the key file back "
                "into the data folder's secrets, or set MIEN_MASTER_KEY as it was."
            )
        return keys
    if has_rows:
        raise StoreTamperedError(
            "The database no longer says which key it belongs to: somebody changed it from "
            "outside. Keep a copy of it for the investigation and restore a backup."
        )
    if lost:
        raise StoreTamperedError(
            f"There was a store here, and {lost} gone. Put back what is missing from a backup; "
            "to begin a new store, choose another data folder."
        )
    return None


def _lost_where_there_is_no_database(data_dir: Path, keys: Keys | None, *, given: bool) -> str:
    """What else is gone where the database is empty; "" where nothing says that it ever was."""
    path = data_dir / HEAD_FILE
    if not path.exists():
        made_here = keys is not None and not given
        return "its database and the end of its log (audit/head.json) are" if made_here else ""
    # A first start that was cut off leaves a head from before the first row, maybe without key.
    if keys is not None:
        begun = HeadFile(data_dir, keys.audit).read() == BEGINNING
        return "" if begun else "its database is"
    return "" if _before_first_row(path) else "its database and its master key are"


def _before_first_row(head_path: Path) -> bool:
    try:
        return bool(json.loads(head_path.read_text("utf-8"))["seq"] == 0)
    except DAMAGE:
        return False


def _in_database(data_dir: Path, database_url: str | None) -> tuple[str | None, bool]:
    """The mark of the key, and whether there is any row; changes nothing."""
    file = database_file(data_dir, database_url)
    if file is not None and not file.exists():
        return None, False
    engine = make_engine(data_dir, database_url, look_only=True)
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
            rows = (
                connection.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first()
                for name in sorted(tables)
            )
            check = None
            if StoreInfoRow.__tablename__ in tables:
                wanted = select(StoreInfoRow.value).where(StoreInfoRow.name == KEY_CHECK)
                check = connection.scalar(wanted)
            return check, check is not None or any(row is not None for row in rows)
    finally:
        engine.dispose()


def _begin(data_dir: Path, master_key: str | None) -> Keys:
    """Make head file and key of a new store; the key last, so that it never stands alone."""
    with head_lock(data_dir):
        secret = parse_master_key(master_key) if master_key else read_key_file(data_dir)
        fresh = secret or secrets.token_bytes(KEY_BYTES)
        keys = Keys.derive(fresh)
        head = HeadFile(data_dir, keys.audit)
        # Another start may have been faster, and further.
        if head.read() is None:
            if head.path.exists() and (secret or not _before_first_row(head.path)):
                raise MasterKeyLostError(_ANOTHER_KEY)
            head.write(BEGINNING)
        if secret is None:
            make_key_file(data_dir, fresh)
    return keys


def _set_up(store: Store) -> None:
    """Write what rows every store has; safe to call from many processes at once."""
    with store.read() as look:
        known = look.session.get(StoreInfoRow, KEY_CHECK)
        signed = audit.generation(look.session)
        ready = known and signed and not texts_to_publish(look.session, store.controller)
    if not ready:
        with store.write() as unit:
            _first_rows(unit, store.keys)
            publish_texts(unit, store.controller)
    _check_head(store)


def _first_rows(unit: WriteUnit, keys: Keys) -> None:
    known = unit.session.get(StoreInfoRow, KEY_CHECK)
    if known is not None and known.value != keys.check:
        raise MasterKeyLostError(_ANOTHER_KEY)
    if known is None:
        unit.session.add(StoreInfoRow(name=KEY_CHECK, value=keys.check))
        write_defaults(unit.session, unit.now)
        details = {"generation": BEGINNING.generation or 0}
        unit.log(audit.Action.STORE_CREATED, audit.SYSTEM, details)
    elif not audit.generation(unit.session):
        sign_old_rows(unit)


def _check_head(store: Store) -> None:
    """Finish a first start that was cut off after its commit; say so where rows were cut off."""
    head = store.head.read()
    with store.read() as look:
        last = audit.last_row(look.session)
        first_rows = (audit.Action.STORE_CREATED, audit.Action.NOTICE_PUBLISHED)
        if head == BEGINNING and last and audit.only(look.session, first_rows):
            store.head.advance(ChainHead(last.seq, last.hash, last.seq))
        elif head is None or audit.hash_at(look.session, head.seq) != head.hash:
            logger.error("the audit log does not fit its end; run `mien store verify`")
