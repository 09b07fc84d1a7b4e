"""Counts for the review by admins; no row of a person leaves this file."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.policy.retention import alive, kept_until, policy_days
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


def events_by_day(session: Session, since: datetime, until: datetime) -> tuple[DayCount, ...]:
    """Consent events of [since, until), by day, purpose and state."""
    event = ConsentEventRow
    day: ColumnElement[Any] = func.date(event.at)
    rows = session.execute(
        select(day, event.purpose, event.state, func.count())
        .where(event.at >= since, event.at < until)
        .group_by(day, event.purpose, event.state)
    )
    counts = [
        DayCount(date.fromisoformat(str(when)), Purpose(purpose), ConsentState(state), count)
        for when, purpose, state, count in rows
    ]
    return tuple(sorted(counts, key=lambda row: (row.day, row.purpose, row.state)))


def states_now(session: Session, now: datetime) -> tuple[StateCount, ...]:
    """Consents by purpose and present state; a given one whose time is over counts as expired."""
    event = ConsentEventRow
    latest = select(func.max(event.seq)).group_by(event.pseudonym, event.purpose)
    over = event.valid_until <= now
    rows = session.execute(
        select(event.purpose, event.state, over, func.count())
        .where(event.seq.in_(latest))
        .group_by(event.purpose, event.state, over)
    )
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


def holdings(session: Session, now: datetime) -> tuple[Holding, ...]:
    """What is stored of results and images, and when it will go."""
    days = policy_days(session)
    tables = ((Kind.RESULT, AnalysisRow), (Kind.IMAGE, StoredImageRow))
    return tuple(_holding(session, kind, table, now, days[kind]) for kind, table in tables)


def _holding(
    session: Session,
    kind: Kind,
    table: type[AnalysisRow] | type[StoredImageRow],
    now: datetime,
    days: int,
) -> Holding:
    size = (
        StoredImageRow.size_bytes
        if table is StoredImageRow
        else func.length(AnalysisRow.sealed_result)
    )
    rows = session.execute(
        select(table.stored_at, table.promised_until, size).where(alive(table, now, days))
    )
    gone: list[datetime] = []
    size_bytes = 0
    for stored_at, promised_until, item_bytes in rows:
        gone.append(kept_until(stored_at, promised_until, days))
        size_bytes += item_bytes
    by_day = Counter(when.date() for when in gone)
    return Holding(
        kind=kind,
        count=len(gone),
        size_bytes=size_bytes,
        first_gone=min(gone, default=None),
        last_gone=max(gone, default=None),
        gone_by_day=tuple(sorted(by_day.items())),
    )


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
    results, images = (
        Counter(when.date() for _, when in ends if when <= until) for ends in _ends(session, now)
    )
    records = Counter(when.date() for when in _record_ends(session, now) if when <= until)
    return tuple(
        Due(when, results[when], images[when], records[when])
        for when in sorted({*results, *images, *records})
    )


def _ends(session: Session, now: datetime) -> list[list[tuple[str, datetime]]]:
    """Subject and end of each result and of each image that is not over its time."""
    days = policy_days(session)
    found = []
    for table, kind in ((AnalysisRow, Kind.RESULT), (StoredImageRow, Kind.IMAGE)):
        rows = session.execute(
            select(table.subject_id, table.stored_at, table.promised_until).where(
                alive(table, now, days[kind])
            )
        )
        found.append([(who, kept_until(at, until, days[kind])) for who, at, until in rows])
    return found


def _record_ends(session: Session, now: datetime) -> list[datetime]:
    """When each consent record goes: with its own end or that of its last item."""
    days = policy_days(session)
    last_item: dict[str, datetime] = {}
    for ends in _ends(session, now):
        for who, when in ends:
            last_item[who] = max(when, last_item.get(who, when))
    ends_of_records = []
    for row in session.scalars(select(ConsentRecordRow)):
        own = max(
            kept_until(row.given_at, row.result_until, days[Kind.RESULT]),
            kept_until(row.given_at, row.image_until, days[Kind.IMAGE]),
        )
        ends_of_records.append(max(own, last_item.get(row.subject_id, own)))
    return ends_of_records


def subject_count(session: Session) -> int:
    """How many receipt codes are alive."""
    return session.scalar(select(func.count()).select_from(SubjectRow)) or 0


def whole_days(until: datetime, days: int) -> datetime:
    """Start of the day (UTC) that lies `days` before `until`, for ranges of charts."""
    start = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(days=days)
