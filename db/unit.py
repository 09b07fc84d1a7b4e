"""Transactions: a look at the store, or a change with its audit rows.

A change and the audit rows about it are one transaction. Files beside the database follow it: a
failed change takes back the files it wrote, and a crash leaves strays that the purge finds.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.audit.chain import BEGINNERS, AuditRow, ChainHead, generation_of, time_of
from db.audit.head import HeadFile
from db.database.engine import IMMEDIATE, is_sqlite, lock_writers, translated_errors
from db.errors import ClockBackwardsError
from db.seal.master_key import Keys
from db.seal.rows import KEYS
from db.types import Clock

CLOCK_TOLERANCE = timedelta(minutes=5)
logger = logging.getLogger(__name__)


class ReadUnit:
    """A look at the store as it was at one moment.

    Attributes:
        session: for functions of db only.
        now: the time of the look; never before the newest audit row, so that a clock that was
            set back cannot make expired data reappear.
        wall_clock: what the clock says.
        last: the newest audit row, a change's own included; None in an empty log.
    """

    def __init__(self, session: Session, clock: Clock):
        self.session = session
        self.last: AuditRow | None = audit.last_row(session)
        # In UTC, where a day is 24 hours: local time plus thirty days is an hour off in autumn.
        self.wall_clock = clock().astimezone(UTC)
        newest = (self.last and time_of(self.last)) or self.wall_clock
        self._behind = newest - self.wall_clock
        self.now: datetime = max(self.wall_clock, newest)

    def require_honest_clock(self) -> None:
        """Refuse to promise a date while the clock is wrong.

        Raises:
            ClockBackwardsError: the clock stands more than five minutes before the newest row.
        """
        if self._behind > CLOCK_TOLERANCE:
            raise ClockBackwardsError(
                "The computer's clock was set back, so nothing new is kept; set it right, or run "
                "`mien store reanchor` if it was wrong before."
            )


class WriteUnit(ReadUnit):
    """A change in the making; it is committed when its block ends without an error."""

    def __init__(self, session: Session, clock: Clock):
        super().__init__(session, clock)
        self._take_back: list[Callable[[], object]] = []
        self.began_after = self.last
        self.appended = False
        self.generation: int | None = None

    def log(
        self,
        action: audit.Action,
        actor: str,
        details: audit.Details | None = None,
        *,
        object_id: str = "",
        at: datetime | None = None,
    ) -> AuditRow:
        """Add an audit row of numbers, truth values, short tokens to this change; return it.

        `actor` is a pseudonym, `object_id` nothing of a person; `at`, where that is not `now`, is
        only for putting a wrong clock right.

        Raises:
            AuditDetailError: a value could hold personal data.
        """
        row = audit.append(
            self.session,
            self.last,
            at=at or self.now,
            actor=actor,
            action=action,
            object_id=object_id,
            details=details,
        )
        self.last, self.appended = row, True
        if action.value in BEGINNERS:
            self.generation = generation_of(row) or None
        return row

    def on_failure(self, take_back: Callable[[], object]) -> None:
        """Call `take_back` if this change does not come about."""
        self._take_back.append(take_back)

    def fail(self) -> None:
        """Take back what was done beside the database."""
        for take_back in reversed(self._take_back):
            try:
                take_back()
            except OSError:
                logger.warning("a file of a failed change is left for the next purge")


@contextmanager
def reading(engine: Engine, clock: Clock, keys: Keys) -> Iterator[ReadUnit]:
    """A look at the store that does not see what others change meanwhile.

    Raises:
        StoreError: the database does not answer.
    """
    if not is_sqlite(engine):
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with translated_errors(), Session(engine, info={KEYS: keys}) as session:
        yield ReadUnit(session, clock)


@contextmanager
def writing(engine: Engine, *, clock: Clock, keys: Keys, head: HeadFile) -> Iterator[WriteUnit]:
    """A change, alone among writers, all of it or nothing.

    Raises:
        StoreBusyError: others wrote for too long.
        StoreFullError: there is no space left.
        StoreError: the database does not answer.
    """
    immediate = engine.execution_options(**{IMMEDIATE: True})
    opened = Session(immediate, expire_on_commit=False, info={KEYS: keys})
    with translated_errors(), opened as session:
        lock_writers(session.connection())
        unit = WriteUnit(session, clock)
        try:
            yield unit
            session.flush()
            trusted = unit.appended and _head_fits(unit, head)
        except BaseException:
            session.rollback()
            unit.fail()
            raise
        _commit(session, unit)
    if trusted and (last := unit.last) is not None:
        try:
            head.advance(ChainHead(last.seq, last.hash, last.seq, unit.generation))
        except OSError:
            # The change is committed; the next one moves the head over both.
            logger.warning("the audit head could not be written; it follows with the next change")


def _commit(session: Session, unit: WriteUnit) -> None:
    try:
        session.commit()
    except BaseException:
        session.rollback()
        # A server may have committed before its answer was lost; then the purge decides.
        if session.get_bind().dialect.name == "sqlite":
            unit.fail()
        raise


def _head_fits(unit: WriteUnit, head: HeadFile) -> bool:
    known = head.read()
    if known is None:
        return False
    if known.seq == 0:
        return unit.began_after is None  # the very first rows; later it has been put back
    return audit.hash_at(unit.session, known.seq) == known.hash
