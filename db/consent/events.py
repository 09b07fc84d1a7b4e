"""Consent: given, read again before every write, withdrawn.

The history is append-only and knows a person only by a random pseudonym. A person of whom
something may be kept also has a subject and a record, found by the receipt code; with these
rows goes the only link between the person and the pseudonym.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.audit.consents import logged
from db.errors import (
    ConsentExpiredError,
    ConsentForgedError,
    ConsentMissingError,
    ConsentOutdatedError,
    ConsentWithdrawnError,
)
from db.policy import notices
from db.policy.retention import policy_days
from db.seal.rows import is_genuine
from db.tables import ConsentEventRow
from db.types import Choices, Consent, ConsentEvent, ConsentState, Kind, NoticeKind, Purpose
from db.unit import ReadUnit, WriteUnit

FORGED = (
    "What is on record of your consent was changed from outside, so nothing is done with it. Take "
    "it back or agree anew, and tell whoever runs Mien."
)
# A consent under which nothing is kept ends with the visit; this bounds a forgotten open page.
VISIT = timedelta(hours=12)


def give(unit: WriteUnit, choices: Choices, *, context: str, notice_id: str) -> Consent:
    """Write down the four answers; where something may be kept, `subjects.add` must follow.

    Raises:
        ConsentOutdatedError: the notice that was shown is not the newest one.
        NoPolicyError: no retention policy is published.
        ClockBackwardsError: no honest end can be promised.
    """
    unit.require_honest_clock()
    require_active(unit.session, notice_id)
    notices.active(unit.session, NoticeKind.POLICY)
    promised = _promised_days(unit.session, choices)
    longest = timedelta(days=max(promised.values(), default=0))
    consent = Consent(
        pseudonym=uuid4().hex,
        record_id=uuid4().hex,
        subject_id=uuid4().hex if longest else None,
        choices=choices,
        context=context,
        notice_id=notice_id,
        given_at=unit.now,
        valid_until=unit.now + (longest or VISIT),
        promised_days=promised,
    )
    for purpose in Purpose:
        given = purpose in choices.given
        _append(unit, consent, purpose, ConsentState.GIVEN if given else ConsentState.REFUSED)
    return consent


def _append(
    unit: WriteUnit, of: Consent | ConsentEventRow, purpose: Purpose, state: ConsentState
) -> None:
    # Given by us and not by the database, because the number is signed with the row.
    last_seq = unit.session.scalar(select(func.max(ConsentEventRow.seq))) or 0
    unit.session.add(
        ConsentEventRow(
            seq=last_seq + 1,
            at=unit.now,
            pseudonym=of.pseudonym,
            purpose=purpose.value,
            state=state.value,
            notice_id=of.notice_id,
            context=of.context,
            valid_until=of.valid_until,
        )
    )
    unit.session.flush()


def _promised_days(session: Session, choices: Choices) -> dict[Kind, int]:
    """Days of each kind that is to be kept; a policy of 0 days means not at all."""
    wanted = {Kind.RESULT: choices.keep_result, Kind.IMAGE: choices.keep_image}
    days = policy_days(session)
    return {
        kind: days[kind]
        for kind, keep in wanted.items()
        if keep and choices.analyse and days[kind]
    }


def require_active(session: Session, notice_id: str) -> None:
    """Refuse a consent to a text that is not the one in force.

    Raises:
        ConsentOutdatedError: the text has a newer version.
        NoPolicyError: there is no such text.
    """
    shown = notices.find(session, notice_id)
    if notices.active(session, NoticeKind.NOTICE, shown.language).id != notice_id:
        raise ConsentOutdatedError(
            "The notice changed since you agreed; read the new one and choose again."
        )


def require(unit: ReadUnit, pseudonym: str) -> frozenset[Purpose]:
    """Read the consent again; call it in the transaction that writes.

    Returns:
        The purposes that are given now, ANALYSE among them.

    Raises:
        ConsentMissingError: nothing was ever agreed to, or the analysis was refused.
        ConsentWithdrawnError: the consent to the analysis was taken back.
        ConsentExpiredError: its time is over.
        ConsentOutdatedError: the notice changed since.
        ConsentForgedError: its rows were changed from outside, or some are missing.
    """
    latest = _latest(unit.session, pseudonym)
    allowed = _checked(unit.session, pseudonym)
    analyse = latest.get(Purpose.ANALYSE)
    if analyse is None or analyse.state == ConsentState.REFUSED:
        raise ConsentMissingError(
            "You have not agreed to the analysis; choose 'Analyse now' to go on."
        )
    if analyse.state == ConsentState.WITHDRAWN:
        raise ConsentWithdrawnError(
            "You took your consent back, so nothing was kept; give it again to go on."
        )
    if analyse.state == ConsentState.EXPIRED or analyse.valid_until <= unit.now:
        raise ConsentExpiredError("Your consent has run out; give it again to go on.")
    require_active(unit.session, analyse.notice_id)
    return allowed


def is_borne_out(session: Session, pseudonym: str) -> bool:
    """Whether all rows of a consent are genuine and the log says that no more was allowed."""
    try:
        _checked(session, pseudonym)
    except ConsentForgedError:
        return False
    return True


def _checked(session: Session, pseudonym: str) -> frozenset[Purpose]:
    """The purposes that are given now, by rows that only this program can have written."""
    genuine = all(is_genuine(session, row) for row in _events(session, pseudonym))
    standing = given(session, pseudonym)
    if not genuine or not standing <= logged(session, pseudonym):
        raise ConsentForgedError(FORGED)
    return standing


def given(session: Session, pseudonym: str) -> frozenset[Purpose]:
    """The purposes that are given now, whether or not their time is over or the rows genuine.

    For closing consents, which nothing may hold up; to allow something, ask `require`.
    """
    now = states(session, pseudonym)
    return frozenset(purpose for purpose, state in now.items() if state is ConsentState.GIVEN)


def states(session: Session, pseudonym: str) -> dict[Purpose, ConsentState]:
    """Purpose -> state now; empty for an unknown pseudonym."""
    return {
        purpose: ConsentState(row.state) for purpose, row in _latest(session, pseudonym).items()
    }


def history(session: Session, pseudonym: str) -> tuple[ConsentEvent, ...]:
    """All events of a consent, oldest first."""
    return tuple(
        ConsentEvent(row.at, Purpose(row.purpose), ConsentState(row.state), row.notice_id)
        for row in _events(session, pseudonym)
    )


def close(
    unit: WriteUnit, pseudonym: str, purposes: Iterable[Purpose], state: ConsentState
) -> tuple[Purpose, ...]:
    """Move those of `purposes` that are given to `state`, and return them; others stay."""
    latest = _latest(unit.session, pseudonym)
    changed: list[Purpose] = []
    for purpose in purposes:
        row = latest.get(purpose)
        if row is not None and row.state == ConsentState.GIVEN:
            changed.append(purpose)
            _append(unit, row, purpose, state)
    return tuple(changed)


def _latest(session: Session, pseudonym: str) -> dict[Purpose, ConsentEventRow]:
    return {Purpose(row.purpose): row for row in _events(session, pseudonym)}


def _events(session: Session, pseudonym: str) -> Iterable[ConsentEventRow]:
    return session.scalars(
        select(ConsentEventRow)
        .where(ConsentEventRow.pseudonym == pseudonym)
        .order_by(ConsentEventRow.seq)
    )
