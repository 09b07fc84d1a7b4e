"""What a signed-in admin may see and set. Pages check who that is with services.admin.sign_in."""

import contextlib
import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from db import admins
from db.audit import log as audit
from db.audit.chain import AuditRow, parse_stamp, time_of
from db.audit.log import Action, AuditFilter
from db.consent import erasure
from db.consent.erasure import erasure_jobs
from db.consent.purge import last_purge
from db.policy import notices, retention
from db.store import Store
from db.types import (
    AdminIdentity,
    ConsentState,
    Kind,
    RetentionPolicy,
)
from db.views import consents as consent_views
from db.views import evaluation, statistics
from db.views.consents import ConsentRow
from db.views.evaluation import EvaluationItem
from db.views.statistics import (
    DayCount,
    Due,
    Holding,
    StateCount,
    consent_rates,
    consent_states,
    holdings,
)
from services.admin.sentences import sentence, who
from services.person.purge import purge_if_due

__all__ = [  # of the store, for pages
    "Action",
    "AuditFilter",
    "ConsentRow",
    "DayCount",
    "Due",
    "EvaluationItem",
    "Holding",
    "Kind",
    "StateCount",
    "consent_rates",
    "consent_states",
    "erasure_jobs",
    "holdings",
]
PAGE_ROWS = 100
CONSENT_ROWS = 1_000
DUE_DAYS = 7
FAILURES_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Today:
    """What an admin wants to know first. All times aware, in UTC.

    The state of the chain is not here, because it reads the whole log:
    `services.store.chain_status`.

    Attributes:
        given: consents given since midnight UTC.
        refused: forms answered with no, likewise.
        withdrawn: consents taken back, wholly or for one purpose, likewise.
        due: what goes within seven days, by day; empty where nothing does.
        last_purge_at: when a purge last went through, whether or not anything had to go.
        failed_sign_ins: within the last 24 hours, by local accounts and unknown names.
        locked_accounts: how often an account or a client was locked, likewise.
        refused_outside: how often somebody signed in elsewhere was not let in, likewise.
    """

    now: datetime
    given: int
    refused: int
    withdrawn: int
    due: tuple[Due, ...]
    last_purge_at: datetime | None
    unfinished_erasures: int
    failed_sign_ins: int
    locked_accounts: int
    refused_outside: int


@dataclass(frozen=True)
class ConsentPage:
    """The newest consents, newest first, and how many there are in all."""

    rows: tuple[ConsentRow, ...]
    total: int


@dataclass(frozen=True)
class RetentionChange:
    """Who changed which policy (in days) from what to what, and when, aware in UTC."""

    at: datetime
    kind: Kind
    days_before: int
    days: int
    by: str


@dataclass(frozen=True)
class LogEntry:
    """A row of the audit log for people: a time in UTC and a plain sentence, never Markdown.

    The time is None where somebody changed the row so that nobody can tell; `row` is as stored.
    """

    at: datetime | None
    sentence: str
    row: AuditRow


@dataclass(frozen=True)
class RetentionPreview:
    """What a policy would do at this moment: how many items of a kind go, and how many stay."""

    kind: Kind
    days_now: int
    goes: int
    stays: int


def today(store: Store) -> Today:
    """The first look of an admin: a few counts, some milliseconds."""
    with store.read() as look:
        session, now = look.session, look.now
        midnight = statistics.whole_days(now, 0)
        answered = consent_views.answered_since(session, midnight)

        def lately(action: Action) -> int:
            return audit.count_since(session, action, now - FAILURES_WITHIN)

        return Today(
            now=now,
            given=answered[ConsentState.GIVEN],
            refused=answered[ConsentState.REFUSED],
            withdrawn=answered[ConsentState.WITHDRAWN],
            due=statistics.due(session, now, DUE_DAYS),
            last_purge_at=last_purge(session),
            unfinished_erasures=len(erasure.unfinished(session)),
            failed_sign_ins=lately(Action.SIGN_IN_FAILED),
            locked_accounts=lately(Action.SIGN_IN_LOCKED),
            refused_outside=lately(Action.ACCESS_REFUSED),
        )


def consents(store: Store, *, limit: int = CONSENT_ROWS) -> ConsentPage:
    """The newest consents: pseudonym, purposes, context, given, expires, state.

    Nobody's name: the pseudonym is the one of the log, and links to nobody after an erasure.
    """
    with store.read() as look:
        return ConsentPage(*consent_views.newest(look.session, look.now, limit=limit))


