"""How long data stays: policies, bounds, and what is over its time.

An item goes when the time that was promised for it is over, or the time of the policy in force,
whichever comes first. So a stricter policy acts at once and a laxer one never prolongs a promise.
Times count from storing, which is never later than the last interaction.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.errors import RetentionBoundsError
from db.seal.rows import is_genuine
from db.tables import (
    AnalysisRow,
    ConsentRecordRow,
    ErasureJobRow,
    RetentionPolicyRow,
    StoredImageRow,
    SubjectRow,
)
from db.types import JobState, Kind, RetentionPolicy
from db.unit import ReadUnit, WriteUnit

# 740 ILCS 14/15(a): three years after the last interaction at the latest.
MAX_DAYS = 1095
DEFAULT_DAYS = {Kind.RESULT: 30, Kind.IMAGE: 30, Kind.ERASURE_JOB: 30}
SYSTEM_DEFAULT = "system"
_TABLES: Final[dict[Kind, Any]] = {
    Kind.IMAGE: StoredImageRow,
    Kind.RESULT: AnalysisRow,
    Kind.ERASURE_JOB: ErasureJobRow,
}
Item = TypeVar("Item", AnalysisRow, StoredImageRow)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expired:
    """Ids of all that is over its time.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from db.store import open_store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "data")
        ...     with store.read() as look:
        ...         find_expired(look.session, look.now)
        ...     store.close()
        Expired(image_ids=(), analysis_ids=(), subject_ids=(), job_ids=())
    """

    image_ids: tuple[str, ...]
    analysis_ids: tuple[str, ...]
    subject_ids: tuple[str, ...]
    job_ids: tuple[str, ...]


def write_defaults(session: Session, now: datetime) -> None:
    """Write the default policy of each kind into a new store."""
    session.add_all(
        RetentionPolicyRow(kind=kind.value, days=days, changed_at=now, changed_by=SYSTEM_DEFAULT)
        for kind, days in DEFAULT_DAYS.items()
    )
    session.flush()


def policies(session: Session) -> tuple[RetentionPolicy, ...]:
    """The policies in force, in the order of `Kind`.

    A row that was changed from outside, or put back as it once was, does not count: what the
    audit log says last is in force then.
    """
    rows = {row.kind: row for row in session.scalars(select(RetentionPolicyRow))}
    days = policy_days(session)
    found = []
    for kind in Kind:
        row = rows.get(kind)
        if row is not None:
            if not is_sound(session, row, days):
                logger.error("the retention of %s was changed from outside", kind.value)
            found.append(RetentionPolicy(kind, days[kind], row.changed_at, row.changed_by))
    return tuple(found)


def policy_days(session: Session) -> dict[Kind, int]:
    """Kind -> days in force: what the audit log says last, the defaults where it says nothing."""
    days = dict(DEFAULT_DAYS)
    for row in audit.genuine(session, [audit.Action.RETENTION_CHANGED]):
        details = json.loads(row.details_json)
        days[Kind(details["kind"])] = details["days"]
    return days


def is_sound(session: Session, row: RetentionPolicyRow, logged: Mapping[Kind, int]) -> bool:
    """Whether a policy is as this program wrote it and as the log says."""
    return is_genuine(session, row) and row.days == logged[Kind(row.kind)]


def check_days(days: int) -> None:
    """Refuse what no policy may be.

    Raises:
        RetentionBoundsError: not a whole number of 0 to 1095 days.
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= MAX_DAYS:
        raise RetentionBoundsError(
            f"A retention time must be a whole number of days from 0 to {MAX_DAYS}; choose one in "
            "that range."
        )


def set_days(unit: WriteUnit, kind: Kind, days: int, *, by: str) -> RetentionPolicy:
    """Change the policy of `kind`; what is over its time then goes with the next purge.

    Raises:
        RetentionBoundsError: `days` is out of bounds.
    """
    check_days(days)
    before = policy_days(unit.session)[kind]
    unit.session.merge(
        RetentionPolicyRow(kind=kind.value, days=days, changed_at=unit.now, changed_by=by)
    )
    unit.session.flush()
    details = {"kind": kind.value, "days_before": before, "days": days}
    unit.log(audit.Action.RETENTION_CHANGED, by, details)
    return RetentionPolicy(kind, days, unit.now, by)


def kept_until(stored_at: datetime, promised_until: datetime, days: int) -> datetime:
    """When an item goes.

    Examples:
        >>> from datetime import UTC
        >>> first, tenth = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
        >>> kept_until(first, tenth, 5).day
        6
    """
    return min(promised_until, stored_at + timedelta(days=days))


