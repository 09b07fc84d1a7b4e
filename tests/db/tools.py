"""Short ways to fill a store and to look into it from outside."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text

from db.audit import log as audit
from db.audit.chain import ChainStatus
from db.consent import analyses
from db.consent.analyses import Kept
from db.database.engine import SQLITE_FILE_NAME
from db.store import Store
from db.types import Choices, Consent
from services.person.consent import Given, current_notice, give
from services.store import chain_status

ALL = Choices(analyse=True, keep_result=True, keep_image=True, evaluation=True)
RESULT = {"faces": [{"box": [1, 2, 3, 4], "scores": {"happiness": 0.9}}]}
IMAGE = b"an encoded image"
LOG_ROWS = 12


def agree(store: Store, choices: Choices = ALL, **kwargs: Any) -> Given:
    """Give `choices` to the present notice."""
    notice_id = current_notice(store).id
    return give(store, choices, context="personal", notice_id=notice_id, **kwargs)


def analyse(
    store: Store,
    consent: Consent,
    *,
    result: dict[str, Any] = RESULT,
    image: bytes | None = IMAGE,
) -> Kept:
    """Write down an analysis; `image` stands for encoded bytes and need not be a picture."""
    with store.write() as unit:
        return analyses.record(
            unit,
            store.vault,
            consent.pseudonym,
            model_id="test-model",
            face_count=1,
            result=result,
            encoded_image=image,
        )


def counts(store: Store) -> dict[str, int]:
    """Table -> rows, of every table that the database itself names."""
    names = [name for name in inspect(store.engine).get_table_names() if name != "alembic_version"]
    with store.engine.connect() as connection:
        return {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in names
        }


def dump(store: Store) -> str:
    """Every value of every table, as one text; bytes in hex."""
    names = sorted(inspect(store.engine).get_table_names())
    lines = []
    with store.engine.connect() as connection:
        for name in names:
            for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                shown = [value.hex() if isinstance(value, bytes) else value for value in row]
                lines.append(name + json.dumps(shown, default=str))
    return "\n".join(lines)


def actions(store: Store) -> list[str]:
    """Actions of the audit log, oldest first."""
    with store.engine.connect() as connection:
        return list(
            connection.execute(text("SELECT action FROM audit_event ORDER BY seq")).scalars()
        )


def files(store: Store) -> list[Path]:
    """Key and image files."""
    folders = (store.vault.keys_dir, store.vault.images_dir)
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def raw(store: Store) -> sqlite3.Connection:
    """The SQLite file without any of our settings or code."""
    return sqlite3.connect(store.data_dir / SQLITE_FILE_NAME, isolation_level=None)


def verified(store: Store) -> ChainStatus:
    """The state of the audit chain."""
    return chain_status(store)


def fill(store: Store, rows: int = LOG_ROWS) -> None:
    """Bring the log to `rows` rows."""
    with store.read() as look:
        last = audit.last_row(look.session)
    for number in range(last.seq if last else 0, rows):
        with store.write() as unit:
            unit.log(audit.Action.ANALYSED, "person:abc", {"faces": number})
