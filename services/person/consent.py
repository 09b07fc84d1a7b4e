"""Consent as a person meets it: read, choose, get a receipt, take it back, have all erased."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from db.audit import log as audit
from db.consent import erasure, subjects
from db.consent import events as consent
from db.consent.codes import answer_hash
from db.errors import StoreFullError, UnknownCodeError, UseRefusedError
from db.policy import notices
from db.policy.retention import policy_days
from db.store import Store
from db.tables import SubjectRow
from db.types import (
    Choices,
    Consent,
    ConsentState,
    ErasureJob,
    JobReason,
    Kind,
    Notice,
    NoticeKind,
    Purpose,
    Scope,
)
from db.unit import WriteUnit
from services.person.context_of_use import CONTEXTS
from services.person.receipt import receipt_of_consent

KEEPING = (Purpose.KEEP_RESULT, Purpose.KEEP_IMAGE)


@dataclass(frozen=True)
class Given:
    """What a person gets for the four answers: a consent for whatever analyses, and a receipt.

    The receipt code is shown this once; None where nothing will be kept.
    """

    consent: Consent
    code: str | None
    receipt: dict[str, Any]


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal changed; `job` is None where nothing had been kept."""

    purposes: tuple[Purpose, ...]
    job: ErasureJob | None


def current_notice(store: Store, language: str = "en") -> Notice:
    """The text to show before anything else; its id goes into `give`.

    Raises:
        NoPolicyError: there is none in this language.
    """
    with store.read() as look:
        return notices.active(look.session, NoticeKind.NOTICE, language)


def current_policy(store: Store) -> Notice:
    """The published retention and destruction policy."""
    with store.read() as look:
        return notices.active(look.session, NoticeKind.POLICY, "en")


def days_offered(store: Store) -> dict[Kind, int]:
    """Kind -> days to show beside its choice; 0: do not offer it."""
    with store.read() as look:
        days = policy_days(look.session)
    return {kind: days[kind] for kind in (Kind.RESULT, Kind.IMAGE)}


def give(
    store: Store,
    choices: Choices,
    *,
    context: str,
    notice_id: str,
    signed_name: str = "",
) -> Given:
    """Write the four answers down (refusing everything is one, too) and hand out the receipt.

    Raises:
        UseRefusedError: the context, a key of services.person.context_of_use.CONTEXTS, is
            prohibited; that is logged and nothing else is.
        ConsentOutdatedError: the notice changed meanwhile.
        StoreError: nothing was written.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from db.store import open_store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "data")
        ...     seen, kept = current_notice(store), Choices(analyse=True, keep_result=True)
        ...     given: Given = give(store, kept, context="personal", notice_id=seen.id)
        ...     taken: Withdrawn = withdraw_by_code(store, given.code)
        ...     store.close()
        >>> given.consent.promised_days[Kind.RESULT]  # gone after so many days at the latest
        30
        >>> [purpose.value for purpose in taken.purposes], taken.job.done  # and gone now
        (['analyse', 'keep_result'], True)
    """
    _refuse_prohibited(store, context)
    with store.write() as unit:
        given = consent.give(unit, choices, context=context, notice_id=notice_id)
        notice = notices.find(unit.session, notice_id)
        code = None
        if given.subject_id is not None:
            code = subjects.add(unit, store.vault, store.keys, given, signed_name=signed_name)
        action = audit.Action.CONSENT_GIVEN if choices.analyse else audit.Action.CONSENT_REFUSED
        answers = {purpose.value: purpose in choices.given for purpose in Purpose}
        unit.log(action, audit.subject_actor(given.pseudonym), {**answers, "context": context})
    receipt = receipt_of_consent(
        given,
        notice,
        controller=store.controller,
        signed_name=signed_name if code is not None else "",
    )
    return Given(given, code, receipt)


def _refuse_prohibited(store: Store, context: str) -> None:
    asked = CONTEXTS.get(context)
    if asked is None:
        raise UseRefusedError("Say first what this is for; choose one of the uses in the list.")
    if not asked.allowed:
        with store.write() as unit:
            unit.log(audit.Action.USE_REFUSED_ART5, "person", {"context": context})
        raise UseRefusedError(asked.explanation)


def check(store: Store, held: Consent) -> frozenset[Purpose]:
    """The purposes allowed now; ask before an analysis (the write asks again).

    Raises:
        ConsentError: nothing is allowed (any more), with the reason.
    """
    with store.read() as look:
        return consent.require(look, held.pseudonym)


