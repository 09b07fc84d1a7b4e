"""Consents one by one, as admins may see them: pseudonyms, answers, times; nobody's name."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.tables import ConsentEventRow
from db.types import ConsentState, Purpose


@dataclass(frozen=True)
class ConsentRow:
    """One answered consent form.

    Attributes:
        pseudonym: random, 32 hex digits; points to nobody once the person is erased.
        agreed: the purposes that were agreed to when the form was answered.
        allowed: those of them that are still allowed now.
        context: of use, a key of `services.person.context_of_use.CONTEXTS`.
        state: of the consent as a whole.
        ended_at: when it was withdrawn or ran out; None where it was refused or still stands.
    """

    pseudonym: str
    agreed: tuple[Purpose, ...]
    allowed: tuple[Purpose, ...]
    context: str
    given_at: datetime
    valid_until: datetime
    state: ConsentState
    ended_at: datetime | None


def newest(
    session: Session, now: datetime, *, limit: int | None = None
) -> tuple[tuple[ConsentRow, ...], int]:
    """The newest consents, newest first, and how many there are in all."""
    event = ConsentEventRow
    first = (
        select(event.pseudonym, func.min(event.seq).label("first_seq"))
        .group_by(event.pseudonym)
        .order_by(func.min(event.seq).desc())
        .limit(limit)
        .subquery()
    )
    rows = session.scalars(
        select(event)
        .join(first, first.c.pseudonym == event.pseudonym)
        .order_by(first.c.first_seq.desc(), event.seq)
    )
    by_person: dict[str, list[ConsentEventRow]] = {}
    for row in rows:
        by_person.setdefault(row.pseudonym, []).append(row)
    total = session.scalar(select(func.count(event.pseudonym.distinct()))) or 0
    return tuple(_consent(events, now) for events in by_person.values()), total


def _consent(events: list[ConsentEventRow], now: datetime) -> ConsentRow:
    """Events of one pseudonym, oldest first, as one row."""
    start, latest = events[0], {row.purpose: row for row in events}
    agreed = {row.purpose for row in events if row.state == ConsentState.GIVEN}
    analyse = latest.get(Purpose.ANALYSE, start)
    over = start.valid_until <= now
    state, ended_at = ConsentState(analyse.state), None
    if state is ConsentState.GIVEN and over:
        state, ended_at = ConsentState.EXPIRED, start.valid_until
    elif state in (ConsentState.WITHDRAWN, ConsentState.EXPIRED):
        ended_at = analyse.at
    standing = {name for name, row in latest.items() if row.state == ConsentState.GIVEN}
    return ConsentRow(
        pseudonym=start.pseudonym,
        agreed=tuple(purpose for purpose in Purpose if purpose in agreed),
        allowed=tuple(p for p in Purpose if p in standing and state is ConsentState.GIVEN),
        context=start.context,
        given_at=start.at,
        valid_until=start.valid_until,
        state=state,
        ended_at=ended_at,
    )


def answered_since(session: Session, since: datetime) -> dict[ConsentState, int]:
    """State -> how many consents came into it since; taking one purpose back counts, too."""
    event = ConsentEventRow
    counts = {}
    for state in ConsentState:
        fitting = select(func.count(event.pseudonym.distinct())).where(
            event.at >= since, event.state == state.value
        )
        if state is not ConsentState.WITHDRAWN:
            fitting = fitting.where(event.purpose == Purpose.ANALYSE.value)
        counts[state] = session.scalar(fitting) or 0
    return counts
