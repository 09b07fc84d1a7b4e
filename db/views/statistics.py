"""Counts for the review by admins; no row of a person leaves this file."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.policy.retention import alive, kept_until, policy_days
from db.store import Store
from db.tables import (
    AnalysisRow,
    ConsentEventRow,
    ConsentRecordRow,
    StoredImageRow,
    SubjectRow,
)
from db.types import ConsentState, Kind, Purpose


@dataclass(frozen=True)
class DayCount:
    """How many events of a state a purpose had on a day (UTC)."""

    day: date
    purpose: Purpose
    state: ConsentState
    count: int


@dataclass(frozen=True)
class StateCount:
    """How many consents to a purpose are in a state now."""

    purpose: Purpose
    state: ConsentState
    count: int


@dataclass(frozen=True)
class Holding:
    """What is stored of a kind; `gone_by_day` says how many items go on which day (UTC)."""

    kind: Kind
    count: int
    size_bytes: int
    first_gone: datetime | None
    last_gone: datetime | None
    gone_by_day: tuple[tuple[date, int], ...]


class _Item(NamedTuple):
    """A kept result or image: whose it is, when it goes, how large it is."""

    subject_id: str
    gone_at: datetime
    size_bytes: int


_STORED: Final[dict[Kind, Any]] = {  # table and size of what is stored
    Kind.RESULT: (AnalysisRow, func.length(AnalysisRow.sealed_result)),
    Kind.IMAGE: (StoredImageRow, StoredImageRow.size_bytes),
}


def consent_rates(store: Store, days: int = 90) -> tuple[DayCount, ...]:
    """Consent events of the last `days` days and today, by day (UTC), purpose and state."""
    event = ConsentEventRow
    day: ColumnElement[Any] = func.date(event.at)
    with store.read() as look:
        rows = look.session.execute(
            select(day, event.purpose, event.state, func.count())
            .where(event.at >= whole_days(look.now, days), event.at <= look.now)
            .group_by(day, event.purpose, event.state)
        ).all()
    counts = [
        DayCount(date.fromisoformat(str(when)), Purpose(purpose), ConsentState(state), count)
        for when, purpose, state, count in rows
    ]
    return tuple(sorted(counts, key=lambda row: (row.day, row.purpose, row.state)))


def consent_states(store: Store) -> tuple[StateCount, ...]:
    """Consents by purpose and present state; a given one whose time is over counts as expired."""
    event = ConsentEventRow
    latest = select(func.max(event.seq)).group_by(event.pseudonym, event.purpose)
    with store.read() as look:
        over = event.valid_until <= look.now
        rows = look.session.execute(
            select(event.purpose, event.state, over, func.count())
            .where(event.seq.in_(latest))
            .group_by(event.purpose, event.state, over)
        ).all()
    counts: Counter[tuple[Purpose, ConsentState]] = Counter()
    for purpose, state, is_over, count in rows:
        given_but_over = is_over and state == ConsentState.GIVEN
        shown = ConsentState.EXPIRED if given_but_over else ConsentState(state)
        counts[Purpose(purpose), shown] += count
    return tuple(
        StateCount(purpose, state, counts[purpose, state])
        for purpose in Purpose
        for state in ConsentState
        if counts[purpose, state]
    )


def holdings(store: Store) -> tuple[Holding, ...]:
    """What is stored of results and images, and when it will go."""
    with store.read() as look:
        return tuple(_holding(kind, _items(look.session, kind, look.now)) for kind in _STORED)


def _holding(kind: Kind, items: list[_Item]) -> Holding:
    gone = [item.gone_at for item in items]
    return Holding(
        kind=kind,
        count=len(items),
        size_bytes=sum(item.size_bytes for item in items),
        first_gone=min(gone, default=None),
        last_gone=max(gone, default=None),
        gone_by_day=tuple(sorted(Counter(when.date() for when in gone).items())),
    )


def _items(session: Session, kind: Kind, now: datetime) -> list[_Item]:
    """All of a kind that is not over its time."""
    table, size = _STORED[kind]
    days = policy_days(session)[kind]
    rows = session.execute(
        select(table.subject_id, table.stored_at, table.promised_until, size).where(
            alive(table, now, days)
        )
    )
    return [_Item(who, kept_until(at, until, days), n) for who, at, until, n in rows]


@dataclass(frozen=True)
class Due:
    """What will be deleted on a day (UTC) if nobody asks before.

    `records` are consent records with their receipt codes: nothing more is kept under them.
    """

    day: date
    results: int
    images: int
    records: int


def due(session: Session, now: datetime, days: int) -> tuple[Due, ...]:
    """What goes until `days` days from `now`, a row for each day on which something does."""
    until = now + timedelta(days=days)
    items = {kind: _items(session, kind, now) for kind in _STORED}
    results, images = (
        Counter(item.gone_at.date() for item in items[kind] if item.gone_at <= until)
        for kind in (Kind.RESULT, Kind.IMAGE)
    )
    ends = _record_ends(session, [*items[Kind.RESULT], *items[Kind.IMAGE]])
    records = Counter(when.date() for when in ends if when <= until)
    return tuple(
        Due(when, results[when], images[when], records[when])
        for when in sorted({*results, *images, *records})
    )


def _record_ends(session: Session, items: list[_Item]) -> list[datetime]:
    """When each consent record goes: with its own end or that of its last item."""
    days = policy_days(session)
    by_end = sorted(items, key=lambda item: item.gone_at)
    last_item = {item.subject_id: item.gone_at for item in by_end}
    ends_of_records = []
    for row in session.scalars(select(ConsentRecordRow)):
        own = max(
            kept_until(row.given_at, row.result_until, days[Kind.RESULT]),
            kept_until(row.given_at, row.image_until, days[Kind.IMAGE]),
        )
        ends_of_records.append(max(own, last_item.get(row.subject_id, own)))
    return ends_of_records


def subject_count(store: Store) -> int:
    """How many receipt codes are alive."""
    with store.read() as look:
        return look.session.scalar(select(func.count()).select_from(SubjectRow)) or 0


def whole_days(until: datetime, days: int) -> datetime:
    """Start of the day (UTC) that lies `days` before `until`, for ranges of charts."""
    start = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(days=days)
