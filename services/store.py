"""Opens the store, says whether its log is whole, and mends what an operator has to mend."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.config import Settings
from db.audit import log as audit
from db.audit.chain import ChainHead, ChainStatus
from db.database.engine import database_file
from db.policy import integrity
from db.store import Store, look_at_store, open_store
from db.types import Controller, Kind
from db.views import statistics
from db.views.inspect import StoreFacts, inspect_store

__all__ = ["ChainHead", "ChainStatus", "Store", "StoreFacts", "open_store"]


def controller_of(settings: Settings) -> Controller:
    """Who answers for what is kept, as the operator has set it."""
    return Controller(
        settings.controller_name, settings.controller_address, settings.controller_contact
    )


def _access(settings: Settings) -> dict[str, Any]:
    """Where the database is, if not in the data folder, and the master key, if not there."""
    key = settings.master_key
    return {
        "database_url": settings.database_url,
        "master_key": key.get_secret_value() if key else None,
    }


def open_store_of(settings: Settings) -> Store:
    """`db.store.open_store` as the settings say."""
    access = _access(settings)
    return open_store(settings.data_dir, controller=controller_of(settings), **access)


def open_store_if_there(settings: Settings) -> Store | None:
    """`open_store_of` for commands that need no store: None where none has been made."""
    file = database_file(settings.data_dir, settings.database_url)
    return open_store_of(settings) if file is None or file.exists() else None


def look_at_store_of(settings: Settings) -> Store:
    """`db.store.look_at_store` as the settings say."""
    return look_at_store(settings.data_dir, **_access(settings))


def inspect_store_of(settings: Settings) -> StoreFacts:
    """`db.views.inspect.inspect_store` as the settings say."""
    return inspect_store(settings.data_dir, **_access(settings))


@dataclass(frozen=True)
class StoreSummary:
    """What an operator wants to know at a glance."""

    data_dir: Path
    database: str
    subjects: int
    results: int
    images: int
    image_bytes: int


def chain_status(store: Store, expected: ChainHead | None = None) -> ChainStatus:
    """Check the whole audit chain, the rows that decide, and SQLite's pages.

    `expected` is an end noted earlier, elsewhere (`ChainStatus.end`); without it the head file's
    is taken. Only this shows that database and head file were both put back to an older state.
    """
    # Before the look: rows that come between are newer than the head, which is fine.
    head = expected or store.head.read()
    with store.read() as look:
        damage = integrity.damaged_pages(look.session)
        if damage:
            return ChainStatus(False, 0, None, damage, None)
        found = audit.verify(look.session, store.keys.audit, head)
        forged = integrity.forgeries(look.session) if found.ok else ()
    return replace(found, ok=False, problem=" ".join(forged)) if forged else found


def reanchor(store: Store) -> ChainStatus:
    """Accept the present end of the chain and the present clock, and say so in the log.

    For after a known restore from a backup, and after a clock that had been wrong. Rows that do
    not fit stay found: they cannot be mended. Returns the status afterwards.
    """
    before = store.head.read()
    with store.write() as unit:
        known = (audit.generation(unit.session), (before and before.generation) or 0)
        details = {
            "head_seq": before.seq if before else -1,
            "last_seq": unit.last.seq if unit.last else 0,
            "generation": max(known) + 1,
        }
        last = unit.log(audit.Action.REANCHORED, audit.OPERATOR, details, at=unit.wall_clock)
    store.head.write(ChainHead(last.seq, last.hash, last.seq, details["generation"]))
    return chain_status(store)


def summary(store: Store) -> StoreSummary:
    """Counts and places; nothing of a person."""
    kinds = {row.kind: row for row in statistics.holdings(store)}
    result, image = kinds[Kind.RESULT], kinds[Kind.IMAGE]
    return StoreSummary(
        data_dir=store.data_dir,
        database=store.engine.url.render_as_string(hide_password=True),
        subjects=statistics.subject_count(store),
        results=result.count,
        images=image.count,
        image_bytes=image.size_bytes,
    )
