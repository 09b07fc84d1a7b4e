"""What a signed-in admin sees: consents, what is stored, retention, removals."""

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import streamlit as st

from db.types import JobReason, Kind, RetentionPolicy, Scope
from services.admin import review
from services.person.purge import purge_if_due
from services.store import Store
from ui.admin.audit_log import audit_section
from ui.admin.charts import gone_figure
from ui.admin.consents import consents_section
from ui.admin.identity import SignedIn
from ui.admin.today import stamp, today_section, unfinished
from ui.consent.session import refusals_said, say
from ui.shared.figures import show
from ui.shared.text import counted_of as counted
from ui.shared.text import day
from ui.shared.widgets import choose_part

KIND_TITLES = {
    Kind.RESULT: "Kept results",
    Kind.IMAGE: "Kept images",
    Kind.ERASURE_JOB: "Notes of erasures done",
}
REASONS = {
    JobReason.ERASE: "asked for",
    JobReason.WITHDRAW: "consent taken back",
    JobReason.RETENTION: "time over",
}
SCOPES = {Scope.ALL: "everything", Scope.RESULT: "results", Scope.IMAGE: "images"}
MAX_DAYS = 1095  # three years, 740 ILCS 14/15(a); the store refuses more


def review_section(store: Store, admin: SignedIn) -> None:
    """Render the part that the admin chose."""
    # What is over its time goes before anybody counts it.
    purge_if_due(store)
    parts: dict[str, Callable[[], None]] = {
        "Today": lambda: today_section(store),
        "Consents": lambda: consents_section(store, admin),
        "Stored": lambda: _stored(store),
        "Retention": lambda: _retention(store, admin),
        "Removals": lambda: _removals(store),
        "Audit log": lambda: audit_section(store, admin),
    }
    parts[choose_part(list(parts), "admin_part")]()


def _stored(store: Store) -> None:
    st.header("What is stored, and when it goes", anchor=False)
    found = review.holdings(store)
    for place, holding in zip(st.columns(len(found)), found, strict=True):
        with place, st.container(border=True):
            st.metric(KIND_TITLES[holding.kind], f"{holding.count:,}")
            if holding.first_gone is None or holding.last_gone is None:
                st.caption("Nothing is stored.")
            else:
                goes = _goes(holding.first_gone, holding.last_gone)
                st.caption(f"{_size(holding.size_bytes)}; {goes}.")
    if not any(holding.gone_by_day for holding in found):
        return
    rows = [
        {"kind": holding.kind.value, "day": day, "items": count}
        for holding in found
        for day, count in holding.gone_by_day
    ]
    show(
        gone_figure(found),
        pd.DataFrame(rows),
        key="holdings",
        reading="each bar is what the purge will remove on a day if nobody asks before.",
        alt="Stored items by the day they go",
    )


def _goes(first: datetime, last: datetime) -> str:
    if first.date() == last.date():
        return f"all goes on {day(first)}"
    return f"the first goes on {day(first)}, the last on {day(last)}"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e3:.1f} kB" if n_bytes < 1_000_000 else f"{n_bytes / 1e6:.1f} MB"


def _retention(store: Store, admin: SignedIn) -> None:
    st.header("Retention", anchor=False)
    st.write(
        "A shorter time acts on what is stored at once; a longer one holds only for what is "
        "promised from now on. 0 days: it is not offered and not stored. The published policy "
        "changes with it, and the log says who changed it."
    )
    policies = review.retention_policies(store)
    for place, policy in zip(st.columns(len(policies)), policies, strict=True):
        with place, st.container(border=True):
            _policy(store, policy, admin)
    st.header("Who changed it", anchor=False)
    changes = review.retention_history(store)
    if not changes:
        st.caption("Nobody yet: the first settings are in force.")
        return
    st.dataframe(
        [
            {
                "when (UTC)": stamp(change.at),
                "who": change.by,
                "what": KIND_TITLES[change.kind],
                "from": counted(change.days_before, "day"),
                "to": counted(change.days, "day"),
            }
            for change in changes
        ],
        hide_index=True,
        key="retention_changes",
    )


def _policy(store: Store, policy: RetentionPolicy, admin: SignedIn) -> None:
    kind = policy.kind
    days = st.number_input(
        f"{KIND_TITLES[kind]}: days", 0, MAX_DAYS, policy.days, key=f"retention_{kind.value}"
    )
    st.caption(f"In force: {counted(policy.days, 'day')}, since {day(policy.changed_at)}.")
    if days == policy.days:
        return
    preview = review.preview_retention(store, kind, days)
    stay = f"{preview.stays:,} stay{'s' * (preview.stays == 1)}"
    text = f"**Preview:** {counted(preview.goes, 'item')} would go now, {stay}."
    (st.warning if preview.goes else st.info)(text)
    st.button(
        f"Set to {counted(days, 'day')}",
        key=f"set_{kind.value}",
        type="primary",
        on_click=_set,
        args=(store, kind, days, admin),
    )


def _set(store: Store, kind: Kind, days: int, admin: SignedIn) -> None:
    with refusals_said():
        review.set_retention(store, kind, days, admin=admin.again())
        days_now = f"{KIND_TITLES[kind]}: {counted(days, 'day')} from now on."
        say("success", f"{days_now} The policy was published anew.")


def _removals(store: Store) -> None:
    st.header("Removals", anchor=False)
    jobs = review.erasure_jobs(store)
    waiting = sum(not job.done for job in jobs)
    if not jobs:
        st.info("Nothing was removed yet.", icon=":material/hourglass_empty:")
        return
    if waiting:
        st.warning(unfinished(waiting))
    table = pd.DataFrame(
        [
            {
                "asked (UTC)": job.requested_at.replace(tzinfo=None),
                "done (UTC)": None if job.done_at is None else job.done_at.replace(tzinfo=None),
                "why": REASONS[job.reason],
                # The purge has one job for whatever was over its time, of many persons.
                "what": "" if job.reason is JobReason.RETENTION else SCOPES[job.scope],
                "state": job.state.value.replace("_", " "),
                "rows": sum(job.counts.values()),
                "job": job.id,
            }
            for job in jobs
        ]
    )
    st.dataframe(table, hide_index=True, height="auto", key="removals")
