"""The audit log: an append-only chain of rows, each hashed with a key that the database lacks.

No row holds personal data: actors are pseudonyms, details are numbers and short tokens.
"""

import hmac
import json
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session

from db.audit import chain
from db.errors import AuditDetailError
from db.seal.rows import KEYS
from db.tables import AuditEventRow

Details = Mapping[str, int | bool | str]
TOKEN = re.compile(r"[A-Za-z0-9_.:/+-]{0,64}")
SYSTEM = "system"
OPERATOR = "operator"
VERIFY_BATCH_ROWS = 5_000


class Action(StrEnum):
    """All that is logged. docs/privacy.md lists what each means; a test compares."""

    STORE_CREATED = "STORE_CREATED"
    ROWS_SIGNED = "ROWS_SIGNED"
    NOTICE_PUBLISHED = "NOTICE_PUBLISHED"
    CONSENT_GIVEN = "CONSENT_GIVEN"
    CONSENT_REFUSED = "CONSENT_REFUSED"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    USE_REFUSED_ART5 = "USE_REFUSED_ART5"
    ANALYSED = "ANALYSED"
    LIVE_ENDED = "LIVE_ENDED"
    AUDIT_ENDED = "AUDIT_ENDED"
    EXPORTED = "EXPORTED"
    ERASURE_REQUESTED = "ERASURE_REQUESTED"
    ROWS_DELETED = "ROWS_DELETED"
    ERASED = "ERASED"
    PURGED = "PURGED"
    STRAYS_REMOVED = "STRAYS_REMOVED"
    RETENTION_CHANGED = "RETENTION_CHANGED"
    ADMIN_CREATED = "ADMIN_CREATED"
    ADMIN_CHANGED = "ADMIN_CHANGED"
    SIGNED_IN = "SIGNED_IN"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    SIGN_IN_LOCKED = "SIGN_IN_LOCKED"
    SIGNED_OUT = "SIGNED_OUT"
    ACCESS_REFUSED = "ACCESS_REFUSED"
    ADMIN_EXPORTED = "ADMIN_EXPORTED"
    REANCHORED = "REANCHORED"


@dataclass(frozen=True)
class AuditFilter:
    """What to browse; None does not filter. Times are aware; `until` is exclusive.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from db.store import open_store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "data")
        ...     with store.read() as look:
        ...         rows, n = browse(look.session, AuditFilter(action=Action.STORE_CREATED))
        ...     store.close()
        >>> n, rows[0].seq, rows[0].actor
        (1, 1, 'system')
    """

    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def subject_actor(pseudonym: str) -> str:
    """Actor of what a person did; `pseudonym` is random and points to nothing after erasure."""
    return f"person:{pseudonym}"


def admin_actor(admin_id: str) -> str:
    """Actor of what a local admin did."""
    return f"admin:{admin_id}"


def last_row(session: Session) -> chain.AuditRow | None:
    """The newest row, None in an empty log."""
    values = session.execute(_columns().order_by(AuditEventRow.seq.desc()).limit(1)).first()
    return chain.AuditRow(*values) if values else None


def hash_at(session: Session, seq: int) -> str | None:
    """The stored hash of row `seq`, None where there is no such row."""
    return session.scalar(select(AuditEventRow.hash).where(AuditEventRow.seq == seq))


def append(
    session: Session,
    last: chain.AuditRow | None,
    *,
    at: datetime,
    actor: str,
    action: Action,
    object_id: str = "",
    details: Details | None = None,
) -> chain.AuditRow:
    """Add a row after `last` and return it; call only while no other writer can be at work.

    Raises:
        AuditDetailError: actor, object or details could hold personal data.
    """
    if not (TOKEN.fullmatch(actor) and TOKEN.fullmatch(object_id)):
        raise AuditDetailError("Actor and object of an audit row must be short tokens.")
    for key, value in (details or {}).items():
        if not isinstance(value, str | int) or not TOKEN.fullmatch(str(value)):
            raise AuditDetailError(
                f"Audit detail '{key}' must be a number, a truth value or a short token; leave "
                "free text out of the log."
            )
    unhashed = chain.AuditRow(
        seq=last.seq + 1 if last else 1,
        ts_utc=chain.stamp(at),
        actor=actor,
        action=action.value,
        object_id=object_id,
        details_json=json.dumps(dict(details or {}), sort_keys=True, separators=(",", ":")),
        prev_hash=last.hash if last else chain.GENESIS_HASH,
        hash="",
    )
    row = replace(unhashed, hash=chain.row_hash(session.info[KEYS].audit, unhashed))
    session.execute(insert(AuditEventRow).values(**asdict(row)))
    return row


