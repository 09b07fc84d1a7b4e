"""The first look of an admin: what happened today, what goes soon, what needs a hand."""

from datetime import datetime, timedelta
from typing import Final

import pandas as pd
import streamlit as st

from services.admin.review import Today, today
from services.store import Store, chain_status
from ui.admin.session import admin_session
from ui.shared.text import counted_of as counted
from ui.shared.widgets import figures_row

# Nothing was purged for longer: the thread or the process stands still.
_PURGE_LATE: Final = timedelta(hours=2)


def today_section(store: Store) -> None:
    """Counts of the day, alarms first."""
    found = today(store)
    session = admin_session()
    if session.chain is None:
        session.chain = chain_status(store)
    problems = alarms(found)
    if not session.chain.ok:
        problems.insert(0, f"The audit log is not whole: {session.chain.problem}")
    for problem in problems:
        st.warning(problem, icon=":material/warning:")
    if not problems:
        st.success("Nothing needs your attention.", icon=":material/check_circle:")
    figures = {
        "Agreed today": found.given,
        "Said no today": found.refused,
        "Taken back today": found.withdrawn,
        "Failed sign-ins, 24 h": found.failed_sign_ins,
    }
    figures_row({title: f"{number:,}" for title, number in figures.items()}, border=True)
    st.header("What goes in the next 7 days", anchor=False)
    if not found.due:
        st.caption("Nothing that is kept runs out in this time.")
    else:
        due = pd.DataFrame(found.due).rename(columns={"records": "consent records"})
        st.dataframe(due, hide_index=True, key="admin_due")
    rows = f"{counted(session.chain.count, 'row')} of the audit log fit together"
    purge = "Nothing was purged yet"
    if found.last_purge_at is not None:
        purge = f"The last purge went through {ago(found.now - found.last_purge_at)}"
    st.caption(f"{purge}. {rows}. All days are UTC.")


def alarms(found: Today) -> list[str]:
    """What somebody should look at, a sentence each, in plain text."""
    told = []
    if found.unfinished_erasures:
        told.append(unfinished(found.unfinished_erasures))
    if found.last_purge_at is not None and found.now - found.last_purge_at > _PURGE_LATE:
        told.append(f"The last purge went through {ago(found.now - found.last_purge_at)}.")
    if found.locked_accounts:
        told.append(
            f"Sign-in was locked {counted(found.locked_accounts, 'time')} within 24 hours after "
            "too many wrong passwords."
        )
    if found.refused_outside:
        told.append(
            f"{counted(found.refused_outside, 'sign-in')} from elsewhere not let in within "
            "24 hours."
        )
    return told


def unfinished(n_removals: int) -> str:
    """Of removals that wait for the next purge."""
    return f"{counted(n_removals, 'removal')} not finished; each purge goes on with them."


def ago(elapsed: timedelta) -> str:
    """How long ago, in one unit.

    Examples:
        >>> ago(timedelta(seconds=20)), ago(timedelta(minutes=90)), ago(timedelta(days=2))
        ('less than a minute ago', '1 hour ago', '2 days ago')
    """
    minutes = int(elapsed.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute ago"
    if minutes < 60:
        return f"{counted(minutes, 'minute')} ago"
    hours = minutes // 60
    return f"{counted(hours, 'hour') if hours < 48 else counted(hours // 24, 'day')} ago"


def stamp(at: datetime | None) -> str:
    """A time as the tables write it: "29 Nov 2026, 14:05"."""
    return "not readable" if at is None else f"{at.day} {at:%b %Y, %H:%M}"
