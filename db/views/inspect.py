"""A look at a store from outside: what is there and whether it fits, changing nothing."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.audit.chain import parse_stamp
from db.database.engine import database_file, make_engine, translated_errors
from db.database.migrate import newest_revision
from db.seal.master_key import Keys, parse_master_key, read_key_file
from db.store import KEY_CHECK
from db.tables import StoreInfoRow


@dataclass(frozen=True)
class StoreFacts:
    """What a store is like; the revision of its tables is None where there are none yet.

    `key_fits` is None where it cannot be told whether the store was made with the master key
    found.
    """

    revision: str | None
    wanted_revision: str
    key_found: bool
    key_fits: bool | None
    newest_row_at: datetime | None


def inspect_store(data_dir: Path, database_url: str | None, master_key: str | None) -> StoreFacts:
    """Look at the store of these settings; makes neither folder nor database nor key.

    Raises:
        StoreError: the database does not answer, or the key cannot be used.
    """
    secret = parse_master_key(master_key) if master_key else read_key_file(data_dir)
    keys = Keys.derive(secret) if secret is not None else None
    wanted = newest_revision()
    file = database_file(data_dir, database_url)
    if file is not None and not file.exists():
        return StoreFacts(None, wanted, keys is not None, None, None)
    engine, known, last = make_engine(data_dir, database_url, look_only=True), None, None
    try:
        with translated_errors(), Session(engine) as session:
            revision = MigrationContext.configure(session.connection()).get_current_revision()
            if revision == wanted:
                known = session.get(StoreInfoRow, KEY_CHECK)
                last = audit.last_row(session)
    finally:
        engine.dispose()
    fits = None if known is None else keys is not None and keys.check == known.value
    newest = None if last is None else parse_stamp(last.ts_utc)
    return StoreFacts(revision, wanted, keys is not None, fits, newest)
