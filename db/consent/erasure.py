"""Removal of what belongs to one person, as a job that survives a crash at every step.

Order: the job is written and the consents are closed; keys are destroyed and files removed; rows
are deleted; traces are cut from the database's files. Every step may run twice. Only after the
last one the job is DONE and "deleted" may be said.
"""

import json
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.consent import events as consent
from db.consent.subjects import running_erasure
from db.database.engine import erase_traces, translated_errors
from db.seal.vault import Sealed
from db.store import Store
from db.tables import (
    AnalysisRow,
    ConsentRecordRow,
    ErasureJobRow,
    StoredImageRow,
    SubjectRow,
)
from db.types import ConsentState, ErasureJob, JobReason, JobState, Purpose, Scope
from db.unit import WriteUnit

KEYS_OF = {
    Scope.ALL: tuple(Sealed),
    Scope.RESULT: (Sealed.RESULT,),
    Scope.IMAGE: (Sealed.IMAGE,),
}


def request(
    unit: WriteUnit,
    subject: SubjectRow,
    *,
    scope: Scope,
    reason: JobReason,
    closes: tuple[Purpose, ...] = tuple(Purpose),
    answer_hash: str | None = None,
) -> str:
    """Write down that data of `subject` is to go, and close its consents; return the job's id.

    A second request while a job of scope ALL is at work returns that job; `answer_hash`, of the
    receipt code, lets it give the same answer. From the end of this change on nothing more is kept
    for the scope, and a job of scope ALL hides the subject. `carry_out` does the rest.
    """
    running = running_erasure(unit.session, subject.id)
    if running is not None:
        running.answer_hash = running.answer_hash or answer_hash
        return running.id
    job = ErasureJobRow(
        id=uuid4().hex,
        subject_id=subject.id,
        answer_hash=answer_hash,
        reason=reason.value,
        scope=scope.value,
        state=JobState.REQUESTED.value,
        requested_at=unit.now,
        counts_json="{}",
    )
    unit.session.add(job)
    closed = consent.close(unit, subject.pseudonym, closes, ConsentState.WITHDRAWN)
    _shorten_record(unit, subject.id, scope)
    actor = audit.subject_actor(subject.pseudonym)
    unit.log(audit.Action.CONSENT_WITHDRAWN, actor, {purpose.value: True for purpose in closed})
    details = {"scope": scope.value, "reason": reason.value}
    unit.log(audit.Action.ERASURE_REQUESTED, actor, details, object_id=job.id)
    return job.id


def _shorten_record(unit: WriteUnit, subject_id: str, scope: Scope) -> None:
    """A kind that may not be kept any more must not keep the record alive."""
    record = ConsentRecordRow
    ended = {Scope.RESULT: record.result_until, Scope.IMAGE: record.image_until}
    if scope in ended:
        unit.session.execute(
            update(record)
            .where(record.subject_id == subject_id)
            .values({ended[scope]: record.given_at})
        )


def find_by_answer(session: Session, answer_hash: str) -> ErasureJob | None:
    """The erasure that was asked for with a receipt code, None where there was none."""
    row = session.scalars(
        select(ErasureJobRow).where(ErasureJobRow.answer_hash == answer_hash)
    ).first()
    return _job(row) if row else None


def erasure_jobs(store: Store) -> tuple[ErasureJob, ...]:
    """Removals on record, newest first; those that are not `done` are still at work."""
    newest_first = select(ErasureJobRow).order_by(ErasureJobRow.requested_at.desc())
    with store.read() as look:
        return tuple(_job(row) for row in look.session.scalars(newest_first))


def carry_out(store: Store, job_id: str) -> ErasureJob:
    """Bring a job as far as it goes now; call it again while the result is not `done`.

    Raises:
        StoreError: a file cannot be removed or the database does not answer; the job stays.
    """
    with store.read() as look:
        job = look.session.get_one(ErasureJobRow, job_id)
        subject_id, scope = job.subject_id, Scope(job.scope)
        images = select(StoredImageRow.id).where(StoredImageRow.subject_id == subject_id)
        image_ids = [] if scope is Scope.RESULT else look.session.scalars(images).all()
    if subject_id is not None:  # emptied when the rows are deleted
        with translated_errors():
            store.vault.destroy_keys(subject_id, KEYS_OF[scope])
            store.vault.remove_images(image_ids)
        _delete_rows(store, job_id)
    return finish(store, job_id)


def _delete_rows(store: Store, job_id: str) -> None:
    with store.write() as unit:
        job = unit.session.get_one(ErasureJobRow, job_id)
        if job.subject_id is None:
            return  # another process was faster
        counts = delete_subject_rows(unit.session, job.subject_id, Scope(job.scope))
        job.subject_id = None
        job.state = JobState.ROWS_DELETED.value
        job.counts_json = json.dumps(counts)
        unit.log(audit.Action.ROWS_DELETED, audit.SYSTEM, counts, object_id=job.id)


def delete_subject_rows(session: Session, subject_id: str, scope: Scope) -> dict[str, int]:
    """Delete rows of a subject; return table -> how many, tables without any included."""
    tables: dict[Scope, tuple[Any, ...]] = {
        Scope.ALL: (StoredImageRow, AnalysisRow, ConsentRecordRow, SubjectRow),
        Scope.RESULT: (AnalysisRow,),
        Scope.IMAGE: (StoredImageRow,),
    }
    counts = {}
    if scope is Scope.RESULT:
        forget_results(session, StoredImageRow.subject_id == subject_id)
    for table in tables[scope]:
        column = SubjectRow.id if table is SubjectRow else table.subject_id
        found = session.scalar(select(func.count()).select_from(table).where(column == subject_id))
        session.execute(delete(table).where(column == subject_id))
        counts[table.__tablename__] = found or 0
    return counts


def forget_results(session: Session, of_images: ColumnElement[bool]) -> None:
    """Take the ids of results that go out of the rows of images that stay."""
    session.execute(update(StoredImageRow).where(of_images).values(analysis_id=None))


def finish(store: Store, job_id: str) -> ErasureJob:
    """Cut the traces of a job whose rows are deleted, and only then call it done."""
    with store.read() as look:
        job = _job(look.session.get_one(ErasureJobRow, job_id))
    if job.state is not JobState.ROWS_DELETED or not erase_traces(store.engine):
        return job
    with store.write() as unit:
        row = unit.session.get_one(ErasureJobRow, job_id)
        if row.state == JobState.ROWS_DELETED:
            row.state = JobState.DONE.value
            row.done_at = unit.now
            by_clock = row.reason == JobReason.RETENTION
            action = audit.Action.PURGED if by_clock else audit.Action.ERASED
            unit.log(action, audit.SYSTEM, job.counts, object_id=row.id)
        unit.session.flush()
        return _job(row)


def unfinished(session: Session) -> tuple[str, ...]:
    """Ids of jobs that are not done, oldest first."""
    return tuple(
        session.scalars(
            select(ErasureJobRow.id)
            .where(ErasureJobRow.state != JobState.DONE.value)
            .order_by(ErasureJobRow.requested_at)
        )
    )


def _job(row: ErasureJobRow) -> ErasureJob:
    return ErasureJob(
        id=row.id,
        reason=JobReason(row.reason),
        scope=Scope(row.scope),
        state=JobState(row.state),
        requested_at=row.requested_at,
        done_at=row.done_at,
        counts=json.loads(row.counts_json),
    )
