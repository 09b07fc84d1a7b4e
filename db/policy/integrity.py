"""What was changed in the database from outside, beside the audit chain.

And the one time at which the rows of an older version, which signed nothing, are signed.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, cast, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.audit.chain import stamp
from db.audit.consents import all_logged
from db.policy import notices, retention
from db.seal.rows import is_genuine
from db.tables import (
    AdminRow,
    AnalysisRow,
    ConsentEventRow,
    ConsentRecordRow,
    NoticeRow,
    RetentionPolicyRow,
    StoredImageRow,
    SubjectRow,
)
from db.types import ConsentState, Kind
from db.unit import WriteUnit

_Row = NoticeRow | RetentionPolicyRow | ConsentEventRow | SubjectRow | AdminRow
_SIGNED: Final[tuple[type[_Row], ...]] = get_args(_Row)
_BATCH_ROWS = 1_000


def damaged_pages(session: Session) -> str:
    """A sentence where SQLite finds pages that do not fit; empty otherwise, and on PostgreSQL."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return ""
    fits = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok"
    return "" if fits else "Pages of the database file are damaged; restore it from a backup."


def forgeries(session: Session) -> tuple[str, ...]:
    """One sentence for each kind of change from outside; empty where there is none."""
    forged = Counter(
        table.__tablename__
        for table in _SIGNED
        for row in _rows(session, table)
        if not is_genuine(session, row)
    )
    found = [
        f"{count} of the rows of {table} changed, or written without the key."
        for table, count in forged.items()
    ]
    if _allowing_too_much(session):
        found.append("Rows of consents are missing: some allow more than the log says.")
    days = retention.policy_days(session)
    policies = session.scalars(select(RetentionPolicyRow))
    if any(not retention.is_sound(session, row, days) for row in policies):
        found.append("A retention setting is not the one that the log says last.")
    if _lost_texts(session):
        found.append("A published text is missing or was changed.")
    shut_out = shut_out_admins(session)
    if any(not row.disabled and row.id in shut_out for row in session.scalars(select(AdminRow))):
        found.append("An admin account that the log says is disabled is not.")
    if _of_other_times(session):
        found.append("Times of what is kept are not those of the log and of the consent.")
    return tuple(found)


def shut_out_admins(session: Session) -> set[str]:
    """Ids of the accounts that are disabled, as the audit log says last."""
    disabled = {
        row.object_id: json.loads(row.details_json)["disabled"]
        for row in audit.genuine(session, [audit.Action.ADMIN_CHANGED])
    }
    return {name for name, is_so in disabled.items() if is_so}


def _of_other_times(session: Session) -> bool:
    """Whether an item was not stored when the log says that one was, or would stay for longer.

    Items and consent records are not signed; events are, and the log is.
    """
    records = select(SubjectRow.pseudonym, ConsentRecordRow).join(
        ConsentRecordRow, ConsentRecordRow.subject_id == SubjectRow.id
    )
    return any(
        not _fits_its_event(session, pseudonym, record)
        or _has_item_of_other_times(session, pseudonym, record)
        for pseudonym, record in session.execute(records)
    )


def _fits_its_event(session: Session, pseudonym: str, record: ConsentRecordRow) -> bool:
    events = select(ConsentEventRow).where(ConsentEventRow.pseudonym == pseudonym)
    first = session.scalars(events.order_by(ConsentEventRow.seq).limit(1)).one_or_none()
    return first is not None and (
        (first.at, first.valid_until) == (record.given_at, record.valid_until)
        and max(record.result_until, record.image_until) <= record.valid_until
    )


def _has_item_of_other_times(session: Session, pseudonym: str, record: ConsentRecordRow) -> bool:
    analysed = list(
        audit.genuine(session, [audit.Action.ANALYSED], audit.subject_actor(pseudonym))
    )
    for table, kept in ((AnalysisRow, "kept_result"), (StoredImageRow, "kept_image")):
        stored = {row.ts_utc for row in analysed if json.loads(row.details_json).get(kept)}
        times = select(table.stored_at, table.promised_until)
        for stored_at, until in session.execute(
            times.where(table.subject_id == record.subject_id)
        ):
            longest = record.valid_until - record.given_at
            if stamp(stored_at) not in stored or until - stored_at > longest:
                return True
    return False


def _rows(session: Session, table: type[_Row]) -> Iterator[_Row]:
    statement = select(table).execution_options(yield_per=_BATCH_ROWS)
    return cast(Iterator[_Row], iter(session.scalars(statement)))


def _allowing_too_much(session: Session) -> set[str]:
    """Pseudonyms whose events allow more than the log says."""
    standing: dict[str, set[str]] = defaultdict(set)
    events = select(ConsentEventRow).order_by(ConsentEventRow.seq)
    for row in session.scalars(events.execution_options(yield_per=_BATCH_ROWS)):
        given = row.state == ConsentState.GIVEN
        (standing[row.pseudonym].add if given else standing[row.pseudonym].discard)(row.purpose)
    logged = all_logged(session)
    return {name for name, purposes in standing.items() if not purposes <= logged[name]}


def _lost_texts(session: Session) -> set[str]:
    published = {row.object_id for row in audit.genuine(session, [audit.Action.NOTICE_PUBLISHED])}
    sound = {
        row.id for row in session.scalars(select(NoticeRow)) if notices.is_sound(session, row)
    }
    return published - sound


def sign_old_rows(unit: WriteUnit) -> None:
    """Sign, once, what a version that signed nothing has written, and say so in the log.

    Only what the log bears out is signed: a consent that allows no more than was logged, a text
    with the hash under which it was published, the days and the admins that the log knows.
    """
    session = unit.session
    beyond = _allowing_too_much(session)
    days = retention.policy_days(session)
    texts = {
        row.object_id: row.details_json
        for row in audit.genuine(session, [audit.Action.NOTICE_PUBLISHED])
    }
    made = {row.object_id for row in audit.genuine(session, [audit.Action.ADMIN_CREATED])}

    def borne_out(row: object) -> bool:
        if isinstance(row, ConsentEventRow):
            return row.pseudonym not in beyond
        if isinstance(row, RetentionPolicyRow):
            return row.days == days[Kind(row.kind)]
        if isinstance(row, NoticeRow):
            fits = row.sha256 == notices.text_hash(row.text)
            return fits and row.sha256 in texts.get(row.id, "")
        return not isinstance(row, AdminRow) or row.id in made

    counts: Counter[str] = Counter()
    for table in _SIGNED:
        for row in list(_rows(session, table)):
            sound = borne_out(row)
            counts[table.__tablename__ if sound else "left_out"] += 1
            if sound:
                row.mac = ""  # made when it is written
    session.flush()
    unit.log(
        audit.Action.ROWS_SIGNED,
        audit.SYSTEM,
        {**counts, "generation": audit.generation(session) + 1},
    )
