"""Persons of whom something is kept: added with a receipt code, found and shown by it."""

import json
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.consent import events as consents
from db.consent.codes import code_hash, new_code
from db.errors import ConsentForgedError, UnknownCodeError
from db.policy import notices
from db.policy.retention import kept
from db.seal.master_key import Keys
from db.seal.rows import is_genuine
from db.seal.vault import Sealed, Vault
from db.store import Store
from db.tables import (
    AnalysisRow,
    ConsentRecordRow,
    ErasureJobRow,
    StoredImageRow,
    SubjectRow,
)
from db.types import Choices, Consent, KeptAnalysis, KeptImage, Kind, Purpose, Scope, SubjectView
from db.unit import ReadUnit, WriteUnit

UNKNOWN_CODE = (
    "Nothing is kept under this code; check its 20 characters – what was kept may also have been "
    "erased or have run out."
)


def add(
    unit: WriteUnit, vault: Vault, keys: Keys, consent: Consent, *, signed_name: str = ""
) -> str:
    """Add the subject of a consent under which something may be kept; return the receipt code.

    The signed name, which may be empty, is sealed.
    """
    subject_id = consent.subject_id
    if subject_id is None:
        raise ValueError("nothing may be kept under this consent, so it has no subject")
    code = new_code()
    unit.on_failure(lambda: vault.destroy_keys(subject_id))
    for kind in consent.promised_days:
        vault.make_key(subject_id, Sealed(kind.value))
    sealed_name = None
    if signed_name:
        vault.make_key(subject_id, Sealed.RECORD)
        name = signed_name.encode()
        sealed_name = vault.seal(subject_id, Sealed.RECORD, consent.record_id, name)
    unit.session.add(
        SubjectRow(
            id=subject_id,
            pseudonym=consent.pseudonym,
            code_hash=code_hash(keys, code),
            created_at=unit.now,
        )
    )
    unit.session.flush()
    days = consent.promised_days
    unit.session.add(
        ConsentRecordRow(
            id=consent.record_id,
            subject_id=subject_id,
            notice_id=consent.notice_id,
            context=consent.context,
            language=notices.find(unit.session, consent.notice_id).language,
            given_at=consent.given_at,
            valid_until=consent.valid_until,
            result_until=consent.given_at + timedelta(days=days.get(Kind.RESULT, 0)),
            image_until=consent.given_at + timedelta(days=days.get(Kind.IMAGE, 0)),
            sealed_name=sealed_name,
        )
    )
    unit.session.flush()
    return code


def find(session: Session, keys: Keys, code: str) -> SubjectRow:
    """The subject behind a receipt code.

    Raises:
        UnknownCodeError: there is none, or it is being erased.
    """
    row = find_any(session, keys, code)
    if row is None or running_erasure(session, row.id) is not None:
        raise UnknownCodeError(UNKNOWN_CODE)
    return row


def require_genuine(session: Session, subject: SubjectRow) -> SubjectRow:
    """The subject, if this program linked it with its code and its consent.

    Whoever can write into the database could put a code of their own beside somebody's pictures.

    Raises:
        ConsentForgedError: somebody else did.
    """
    if not is_genuine(session, subject):
        raise ConsentForgedError(consents.FORGED)
    return subject


def find_any(session: Session, keys: Keys, code: str) -> SubjectRow | None:
    """The subject behind a receipt code, also one being erased; None where there is none."""
    return session.scalars(
        select(SubjectRow).where(SubjectRow.code_hash == code_hash(keys, code))
    ).first()


def find_by_pseudonym(session: Session, pseudonym: str) -> SubjectRow | None:
    """The subject behind a consent, None where nothing is kept under it."""
    return session.scalars(select(SubjectRow).where(SubjectRow.pseudonym == pseudonym)).first()


def running_erasure(session: Session, subject_id: str) -> ErasureJobRow | None:
    """The job that removes all of a subject, None where none is at work."""
    job = select(ErasureJobRow).where(
        ErasureJobRow.subject_id == subject_id, ErasureJobRow.scope == Scope.ALL.value
    )
    return session.scalars(job).first()


def record_of(session: Session, subject_id: str) -> ConsentRecordRow:
    """The consent record of a subject; each subject has one."""
    return session.scalars(
        select(ConsentRecordRow).where(ConsentRecordRow.subject_id == subject_id)
    ).one()


def promised_days(record: ConsentRecordRow) -> dict[Kind, int]:
    """Kind -> days that were promised; kinds that may not be kept are left out."""
    ends = {Kind.RESULT: record.result_until, Kind.IMAGE: record.image_until}
    days = {kind: (until - record.given_at).days for kind, until in ends.items()}
    return {kind: count for kind, count in days.items() if count}


def resume(unit: ReadUnit, keys: Keys, code: str) -> Consent:
    """The consent behind a code, for a person who comes back; `consent.require` judges it.

    Raises:
        UnknownCodeError: nothing is kept under the code.
        ConsentForgedError: the code was put there from outside.
    """
    subject = require_genuine(unit.session, find(unit.session, keys, code))
    record = record_of(unit.session, subject.id)
    given = consents.given(unit.session, subject.pseudonym)
    return Consent(
        pseudonym=subject.pseudonym,
        record_id=record.id,
        subject_id=subject.id,
        choices=Choices(**{purpose.value: purpose in given for purpose in Purpose}),
        context=record.context,
        notice_id=record.notice_id,
        given_at=record.given_at,
        valid_until=record.valid_until,
        promised_days=promised_days(record),
    )


def look_up(store: Store, code: str) -> SubjectView:
    """All that is kept under a code, to show it; what is over its time is left out, purged or not.

    Raises:
        UnknownCodeError: nothing is kept under the code.
        ConsentForgedError: the code was put there from outside.
        SealBrokenError: something was changed or its key is lost.
    """
    with store.read() as look:
        session = look.session
        subject = require_genuine(session, find(session, store.keys, code))
        record, name = record_of(session, subject.id), b""
        if record.sealed_name:
            name = store.vault.open(subject.id, Sealed.RECORD, record.id, record.sealed_name)
        return SubjectView(
            record_id=record.id,
            subject_id=subject.id,
            context=record.context,
            notice=notices.find(session, record.notice_id),
            given_at=record.given_at,
            valid_until=record.valid_until,
            signed_name=name.decode() or None,
            states=consents.states(session, subject.pseudonym),
            promised_days=promised_days(record),
            events=consents.history(session, subject.pseudonym),
            analyses=_analyses(look, store.vault, subject.id),
            images=_images(look, subject.id),
        )


def _analyses(unit: ReadUnit, vault: Vault, subject_id: str) -> tuple[KeptAnalysis, ...]:
    return tuple(
        KeptAnalysis(
            id=row.id,
            stored_at=row.stored_at,
            kept_until=until,
            model_id=row.model_id,
            result=json.loads(vault.open(subject_id, Sealed.RESULT, row.id, row.sealed_result)),
        )
        for row, until in kept(unit, AnalysisRow, Kind.RESULT, subject_id)
    )


def _images(unit: ReadUnit, subject_id: str) -> tuple[KeptImage, ...]:
    return tuple(
        KeptImage(
            id=row.id,
            stored_at=row.stored_at,
            kept_until=until,
            size_bytes=row.size_bytes,
            analysis_id=row.analysis_id,
        )
        for row, until in kept(unit, StoredImageRow, Kind.IMAGE, subject_id)
    )
