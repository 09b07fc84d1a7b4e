"""Consents for admins: one by one with filters, how many agree over time, where they stand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from db.types import Purpose
from services.admin import review
from services.person.context_of_use import CONTEXTS
from services.store import Store
from ui.admin import charts
from ui.admin.identity import SignedIn
from ui.consent.session import PURPOSE_TITLES
from ui.shared.figures import show
from ui.shared.text import counted_of as counted
from ui.shared.text import percent
from ui.shared.widgets import choose, download

# Range of the chart in days -> what one of its points stands for.
PERIODS: dict[int, charts.Period] = {30: "day", 90: "week", 365: "month"}
_PSEUDONYM_SHOWN = 8
_TIMES = ("answered (UTC)", "valid until (UTC)", "ended (UTC)")


def consents_section(store: Store, admin: SignedIn) -> None:
    """The table, then what it comes to."""
    found = review.consents(store)
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
        lambda: review.consents_csv(store, admin=admin.again()),
        "mien-consents.csv",
        key="consents_csv",
    )
    _rates(store)
    _states(store)


def _one_of(place: DeltaGenerator, label: str, titles: Mapping[Any, str], key: str) -> Any:
    """A select box; None, the first choice, is all of them."""
    return place.selectbox(label, list(titles), key=key, format_func=titles.__getitem__)


def _filtered(rows: Sequence[review.ConsentRow]) -> list[review.ConsentRow]:
    state_place, purpose_place, pseudonym_place = st.columns(3)
    state = _one_of(state_place, "State", {None: "all"} | charts.STATE_TITLES, "consent_state")
    purposes = {None: "anything"} | PURPOSE_TITLES
    purpose = _one_of(purpose_place, "Allows now", purposes, "consent_purpose")
    begins = pseudonym_place.text_input("Pseudonym begins with", key="consent_pseudonym").strip()
    return [
        row
        for row in rows
        if (state is None or row.state is state)
        and (purpose is None or purpose in row.allowed)
        and row.pseudonym.startswith(begins.lower())
    ]


def consents_table(rows: Sequence[review.ConsentRow]) -> pd.DataFrame:
    """One row a consent, times in UTC."""
    return pd.DataFrame(
        [
            {
                "pseudonym": row.pseudonym[:_PSEUDONYM_SHOWN],
                "state": charts.STATE_TITLES[row.state],
                "allows now": ", ".join(PURPOSE_TITLES[p].lower() for p in row.allowed) or "–",
                "agreed to": ", ".join(PURPOSE_TITLES[p].lower() for p in row.agreed) or "–",
                "for": CONTEXTS[row.context].label if row.context in CONTEXTS else row.context,
                "answered (UTC)": row.given_at.replace(tzinfo=None),
                "valid until (UTC)": row.valid_until.replace(tzinfo=None),
                "ended (UTC)": None if row.ended_at is None else row.ended_at.replace(tzinfo=None),
            }
            for row in rows
        ],
        columns=["pseudonym", "state", "allows now", "agreed to", "for", *_TIMES],
    )


def _rates(store: Store) -> None:
    st.header("How many agree, over time", anchor=False)
    days = choose(
        "Days",
        list(PERIODS),
        "admin_days",
        default=90,
        titles="{} days".format,
        label_visibility="collapsed",
    )
    every = PERIODS[days]
    table = charts.rates_table(review.consent_rates(store, days), every)
    if table.empty:
        st.info("Nobody has been asked in this time.", icon=":material/hourglass_empty:")
        return
    asked = table[table["purpose"] == PURPOSE_TITLES[Purpose.ANALYSE]]
    share = asked["agreed"].sum() / max(asked["asked"].sum(), 1)
    show(
        charts.rates_figure(table, every),
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
    states = charts.states_table(review.consent_states(store))
    show(
        charts.states_figure(states),
        states,
        key="consent_states",
        reading="each consent is counted once a purpose, in the state that it has now.",
        alt="Consents by purpose and state",
    )
