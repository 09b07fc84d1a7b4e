"""My consents: what is kept under a receipt code, and every way to take it, change it, end it."""

from contextlib import suppress

import streamlit as st

from core.expression.answer import answer_of, short
from db.errors import StoreError, UnknownCodeError
from db.types import Purpose, SubjectView
from services.person.consent import Given, erase, resume, withdraw_by_code
from services.person.context_of_use import CONTEXTS
from services.person.export import export, look_up, read_image
from services.person.purge import purge_if_due
from services.person.receipt import as_json, receipt_of_subject
from services.store import Store
from ui.consent import session
from ui.shared.store import need_store
from ui.shared.text import counted_of as counted
from ui.shared.text import day
from ui.shared.widgets import download

_CODE = "privacy_code"
_ASKED = "privacy_code_asked"
_CONFIRMING = "privacy_erase_confirming"
IMAGES_SHOWN = 12


def consents_section() -> None:
    """Look-up by receipt code, then everything that is kept under it."""
    store = need_store()
    st.header("My consents", anchor=False)
    st.write(
        "With your receipt code you see what is kept of you, take it with you, take your consent "
        "back or have everything erased – on any device, without a reason. Without the code "
        "nobody can find it, we included."
    )
    _ask_for_code()
    session.show_said()
    code = st.session_state.get(_CODE, "")
    if not code:
        return
    # What is over its time goes before anybody looks.
    purge_if_due(store)
    try:
        view = look_up(store, code)
    except UnknownCodeError:
        _close()
        _nothing_found(store, code)
        return
    except StoreError as error:
        st.error(str(error), icon=":material/search_off:")
        return
    _summary(view)
    _choices(store, code, view)
    _kept(store, code, view)
    _whole(store, code, view)


def _nothing_found(store: Store, code: str) -> None:
    """Say how far an erasure is, or that there is nothing.

    Erasing again is safe here: nothing that could be looked up is behind the code.
    """
    try:
        words = session.job_words(erase(store, code), "Everything under this code was erased.")
    except StoreError as error:
        st.error(str(error), icon=":material/search_off:")
    else:
        session.show_box(*words)


