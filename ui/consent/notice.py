"""What happens to a photo, said before anything can be handed over (EU AI Act, article 50(3))."""

import streamlit as st

from db.errors import StoreError
from db.types import Purpose
from services.person.consent import Given, current_notice
from services.person.receipt import KIND_OF, as_json
from ui.consent import session
from ui.consent.form import NOTICE_TITLE, consent_form, whole_notice
from ui.shared.store import opened
from ui.shared.widgets import download


def agreed(*, folded: bool = False, keeping: bool = False) -> bool:
    """Whether this session may analyse photos now; shows notice and form until it may.

    Until then the caller renders no widget that takes a picture. Taking it back is one click on
    the same page. The notice is `folded` behind its title where something else is to be seen
    first; a page that is `keeping` what it may asks for that.
    """
    if session.held() is not None:
        return True
    found = opened()
    if found.store is None:
        st.error(
            f"{found.problem} Until then no photo of yours is taken; samples work.",
            icon=":material/database_off:",
        )
        return False
    if folded:
        session.show_said()  # what ended the consent, not to be hidden with the form
    with (
        st.expander("Use your own photos", icon=":material/add_photo_alternate:")
        if folded
        else st.container(border=True)
    ):
        try:
            consent_form(found.store, keeping=keeping)
        except StoreError as error:
            st.error(str(error))
    return False


def receipt() -> None:
    """The way back to what is kept, above everything else; nothing where nothing is kept."""
    given = session.given_now()
    if given is None or given.code is None:
        return
    with st.container(border=True):
        st.markdown(
            "**Your receipt code.** It is the only way back to what is kept: to see it, take it "
            "with you, take your consent back or have it erased. Write it down – nobody can look "
            "it up for you."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.code(given.code, language=None, width="content")
            _receipt_download(given)
            st.page_link(
                "pages/ethics_privacy.py",
                label="My consents",
                icon=":material/policy:",
                query_params={"privacy_section": "My consents"},
            )


def shown_again() -> None:
    """What was agreed to and how to take it back, for those who have agreed."""
    given = session.given_now()
    if given is None:
        return
    session.show_said()
    with st.container(key="consent"):
        st.caption(f"You allowed: {', '.join(_allowed(given))}.")
        _consent_bar(given)
    wanted = session.asked_for()
    if wanted == "notice":
        _notice_again()
    elif wanted == "taking back":
        _ask_before_deleting(given)


def _consent_bar(given: Given) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if given.code is None:
            _receipt_download(given)
        st.button(
            NOTICE_TITLE,
            icon=":material/policy:",
            key="consent_notice",
            on_click=session.ask_for,
            args=("notice",),
        )
        kept = given.code is not None
        st.button(
            "I no longer agree",
            on_click=session.ask_for if kept else session.take_back,
            args=("taking back",) if kept else (),
            icon=":material/undo:",
            key="consent_take_back",
            help="Takes back everything you allowed; what is kept under it is deleted.",
        )


@st.dialog(NOTICE_TITLE, width="medium")
def _notice_again() -> None:
    store = opened().store
    if store is None:
        return
    try:
        whole_notice(current_notice(store))
    except StoreError as error:
        st.error(str(error))


@st.dialog("Take it back and delete?")
def _ask_before_deleting(given: Given) -> None:
    kinds = [
        session.PURPOSE_TITLES[p].lower() for p in KIND_OF if p in given.consent.choices.given
    ]
    st.markdown(
        f"You allowed us to {' and to '.join(kinds)}. What is kept under that is deleted, and "
        "nobody can bring it back."
    )
    with st.container(horizontal=True):
        taken_back = st.button(
            "Take back and delete",
            type="primary",
            icon=":material/delete:",
            on_click=session.take_back,
        )
        kept = st.button("Keep it")
    if taken_back or kept:  # a dialog is a fragment: only a run of the whole page closes it
        st.rerun()


def _allowed(given: Given) -> list[str]:
    """Such as "keep the result (30 days)", in the order of the purposes."""
    words = []
    for purpose in Purpose:
        if purpose in given.consent.choices.given:
            kind = KIND_OF.get(purpose)
            days = given.consent.promised_days.get(kind, 0) if kind is not None else 0
            title = session.PURPOSE_TITLES[purpose].lower()
            words.append(f"{title} ({days} days)" if days else title)
    return words


def _receipt_download(given: Given) -> None:
    download(
        "Receipt (JSON)",
        lambda: as_json(given.receipt),
        "mien-receipt.json",
        icon="receipt_long",
        key="consent_receipt",
    )
