"""First start and every later one: tables, master key, default policies, published texts."""

from pathlib import Path

from sqlalchemy import Engine, Select, select

from db.audit import log as audit
from db.audit.chain import GENESIS_HASH, ChainHead
from db.audit.head import HeadFile
from db.database.migrate import upgrade
from db.errors import MasterKeyLostError
from db.policy.notices import publish_texts, texts_to_publish
from db.policy.retention import write_defaults
from db.seal.master_key import Keys, make_key_file, parse_master_key, read_key_file
from db.tables import StoreInfoRow
from db.types import Clock, Controller
from db.unit import reading, writing

KEY_CHECK = "key_check"


def set_up(
    engine: Engine,
    data_dir: Path,
    master_key: str | None,
    clock: Clock,
    controller: Controller,
) -> Keys:
    """Make the store ready and return its keys; safe to call from many processes at once.

    Raises:
        MasterKeyLostError: the store was made with another master key.
        KeyFileError: the key cannot be used as it is.
    """
    upgrade(engine)
    with reading(engine, clock) as unit:
        expected = unit.session.scalar(_key_check())
        ready = expected is not None and not texts_to_publish(unit.session, controller)
    keys = _find_keys(data_dir, master_key, expected)
    if not ready:
        _write_first_rows(engine, data_dir, keys, clock, controller)
    return keys


def _key_check() -> Select[str]:
    return select(StoreInfoRow.value).where(StoreInfoRow.name == KEY_CHECK)


def _find_keys(data_dir: Path, master_key: str | None, expected: str | None) -> Keys:
    secret = parse_master_key(master_key) if master_key else read_key_file(data_dir)
    if secret is None and expected is None:
        secret = make_key_file(data_dir)
    keys = Keys.derive(secret) if secret is not None else None
    if keys is None or (expected is not None and keys.check != expected):
        raise MasterKeyLostError(
            "The master key of this store is missing or another one; put the key file back into "
            "the data folder's secrets, or set MIEN_MASTER_KEY as it was."
        )
    return keys


def _write_first_rows(
    engine: Engine, data_dir: Path, keys: Keys, clock: Clock, controller: Controller
) -> None:
    head = HeadFile(data_dir, keys.audit)
    with writing(engine, clock=clock, audit_key=keys.audit, head=head) as unit:
        known = unit.session.scalar(_key_check())
        if known is None:
            # Before the commit: a crash between leaves a head that waits for its first row.
            head.write(ChainHead(0, GENESIS_HASH, 0))
            unit.session.add(StoreInfoRow(name=KEY_CHECK, value=keys.check))
            write_defaults(unit.session, unit.now)
            unit.log(audit.Action.STORE_CREATED, audit.SYSTEM)
        elif known != keys.check:
            raise MasterKeyLostError(
                "Another start made this store with another master key; use that key."
            )
        publish_texts(unit, controller)