def verify(session: Session, key: bytes, head: chain.ChainHead | None) -> chain.ChainStatus:
    """Read the whole chain and compare it with its head; see `db.audit.chain.check`.

    The head must have been read before `session` began.
    """
    with closing(walk(session, AuditFilter())) as rows:
        return chain.check(rows, key, head)


def browse(
    session: Session, wanted: AuditFilter, *, limit: int = 100, offset: int = 0
) -> tuple[tuple[chain.AuditRow, ...], int]:
    """Return rows, newest first, and how many fit the filter in all."""
    statement = _filtered(_columns(), wanted).order_by(AuditEventRow.seq.desc())
    total = session.scalar(_filtered(select(func.count(AuditEventRow.seq)), wanted)) or 0
    return tuple(_rows(session, statement.limit(limit).offset(offset))), total


def genuine(
    session: Session, actions: Iterable[Action], actor: str | None = None
) -> Generator[chain.AuditRow]:
    """Yield rows of these actions that were written with the key, oldest first.

    Whether any is missing, only `verify` can say.
    """
    statement = _filtered(_columns(), AuditFilter(actor=actor))
    statement = statement.where(AuditEventRow.action.in_([action.value for action in actions]))
    key = session.info[KEYS].audit
    for row in _rows(session, statement.order_by(AuditEventRow.seq)):
        if hmac.compare_digest(row.hash, chain.row_hash(key, row)):
            yield row


def generation(session: Session) -> int:
    """The generation of the chain as the newest row says that begins one; 0 where none does."""
    newest_first = _columns().where(AuditEventRow.action.in_(chain.BEGINNERS))
    rows = _rows(session, newest_first.order_by(AuditEventRow.seq.desc()))
    return next((begun for row in rows if (begun := chain.generation_of(row))), 0)


def only(session: Session, actions: Iterable[Action]) -> bool:
    """Whether the log has rows of these actions and of no others."""
    others = AuditEventRow.action.not_in([action.value for action in actions])
    return session.scalar(select(func.count(AuditEventRow.seq)).where(others)) == 0


def count_since(session: Session, action: Action, since: datetime) -> int:
    """How many rows of `action` there are since a moment."""
    wanted = AuditFilter(action=action.value, since=since)
    return session.scalar(_filtered(select(func.count(AuditEventRow.seq)), wanted)) or 0


def walk(session: Session, wanted: AuditFilter) -> Generator[chain.AuditRow]:
    """Yield all rows that fit the filter, oldest first, without loading them at once."""
    return _rows(session, _filtered(_columns(), wanted).order_by(AuditEventRow.seq))


def _filtered(statement: Any, wanted: AuditFilter) -> Any:
    if wanted.action is not None:
        statement = statement.where(AuditEventRow.action == wanted.action)
    if wanted.actor is not None:
        statement = statement.where(AuditEventRow.actor == wanted.actor)
    if wanted.since is not None:
        statement = statement.where(AuditEventRow.ts_utc >= chain.stamp(wanted.since))
    if wanted.until is not None:
        statement = statement.where(AuditEventRow.ts_utc < chain.stamp(wanted.until))
    return statement


def _columns() -> Select[Any]:
    """All columns, in the order of `AuditRow`'s fields."""
    return select(*AuditEventRow.__table__.columns)


def _rows(session: Session, statement: Select[Any]) -> Generator[chain.AuditRow]:
    with session.execute(statement.execution_options(yield_per=VERIFY_BATCH_ROWS)) as found:
        for values in found:
            yield chain.AuditRow(*values)
