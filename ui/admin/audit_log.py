"""The audit log for admins: is it whole, what does it say, and what can be taken along."""

import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import streamlit as st

from services.admin import review
from services.store import Store, chain_status
from ui.admin.identity import SignedIn
from ui.admin.session import admin_session
from ui.admin.today import stamp
from ui.shared.text import counted_of as counted
from ui.shared.widgets import download


def audit_section(store: Store, admin: SignedIn) -> None:
    """Chain status, browser with filters, exports."""
    st.header("What it says", anchor=False)
    wanted = _filter()
    entries, total = review.log_entries(store, wanted)
    n_pages = max(-(-total // review.PAGE_ROWS), 1)
    if n_pages > 1:
        page = st.number_input("Page", 1, n_pages, 1, key="audit_page", width=140)
        entries, total = review.log_entries(store, wanted, page=page - 1)
    st.caption(f"{counted(total, 'row')}, newest first; {review.PAGE_ROWS} a page.")
    columns = ["when (UTC)", "what happened"]
    sentences = [(stamp(entry.at), entry.sentence) for entry in entries]
    st.dataframe(
        pd.DataFrame(sentences, columns=columns),
        hide_index=True,
        height=420,
        key="audit_sentences",
        column_config={
            "when (UTC)": st.column_config.TextColumn(width=130),
            "what happened": st.column_config.TextColumn(width=690),
        },
    )
    with st.expander("Technical details of these rows", icon=":material/data_object:"):
        columns = ["row", "when (UTC)", "action", "who", "details", "object"]
        rows = [
            (row.seq, row.ts_utc, row.action, row.actor, row.details_json, row.object_id)
            for row in (entry.row for entry in entries)
        ]
        table = pd.DataFrame(rows, columns=columns)
        st.dataframe(table, hide_index=True, height=320, key="audit_rows")
    _exports(store, wanted, admin)
    st.header("Is the log whole?", anchor=False)
    st.button("Check all of it now", on_click=_check, args=(store,), icon=":material/verified:")
    _chain()


def _check(store: Store) -> None:
    admin_session().chain = chain_status(store)


def _chain() -> None:
    status = admin_session().chain
    if status is None:
        st.caption("Every row is hashed with a key over the row before it; checking reads all.")
    elif status.ok:
        st.success(f"Whole: {counted(status.count, 'row')} fit.", icon=":material/verified:")
        if status.end is not None:
            st.caption("Its end, to note elsewhere (`mien store verify --expect` compares):")
            st.code(f"{status.end.seq}:{status.end.hash}", language=None, wrap_lines=True)
    else:
        first = f" First bad row: {status.first_bad_seq}." if status.first_bad_seq else ""
        st.error(
            f"**Not whole** after {counted(status.count, 'good row')}: {status.problem}{first}",
            icon=":material/gpp_bad:",
        )


def _filter() -> review.AuditFilter:
    action_place, who_place, days_place = st.columns([1, 1, 1])
    action = action_place.selectbox(
        "Action",
        [None, *[action.value for action in review.Action]],
        key="audit_action",
        format_func=lambda value: value or "all",
    )
    actor = who_place.text_input("Who (exactly)", key="audit_actor").strip()
    days = days_place.date_input("Days (UTC)", value=[], key="audit_days")
    since, until = _bounds(days)
    return review.AuditFilter(action=action, actor=actor or None, since=since, until=until)


def _bounds(days: object) -> tuple[datetime | None, datetime | None]:
    """Start and end of the chosen days; one day chosen means that day."""
    chosen = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    if not chosen:
        return None, None
    since = datetime.combine(chosen[0], time(), UTC)
    return since, datetime.combine(chosen[-1], time(), UTC) + timedelta(days=1)


def _exports(store: Store, wanted: review.AuditFilter, admin: SignedIn) -> None:
    with st.container(horizontal=True):
        download(
            "These rows as CSV",
            lambda: review.audit_csv(store, wanted, admin=admin.again()),
            "mien-audit.csv",
            key="audit_csv",
        )
        download(
            "What may be used for evaluation (ZIP)",
            lambda: evaluation_zip(store, admin),
            "mien-evaluation.zip",
            icon="folder_zip",
            key="evaluation_zip",
            help="Only what people allow at this moment; the log says that it was taken.",
        )


def evaluation_zip(store: Store, admin: SignedIn) -> bytes:
    """Images and results of those who allow evaluation, without a word on who they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, item in enumerate(
            review.evaluation_items(store, admin=admin.again()), start=1
        ):
            if item.image is not None:
                archive.writestr(f"{number:05d}.jpg", item.image, zipfile.ZIP_STORED)
            if item.result_json is not None:
                archive.writestr(f"{number:05d}.json", item.result_json)
    return buffer.getvalue()