def resume(store: Store, code: str) -> Consent:
    """Go on under the consent behind a receipt code, on another day or device.

    Raises:
        UnknownCodeError: nothing is kept under the code.
        ConsentError: it allows nothing any more.
    """
    with store.read() as look:
        held = subjects.resume(look, store.keys, code)
        consent.require(look, held.pseudonym)
        return held


def withdraw(
    store: Store, held: Consent, purposes: Iterable[Purpose] = tuple(Purpose)
) -> Withdrawn:
    """Take consent back; what was kept for the purposes goes with it.

    Without the analysis nothing is left to allow, so taking that back takes all back.

    Raises:
        StoreError: the withdrawal was not written, or it was and the removal waits for the
            next purge; call again, or look at `services.admin.review.erasure_jobs`.
    """

    def act() -> Withdrawn:
        with store.write() as unit:
            subject = subjects.find_by_pseudonym(unit.session, held.pseudonym)
            closed, job_id = _withdraw(unit, held.pseudonym, subject, set(purposes), None)
        return Withdrawn(closed, erasure.carry_out(store, job_id) if job_id else None)

    return store.urgently(act)


def withdraw_by_code(
    store: Store, code: str, purposes: Iterable[Purpose] = tuple(Purpose)
) -> Withdrawn:
    """Take consent back with the receipt code; see `withdraw`.

    Raises:
        UnknownCodeError: nothing is kept under the code.
        StoreError: as for `withdraw`.
    """

    def act() -> Withdrawn:
        with store.write() as unit:
            subject = subjects.find(unit.session, store.keys, code)
            answer = answer_hash(store.keys, code)
            closed, job_id = _withdraw(unit, subject.pseudonym, subject, set(purposes), answer)
        return Withdrawn(closed, erasure.carry_out(store, job_id) if job_id else None)

    return store.urgently(act)


def _withdraw(
    unit: WriteUnit,
    pseudonym: str,
    subject: SubjectRow | None,
    purposes: set[Purpose],
    answer: str | None,
) -> tuple[tuple[Purpose, ...], str | None]:
    """Close the consents; return which were open, and the job that removes what was kept."""
    if Purpose.ANALYSE in purposes:
        purposes = set(Purpose)
    before = consent.given(unit.session, pseudonym)
    scope = _scope(before, purposes)
    in_order = tuple(purpose for purpose in Purpose if purpose in before & purposes)
    if subject is None or scope is None:
        closed = consent.close(unit, pseudonym, in_order, ConsentState.WITHDRAWN)
        if closed:
            marks = {purpose.value: True for purpose in closed}
            unit.log(audit.Action.CONSENT_WITHDRAWN, audit.subject_actor(pseudonym), marks)
        return closed, None
    if scope is Scope.ALL:  # nothing is left to evaluate
        in_order = tuple(p for p in Purpose if p in before & (purposes | {Purpose.EVALUATION}))
    job_id = erasure.request(
        unit,
        subject,
        scope=scope,
        reason=JobReason.WITHDRAW,
        closes=in_order,
        answer_hash=answer if scope is Scope.ALL else None,
    )
    return in_order, job_id


def _scope(before: frozenset[Purpose], purposes: set[Purpose]) -> Scope | None:
    """How much of what is kept goes; None where a withdrawal concerns nothing kept."""
    if Purpose.ANALYSE in purposes:
        return Scope.ALL
    going = [purpose for purpose in KEEPING if purpose in before & purposes]
    staying = [purpose for purpose in KEEPING if purpose in before - purposes]
    if not going:
        return None
    if not staying:
        return Scope.ALL
    return Scope.RESULT if going == [Purpose.KEEP_RESULT] else Scope.IMAGE


def erase(store: Store, code: str) -> ErasureJob:
    """Erase everything under a receipt code; asking again gives the same answer.

    Returns:
        The job. Only where `done` may "deleted" be said; otherwise the next purge goes on.

    Raises:
        UnknownCodeError: nothing is and nothing was kept under the code.
        StoreError: the job was not written; or it was, and waits for the next purge.
    """
    try:
        return store.urgently(lambda: _erase(store, code))
    except StoreFullError as exc:
        raise _unreadable(store, code, exc) from exc


def _unreadable(store: Store, code: str, full: StoreFullError) -> StoreFullError:
    """Destroy the keys of what cannot be erased yet; it needs no space."""
    with store.read() as look:
        subject = subjects.find_any(look.session, store.keys, code)
    if subject is None:
        return full
    store.vault.destroy_keys(subject.id)
    return StoreFullError(
        "The disk is full, so the erasure could not be written down. The keys of your data are "
        "destroyed: nobody can open it any more. Ask again once there is space, so that the rest "
        "of it goes, too."
    )


def _erase(store: Store, code: str) -> ErasureJob:
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