def over(
    table: type[AnalysisRow] | type[StoredImageRow], now: datetime, days: int
) -> ColumnElement[bool]:
    """Condition: the item's time is over at `now`, to the second of its end."""
    return or_(table.promised_until <= now, table.stored_at <= now - timedelta(days=days))


def alive(
    table: type[AnalysisRow] | type[StoredImageRow], now: datetime, days: int
) -> ColumnElement[bool]:
    """Condition: the item may still be shown at `now`."""
    return not_(over(table, now, days))


def kept(
    look: ReadUnit, table: type[Item], kind: Kind, subject_id: str
) -> list[tuple[Item, datetime]]:
    """What may still be shown of a subject and when it goes, oldest first."""
    days = policy_days(look.session)[kind]
    mine = select(table).where(table.subject_id == subject_id, alive(table, look.now, days))
    rows = look.session.scalars(mine.order_by(table.stored_at, table.id))
    return [(row, kept_until(row.stored_at, row.promised_until, days)) for row in rows]


def record_over(now: datetime, days: Mapping[Kind, int]) -> ColumnElement[bool]:
    """Condition: nothing more may be kept under the consent record at `now`."""
    record = ConsentRecordRow

    def ended(until: Any, kind: Kind) -> ColumnElement[bool]:
        return or_(until <= now, record.given_at <= now - timedelta(days=days[kind]))

    return and_(ended(record.result_until, Kind.RESULT), ended(record.image_until, Kind.IMAGE))


def find_expired(session: Session, now: datetime) -> Expired:
    """All that is over its time, and subjects of whom nothing would be left."""
    days = policy_days(session)
    wanted = (*_over_now(now, days), _jobs_over(now, days[Kind.ERASURE_JOB]))
    return Expired(*(tuple(session.scalars(statement)) for statement in wanted))


def anything_expired(session: Session, now: datetime) -> bool:
    """Whether a purge would remove data of a person; cheaper than `find_expired`."""
    return any(
        session.execute(statement.limit(1)).first() is not None
        for statement in _over_now(now, policy_days(session))
    )


def overdue_since(session: Session, now: datetime) -> datetime | None:
    """When the time of the item ended that is longest over it; None where none is."""
    days = policy_days(session)
    ends: list[datetime] = []
    for kind in (Kind.IMAGE, Kind.RESULT):
        table, limit = _TABLES[kind], timedelta(days=days[kind])
        promised = session.scalar(
            select(func.min(table.promised_until)).where(table.promised_until <= now)
        )
        stored = session.scalar(
            select(func.min(table.stored_at)).where(table.stored_at <= now - limit)
        )
        ends += [end for end in (promised, stored and stored + limit) if end is not None]
    return min(ends, default=None)


def _over_now(now: datetime, days: Mapping[Kind, int]) -> tuple[Select[str], ...]:
    """Ids of images, of results and of subjects of whom nothing would be left."""
    live_images = select(StoredImageRow.id).where(
        StoredImageRow.subject_id == SubjectRow.id, alive(StoredImageRow, now, days[Kind.IMAGE])
    )
    live_analyses = select(AnalysisRow.id).where(
        AnalysisRow.subject_id == SubjectRow.id, alive(AnalysisRow, now, days[Kind.RESULT])
    )
    return (
        select(StoredImageRow.id).where(over(StoredImageRow, now, days[Kind.IMAGE])),
        select(AnalysisRow.id).where(over(AnalysisRow, now, days[Kind.RESULT])),
        select(SubjectRow.id)
        .join(ConsentRecordRow, ConsentRecordRow.subject_id == SubjectRow.id)
        .where(record_over(now, days), ~live_images.exists(), ~live_analyses.exists()),
    )


def _jobs_over(now: datetime, days: int) -> Select[str]:
    return select(ErasureJobRow.id).where(
        ErasureJobRow.state == JobState.DONE.value,
        ErasureJobRow.done_at <= now - timedelta(days=days),
    )


def count_over(session: Session, kind: Kind, now: datetime, days: int) -> int:
    """How many items of `kind` would be over their time at `now` under a policy of `days`.

    Raises:
        RetentionBoundsError: `days` is out of bounds.
    """
    check_days(days)
    if kind is Kind.ERASURE_JOB:
        statement: Select[Any] = _jobs_over(now, days)
    else:
        statement = select(_TABLES[kind].id).where(over(_TABLES[kind], now, days))
    return session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def count_all(session: Session, kind: Kind) -> int:
    """How many items of `kind` there are, whatever their time."""
    return session.scalar(select(func.count()).select_from(_TABLES[kind])) or 0


def in_batches(ids: Iterable[str]) -> Iterable[list[str]]:
    """Cut `ids` into lists of 500, which fit the parameter limits of all databases."""
    found = list(ids)
    return (found[start : start + 500] for start in range(0, len(found), 500))