def consents_csv(store: Store, *, admin: AdminIdentity) -> str:
    """All consents as CSV, newest first, times in ISO 8601 (UTC); the export is logged."""
    with store.read() as look:
        text, count = _csv(ConsentRow, consent_views.newest(look.session, look.now)[0])
    _log_export(store, admin, "consents", count)
    return text


def _csv(
    kind: type[ConsentRow | AuditRow], rows: Iterable[ConsentRow | AuditRow]
) -> tuple[str, int]:
    """Rows below the names of their fields, and how many there are."""
    buffer, names, count = io.StringIO(), [field.name for field in fields(kind)], 0
    writer = csv.writer(buffer)
    writer.writerow(names)
    for row in rows:
        writer.writerow(_cell(getattr(row, name)) for name in names)
        count += 1
    return buffer.getvalue(), count


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return " ".join(value)
    return value.isoformat() if isinstance(value, datetime) else value


def retention_policies(store: Store) -> tuple[RetentionPolicy, ...]:
    """The policies in force."""
    with store.read() as look:
        return retention.policies(look.session)


def retention_history(store: Store) -> tuple[RetentionChange, ...]:
    """All changes of policies, newest first; empty where the first settings are still in force."""
    names = admins.names(store)
    with store.read() as look:
        rows = list(audit.walk(look.session, AuditFilter(action=Action.RETENTION_CHANGED)))
    changes = []
    for row in reversed(rows):
        # A row that somebody changed may say anything; `chain_status` finds it.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            details = json.loads(row.details_json)
            kind, before, days = Kind(details["kind"]), details["days_before"], details["days"]
            at = parse_stamp(row.ts_utc)
            changes.append(
                RetentionChange(at, kind, int(before), int(days), who(row.actor, names))
            )
    return tuple(changes)


def preview_retention(store: Store, kind: Kind, days: int) -> RetentionPreview:
    """What would go if the policy of `kind` became `days`.

    Raises:
        RetentionBoundsError: not 0 to 1095 days.
    """
    with store.read() as look:
        session, now = look.session, look.now
        days_now = retention.policy_days(session)[kind]
        over_now = retention.count_over(session, kind, now, days_now)
        over_then = retention.count_over(session, kind, now, days)
        total = retention.count_all(session, kind)
    # What is over its time already goes in any case.
    goes = max(over_then - over_now, 0)
    return RetentionPreview(kind, days_now, goes, total - over_now - goes)


def set_retention(store: Store, kind: Kind, days: int, *, admin: AdminIdentity) -> RetentionPolicy:
    """Change a policy; the published text of the policy changes in the same transaction.

    Raises:
        RetentionBoundsError: not 0 to 1095 days.
    """
    purge_if_due(store)  # before a laxer policy could let what is over its time reappear
    with store.write() as unit:
        changed = retention.set_days(unit, kind, days, by=admin.actor)
        notices.publish_texts(unit, store.controller)
        return changed


def log_entries(
    store: Store, wanted: AuditFilter | None = None, *, page: int = 0, rows: int = PAGE_ROWS
) -> tuple[tuple[LogEntry, ...], int]:
    """Browse the audit log (pages from 0): entries, newest first, and how many there are."""
    names = admins.names(store)
    with store.read() as look:
        found, total = audit.browse(
            look.session, wanted or AuditFilter(), limit=rows, offset=page * rows
        )
    entries = (LogEntry(time_of(row), sentence(row, names), row) for row in found)
    return tuple(entries), total


def audit_csv(store: Store, wanted: AuditFilter | None, *, admin: AdminIdentity) -> str:
    """The audit log as CSV, oldest row first; the export is logged."""
    with store.read() as look:
        text, count = _csv(AuditRow, audit.walk(look.session, wanted or AuditFilter()))
    _log_export(store, admin, "audit", count)
    return text


def evaluation_items(store: Store, *, admin: AdminIdentity) -> Iterator[EvaluationItem]:
    """Yield what people let us use for evaluation at this moment; the use is logged first.

    Raises:
        SealBrokenError: an item was changed or its key is lost.
    """
    _log_export(store, admin, "evaluation", 0)
    with store.read() as look:
        yield from evaluation.items(look, store.vault)


def _log_export(store: Store, admin: AdminIdentity, what: str, rows: int) -> None:
    with store.write() as unit:
        unit.log(Action.ADMIN_EXPORTED, admin.actor, {"what": what, "rows": rows})
