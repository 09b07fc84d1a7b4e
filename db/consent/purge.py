"""Removes what is over its time, what a crash left, and what erasures did not finish.

One plain function that may run at any time, in any number of processes: a row in the database
lets one of them work.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.audit.chain import parse_stamp, stamp
from db.consent import erasure
from db.consent import events as consent
from db.database.engine import translated_errors
from db.errors import StoreError
from db.policy.retention import Expired, find_expired, in_batches
from db.seal.files import hold_reserve, remove
from db.store import Store
from db.tables import (
    AdminSessionRow,
    AnalysisRow,
    ConsentRecordRow,
    ErasureJobRow,
    LeaseRow,
    StoredImageRow,
    StoreInfoRow,
    SubjectRow,
)
from db.types import ConsentState, JobReason, JobState, Purpose, Scope
from db.unit import CLOCK_TOLERANCE, ReadUnit, WriteUnit

LEASE_NAME = "purge"
LAST_PURGE = "last_purge"
LEASE = timedelta(minutes=10)
ADMIN_SESSIONS_AFTER = timedelta(days=1)
LONGEST_STEP = timedelta(days=366)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PurgeReport:
    """How many of each were over their time; skipped where another process is at it.

    `subjects` are consent records with their receipt codes, `strays` files without a row, left by
    a crash, `unfinished` jobs, erasures among them, with which the next purge goes on.
    """

    skipped: bool = False
    images: int = 0
    analyses: int = 0
    subjects: int = 0
    strays: int = 0
    unfinished: int = 0

    @property
    def done(self) -> bool:
        """Whether "deleted" may be said of all that had to go."""
        return not self.skipped and self.unfinished == 0


def purge(store: Store) -> PurgeReport:
    """Remove all that has to go now. Running it again changes nothing more.

    Raises:
        StoreError: the database does not answer or a file cannot be removed; nothing of it is
            forgotten, the next purge tries again.
    """
    report = store.urgently(lambda: _purge(store))
    hold_reserve(store.data_dir)
    return report


def _purge(store: Store) -> PurgeReport:
    # Without the lease, which a killed purge holds for a while: every step of a job may run in
    # several processes at once, and a person waits for it.
    with store.read() as look:
        waiting = erasure.unfinished(look.session)
    failure = _carry_out_all(store, waiting)
    with _lease(store) as lease:
        if lease is None:
            return PurgeReport(skipped=True)
        with store.read() as look:
            until = _trusted_time(look)
            expired = find_expired(look.session, until)
        counts = _remove_expired(store, expired)
        strays = _remove_strays(store)
        if failure is not None:
            raise failure
        with store.read() as look:
            left = len(erasure.unfinished(look.session))
        lease.purged_until = until
    return PurgeReport(
        images=counts["stored_image"],
        analyses=counts["analysis"],
        subjects=counts["subject"],
        strays=strays,
        unfinished=left,
    )


def _trusted_time(look: ReadUnit) -> datetime:
    """Until when what is over is destroyed: not later than the clock itself says, step by step.

    What is hidden can be shown again, what is destroyed cannot. So `look.now`, which hides, never
    goes back; but where the log has seen a later time than the clock shows now, that time may have
    been the wrong one, and nothing is destroyed for it. And a clock that jumps by years may jump
    back, so each purge goes on from the last one by a year at most.
    """
    until = look.now
    if look.now - look.wall_clock > CLOCK_TOLERANCE:
        until = look.wall_clock
        logger.warning(
            "the log has seen a later time than the clock shows: what is over by that time alone "
            "is hidden, and destroyed once the clock gets there; `mien doctor` says more"
        )
    before = last_purge(look.session)
    if before is not None and until - before > LONGEST_STEP:
        until = before + LONGEST_STEP
        logger.warning(
            "the clock stands more than a year after the last purge: this one goes on by a year; "
            "if the clock is wrong, set it right now"
        )
    return until


@dataclass
class _Lease:
    """The right to purge, while it is held; the time until which all was purged under it."""

    purged_until: datetime | None = None


@contextmanager
def _lease(store: Store) -> Iterator[_Lease | None]:
    """Hold the right to purge; a holder that died loses it after ten minutes."""
    holder = uuid4().hex
    with store.write() as unit:
        # By the wall clock: a lease must end even while `now` waits for a clock set back.
        now = unit.wall_clock
        row = unit.session.get(LeaseRow, LEASE_NAME)
        if row is None:
            row = LeaseRow(name=LEASE_NAME, holder=holder, until=now + LEASE)
            unit.session.add(row)
        elif row.until <= now or row.until > now + LEASE:
            row.holder, row.until = holder, now + LEASE
        holds = row.holder == holder
    lease = _Lease()
    try:
        yield lease if holds else None
    finally:
        if holds:
            with store.write() as unit:
                unit.session.execute(delete(LeaseRow).where(LeaseRow.holder == holder))
                if lease.purged_until is not None:
                    note = stamp(lease.purged_until)
                    unit.session.merge(StoreInfoRow(name=LAST_PURGE, value=note))


def last_purge(session: Session) -> datetime | None:
    """When a purge last went through, in whatever process; None where nothing good says so."""
    row = session.get(StoreInfoRow, LAST_PURGE)
    try:
        return parse_stamp(row.value) if row else None
    except ValueError:  # changed from outside: nothing that must go waits for it
        return None


def _carry_out_all(store: Store, job_ids: tuple[str, ...]) -> StoreError | None:
    """One job that fails must not keep the others, or the purge, from going on."""
    failure = None
    for job_id in job_ids:
        try:
            erasure.carry_out(store, job_id)
        except StoreError as exc:
            logger.warning("erasure job %s waits: %s", job_id, exc)
            failure = exc
    return failure


def _remove_expired(store: Store, expired: Expired) -> dict[str, int]:
    """Remove files, then rows, then traces; return table -> rows that went."""
    with translated_errors():
        for subject_id in expired.subject_ids:
            store.vault.destroy_keys(subject_id)
        store.vault.remove_images(expired.image_ids)
    job_id = None
    with store.write() as unit:
        for ids in in_batches(expired.subject_ids):
            found = select(SubjectRow.pseudonym).where(SubjectRow.id.in_(ids))
            for pseudonym in unit.session.scalars(found).all():
                consent.close(unit, pseudonym, Purpose, ConsentState.EXPIRED)
        counts = _delete_by_id(unit.session, expired)
        old_sign_ins = AdminSessionRow.started_at <= unit.now - ADMIN_SESSIONS_AFTER
        unit.session.execute(delete(AdminSessionRow).where(old_sign_ins))
        if any(count for table, count in counts.items() if table != "erasure_job"):
            job_id = _write_job(unit, counts)
        elif any(counts.values()):
            unit.log(audit.Action.PURGED, audit.SYSTEM, counts)
    if job_id is not None:
        erasure.finish(store, job_id)
    return counts


def _write_job(unit: WriteUnit, counts: dict[str, int]) -> str:
    job = ErasureJobRow(
        id=uuid4().hex,
        reason=JobReason.RETENTION.value,
        scope=Scope.ALL.value,
        state=JobState.ROWS_DELETED.value,
        requested_at=unit.now,
        counts_json=json.dumps(counts),
    )
    unit.session.add(job)
    unit.log(audit.Action.ROWS_DELETED, audit.SYSTEM, counts, object_id=job.id)
    return job.id


def _delete_by_id(session: Session, expired: Expired) -> dict[str, int]:
    plan: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (StoredImageRow.id, expired.image_ids),
        (AnalysisRow.id, expired.analysis_ids),
        (ConsentRecordRow.subject_id, expired.subject_ids),
        (SubjectRow.id, expired.subject_ids),
        (ErasureJobRow.id, expired.job_ids),
    )
    counts = {}
    for ids in in_batches(expired.analysis_ids):
        erasure.forget_results(session, StoredImageRow.analysis_id.in_(ids))
    for column, all_ids in plan:
        table = column.class_
        counts[table.__tablename__] = sum(
            len(session.execute(delete(table).where(column.in_(ids)).returning(column)).all())
            for ids in in_batches(all_ids)
        )
    return counts


def _remove_strays(store: Store) -> int:
    """Remove files that no row knows; looked for twice, the second time alone among writers."""
    with store.read() as look:
        if next(store.vault.stray_files(*_known_ids(look.session)), None) is None:
            return 0
    with store.write() as unit:
        strays = list(store.vault.stray_files(*_known_ids(unit.session)))
        for path in strays:
            remove(path, overwrite=path.parent == store.vault.keys_dir)
        if strays:
            unit.log(audit.Action.STRAYS_REMOVED, audit.SYSTEM, {"files": len(strays)})
    return len(strays)


def _known_ids(session: Session) -> tuple[set[str], set[str]]:
    subjects = set(session.scalars(select(SubjectRow.id)))
    images = set(session.scalars(select(StoredImageRow.id)))
    return subjects, images
