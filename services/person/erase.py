"""Erases all that is kept of one person."""

from db.consent import erasure, subjects
from db.consent.codes import answer_hash
from db.errors import UnknownCodeError
from db.store import Store
from db.types import ErasureJob, JobReason, JobState, Scope

__all__ = ["ErasureJob", "JobState", "erase"]


def erase(store: Store, code: str) -> ErasureJob:
    """Erase everything under a receipt code; asking again gives the same answer.

    Returns:
        The job. Only where `done` may "deleted" be said; otherwise the next purge goes on.

    Raises:
        UnknownCodeError: nothing is and nothing was kept under the code.
        StoreError: the job was not written; or it was, and waits for the next purge.
    """
    answer = answer_hash(store.keys, code)
    with store.write() as unit:
        known = erasure.find_by_answer(unit.session, answer)
        if known is not None:
            job_id = known.id
        else:
            subject = subjects.find_any(unit.session, store.keys, code)
            if subject is None:
                raise UnknownCodeError(subjects.UNKNOWN_CODE)
            job_id = erasure.request(
                unit, subject, scope=Scope.ALL, reason=JobReason.ERASE, answer_hash=answer
            )
    return erasure.carry_out(store, job_id)
