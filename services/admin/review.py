"""What a signed-in admin may see and set. Pages check who that is with services.admin.sign_in."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

from db.audit import log as audit
from db.audit.chain import AuditRow
from db.audit.log import Action, AuditFilter
from db.consent import erasure
from db.policy import notices, retention
from db.store import Store
from db.types import (
    AdminIdentity,
    ConsentState,
    ErasureJob,
    JobReason,
    Kind,
    RetentionPolicy,
    Scope,
)
from db.views import evaluation, statistics
from db.views.evaluation import EvaluationItem
from db.views.statistics import DayCount, Holding, StateCount
from services.person.purge import purge_if_due

__all__ = [
    "Action",
    "AuditFilter",
    "AuditPage",
    "ConsentState",
    "DayCount",
    "ErasureJob",
    "EvaluationItem",
    "Holding",
    "JobReason",
    "Kind",
    "RetentionPolicy",
    "RetentionPreview",
    "Scope",
    "StateCount",
    "audit_csv",
    "audit_page",
    "consent_rates",
    "consent_states",
    "erasure_jobs",
    "evaluation_items",
    "holdings",
    "preview_retention",
    "retention_policies",
    "set_retention",
]

PAGE_ROWS = 100


@dataclass(frozen=True)
class AuditPage:
    """Some rows, newest first, and how many there are in all."""

    rows: tuple[AuditRow, ...]
    total: int


@dataclass(frozen=True)
class RetentionPreview:
    """What a policy would do at this moment.

    Attributes:
        kind: of data.
        days_now: the policy in force.
        days_then: the one asked about.
        goes: items that would go with the next purge because of it.
        stays: items of that kind that would stay.
    """

    kind: Kind
    days_now: int
    days_then: int
    goes: int
    stays: int


def consent_rates(store: Store, days: int = 90) -> tuple[DayCount, ...]:
    """Consent events of the last `days` days and today, by day (UTC), purpose and state."""
    with store.read() as look:
        since = statistics.whole_days(look.now, days)
        until = look.now + timedelta(microseconds=1)
        return statistics.events_by_day(look.session, since, until)


def consent_states(store: Store) -> tuple[StateCount, ...]:
    """How many consents stand where, by purpose."""
    with store.read() as look:
        return statistics.states_now(look.session, look.now)


def holdings(store: Store) -> tuple[Holding, ...]:
    """What is stored of each kind and when it will go."""
    with store.read() as look:
        return statistics.holdings(look.session, look.now)


def retention_policies(store: Store) -> tuple[RetentionPolicy, ...]:
    """The policies in force."""
    with store.read() as look:
        return retention.policies(look.session)


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
    return RetentionPreview(kind, days_now, days, goes, total - over_now - goes)


def set_retention(store: Store, kind: Kind, days: int, *, admin: AdminIdentity) -> RetentionPolicy:
    """Change a policy; the published text of the policy changes in the same transaction.

    Raises:
        RetentionBoundsError: not 0 to 1095 days.
    """
    purge_if_due(store)  # before a laxer policy could let what is over its time reappear
    with store.write() as unit:
        before = retention.policy_days(unit.session)[kind]
        retention.set_days(unit.session, kind, days, now=unit.now, by=admin.actor)
        unit.log(
            Action.RETENTION_CHANGED,
            admin.actor,
            {"kind": kind.value, "days_before": before, "days": days},
        )
        notices.publish_texts(unit, store.controller)
        return RetentionPolicy(kind, days, unit.now, admin.actor)


def erasure_jobs(store: Store) -> tuple[ErasureJob, ...]:
    """Removals on record, newest first; those that are not `done` are still at work."""
    with store.read() as look:
        return erasure.jobs(look.session)


def audit_page(
    store: Store, wanted: AuditFilter | None = None, *, page: int = 0, rows: int = PAGE_ROWS
) -> AuditPage:
    """Browse the audit log; `page` counts from 0."""
    with store.read() as look:
        found, total = audit.browse(
            look.session, wanted or AuditFilter(), limit=rows, offset=page * rows
        )
    return AuditPage(found, total)


def audit_csv(store: Store, wanted: AuditFilter | None, *, admin: AdminIdentity) -> str:
    """The audit log as CSV, oldest row first; the export is logged."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    names = [field.name for field in fields(AuditRow)]
    writer.writerow(names)
    count = 0
    with store.read() as look:
        for row in audit.walk(look.session, wanted or AuditFilter()):
            writer.writerow([getattr(row, name) for name in names])
            count += 1
    _log_export(store, admin, "audit", count)
    return buffer.getvalue()


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
