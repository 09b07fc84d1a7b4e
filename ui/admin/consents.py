"""Consents for admins: one by one with filters, how many agree over time, where they stand."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from db.types import Purpose
from services.admin.review import (
    ConsentRow,
    consent_rates,
    consent_states,
    consents,
    consents_csv,
)
from services.person.context_of_use import CONTEXTS
from services.store import Store
from ui.admin.charts import (
    STATE_TITLES,
    Period,
    rates_figure,
    rates_table,
    states_figure,
    states_table,
)
from ui.admin.identity import SignedIn
from ui.consent.session import PURPOSE_TITLES
from ui.shared.figures import show
from ui.shared.text import counted_of as counted
from ui.shared.text import percent
from ui.shared.widgets import choose, download

# Range of the chart in days -> what one of its points stands for.
PERIODS: dict[int, Period] = {30: "day", 90: "week", 365: "month"}
_PSEUDONYM_SHOWN = 8
_TIMES = ("answered (UTC)", "valid until (UTC)", "ended (UTC)")


def consents_section(store: Store, admin: SignedIn) -> None:
    """The table, then what it comes to."""
    found = consents(store)
    if not found.rows:
        st.info("Nobody has been asked yet.", icon=":material/hourglass_empty:")
        return
    st.header("Consents one by one", anchor=False)
    rows = _filtered(found.rows)
    times = st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm")
    st.dataframe(
        consents_table(rows),
        hide_index=True,
        height=380,
        key="admin_consents",
        placeholder="–",
        column_config=dict.fromkeys(_TIMES, times),
    )
    more = found.total - len(found.rows)
    st.caption(
        f"{len(rows):,} of {counted(found.total, 'consent')}, newest first"
        + (f"; the CSV has {more:,} older ones, too." if more else ".")
        + " A pseudonym stands for one receipt code and for nobody's name."
    )
    download(
        "All consents as CSV",
        lambda: consents_csv(store, admin=admin.again()),
        "mien-consents.csv",
        key="consents_csv",
    )
    _rates(store)
    _states(store)


def _filtered(rows: Sequence[ConsentRow]) -> list[ConsentRow]:
    state_place, purpose_place, pseudonym_place = st.columns(3)
    state = state_place.selectbox(
        "State",
        [None, *STATE_TITLES],
        key="consent_state",
        format_func=lambda value: "all" if value is None else STATE_TITLES[value],
    )
    purpose = purpose_place.selectbox(
        "Allows now",
        [None, *Purpose],
        key="consent_purpose",
        format_func=lambda value: "anything" if value is None else PURPOSE_TITLES[value],
    )
    begins = pseudonym_place.text_input("Pseudonym begins with", key="consent_pseudonym").strip()
    return [
        row
        for row in rows
        if (state is None or row.state is state)
        and (purpose is None or purpose in row.allowed)
        and row.pseudonym.startswith(begins.lower())
    ]


def consents_table(rows: Sequence[ConsentRow]) -> pd.DataFrame:
    """One row a consent, times in UTC."""
    return pd.DataFrame(
        [
            {
                "pseudonym": row.pseudonym[:_PSEUDONYM_SHOWN],
                "state": STATE_TITLES[row.state],
                "allows now": ", ".join(PURPOSE_TITLES[p].lower() for p in row.allowed) or "–",
                "agreed to": ", ".join(PURPOSE_TITLES[p].lower() for p in row.agreed) or "–",
                "for": CONTEXTS[row.context].label if row.context in CONTEXTS else row.context,
                "answered (UTC)": row.given_at.replace(tzinfo=None),
                "valid until (UTC)": row.valid_until.replace(tzinfo=None),
                "ended (UTC)": None if row.ended_at is None else row.ended_at.replace(tzinfo=None),
            }
            for row in rows
        ],
        columns=[
            "pseudonym",
            "state",
            "allows now",
            "agreed to",
            "for",
            *_TIMES,
        ],
    )


def _rates(store: Store) -> None:
    st.header("How many agree, over time", anchor=False)
    days = choose(
        "Days",
        list(PERIODS),
        "admin_days",
        default=90,
        titles=lambda n: f"{n} days",
        label_visibility="collapsed",
    )
    every = PERIODS[days]
    table = rates_table(consent_rates(store, days), every)
    if table.empty:
        st.info("Nobody has been asked in this time.", icon=":material/hourglass_empty:")
        return
    asked = table[table["purpose"] == PURPOSE_TITLES[Purpose.ANALYSE]]
    share = asked["agreed"].sum() / max(asked["asked"].sum(), 1)
    show(
        rates_figure(table, every),
        table,
        key="consent_rates",
        says=f"{percent(share)} of {counted(int(asked['asked'].sum()), 'form')} in {days} days "
        "said yes to the analysis.",
        reading=f"each point is the share of those asked in a {every} (UTC) who agreed to a "
        "purpose; few people make it jump.",
        alt=f"Consent rates by {every} and purpose",
    )


def _states(store: Store) -> None:
    st.header("Where consents stand now", anchor=False)
    states = states_table(consent_states(store))
    show(
        states_figure(states),
        states,
        key="consent_states",
        reading="each consent is counted once a purpose, in the state that it has now.",
        alt="Consents by purpose and state",
    )