def _ask_for_code() -> None:
    with (
        st.form("privacy_look_up", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input(
            "Receipt code",
            key=_ASKED,
            placeholder="XXXXX-XXXXX-XXXXX-XXXXX",
            max_chars=60,
            autocomplete="off",
        )
        st.form_submit_button("Look up", icon=":material/search:", on_click=_look_up)


def _look_up() -> None:
    code = str(st.session_state.get(_ASKED, "")).strip()
    st.session_state[_CODE] = code
    if not code:
        session.say("info", "Type the code that you were given when you agreed.")


def _summary(view: SubjectView) -> None:
    context = CONTEXTS.get(view.context)
    with st.container(border=True):
        st.markdown(
            f"**Agreed on {day(view.given_at)}**, valid until {day(view.valid_until)} · for: "
            f"{context.label if context else view.context} · notice version "
            f"{view.notice.version}"
        )
        with st.expander("The text you saw", icon=":material/policy:"):
            st.markdown(view.notice.text.replace("# ", "#### ", 1))
        with st.expander("What became of each answer", icon=":material/history:"):
            st.dataframe(
                [
                    {
                        "when (UTC)": event.at.replace(tzinfo=None),
                        "purpose": session.PURPOSE_TITLES[event.purpose],
                        "state": event.state.value,
                    }
                    for event in view.events
                ],
                hide_index=True,
                height="content",
            )


def _choices(store: Store, code: str, view: SubjectView) -> None:
    st.markdown("**What you allow**")
    for purpose in Purpose:
        state = view.states.get(purpose)
        given = state is not None and state.value == "given"
        with st.container(horizontal=True, vertical_alignment="center"):
            icon = ":green[:material/check_circle:]" if given else ":gray[:material/cancel:]"
            word = state.value if state is not None else "not asked"
            st.markdown(f"{icon} {session.PURPOSE_TITLES[purpose]} – {word}", width="stretch")
            if given:
                st.button(
                    "Take back",
                    key=f"take_back_{purpose.value}",
                    on_click=_take_back,
                    args=(store, code, purpose),
                    help="Without the analysis nothing is left to allow, so everything kept goes."
                    if purpose is Purpose.ANALYSE
                    else None,
                )


def _take_back(store: Store, code: str, purpose: Purpose) -> None:
    _forget_if_mine(store, code)
    with session.refusals_said():
        done = withdraw_by_code(store, code, [purpose])
        session.say(*session.withdrawal_words(done))
        if done.job is not None and done.job.scope.value == "all":
            _close()


def _kept(store: Store, code: str, view: SubjectView) -> None:
    images, results = len(view.images), len(view.analyses)
    st.markdown(f"**What is kept:** {counted(results, 'result')}, {counted(images, 'image')}")
    if view.analyses:
        st.dataframe(
            [
                {
                    "kept on (UTC)": item.stored_at.replace(tzinfo=None),
                    "gone on (UTC)": item.kept_until.replace(tzinfo=None),
                    "faces": len(item.result.get("faces", [])),
                    "people would say": ", ".join(
                        short(answer_of(face)) for face in item.result.get("faces", [])
                    ),
                    "model": item.model_id,
                }
                for item in view.analyses
            ],
            hide_index=True,
            height="content",
            column_config=dict.fromkeys(
                ("kept on (UTC)", "gone on (UTC)"),
                st.column_config.DatetimeColumn(format="D MMM YYYY", width=100),
            ),
        )
    if not view.images:
        return
    with st.container(horizontal=True):
        for number, image in enumerate(view.images[:IMAGES_SHOWN], start=1):
            try:
                content = read_image(store, code, image.id)
            except StoreError as error:
                st.warning(f"Image {number}: {error}")
                continue
            st.image(
                content,
                width=160,
                alt=f"Kept image {number}",
                caption=f"until {day(image.kept_until)}",
            )
    if images > IMAGES_SHOWN:
        st.caption(f"The export has {images - IMAGES_SHOWN} more.")


def _whole(store: Store, code: str, view: SubjectView) -> None:
    with st.container(horizontal=True):
        download(
            "Everything as ZIP",
            lambda: export(store, code).zip_bytes,
            "mien-my-data.zip",
            icon="folder_zip",
            key="privacy_export",
        )
        download(
            "Receipt (JSON)",
            lambda: as_json(receipt_of_subject(view, controller=store.controller)),
            "mien-receipt.json",
            icon="receipt_long",
            key="privacy_receipt",
        )
        if session.given_now() is None:
            st.button(
                "Go on under this consent",
                on_click=_go_on,
                args=(store, code, view),
                icon=":material/login:",
                help="Upload then takes photos under what you allow here, without asking again.",
            )
        st.button(
            "Erase everything",
            icon=":material/delete_forever:",
            key="privacy_erase",
            on_click=st.session_state.update,
            args=({_CONFIRMING: True},),
        )
    if st.session_state.pop(_CONFIRMING, False):
        _confirm_erasure(store, code, len(view.analyses), len(view.images))
    st.button("Close", on_click=_close, icon=":material/close:", type="tertiary")


def _close() -> None:
    st.session_state.pop(_CODE, None)


def _go_on(store: Store, code: str, view: SubjectView) -> None:
    with session.refusals_said():
        consent = resume(store, code)
        session.hold(Given(consent, code, receipt_of_subject(view, controller=store.controller)))
        session.say("success", "You can go on with Upload; it keeps what you allow here.")


@st.dialog("Erase everything?")
def _confirm_erasure(store: Store, code: str, results: int, images: int) -> None:
    st.write(
        f"{counted(results, 'result')}, {counted(images, 'image')}, your consent record and the "
        "code itself will be destroyed. Nobody can undo this."
    )
    with st.container(horizontal=True):
        erased = st.button(
            "Yes, erase",
            type="primary",
            icon=":material/delete_forever:",
            on_click=_erase,
            args=(store, code),
            key="privacy_erase_yes",
        )
        kept = st.button("No, keep it", key="privacy_erase_no")
    if erased or kept:
        st.rerun()


def _erase(store: Store, code: str) -> None:
    _forget_if_mine(store, code)
    with session.refusals_said():
        job = erase(store, code)
        session.say(
            *session.job_words(
                job, "Your data is being erased." if not job.done else "It is gone."
            )
        )
        if job.done:
            _close()


def _forget_if_mine(store: Store, code: str) -> None:
    """Drop this session's own photos and results where they belong to the same consent."""
    given = session.given_now()
    if given is None:
        return
    mine = given.code == code
    with suppress(StoreError):  # then the code has to do
        mine = resume(store, code).pseudonym == given.consent.pseudonym
    if mine:
        session.forget_consent()
