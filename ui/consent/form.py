"""The form between a person and every uploader: notice, context of use, four separate answers."""

import streamlit as st

from services.person.consent import (
    Choices,
    Notice,
    Purpose,
    UseRefusedError,
    current_notice,
    days_offered,
    give,
)
from services.person.context_of_use import CONTEXTS, ContextOfUse
from services.person.receipt import KIND_OF
from services.store import Store, StoreError
from ui.consent.session import PURPOSE_TITLES, agree, say, show_said
from ui.shared.text import day

NOTICE_TITLE = "What happens to your photo"
NOT_CHOSEN = "Choose above what this is for."
NOT_TICKED = "Tick *Analyse now*: without it nothing may be done with a photo."
REFUSED = "Nothing was looked at and nothing is kept. The sample pictures stay open to you."

_CONTEXT = "consent_context"
_WHAT = {
    Purpose.ANALYSE: "find faces, show what each expression resembles. Needed.",
    Purpose.KEEP_RESULT: "boxes and scores, locked with a key of your own, for {days} days.",
    Purpose.KEEP_IMAGE: "the photo without its hidden data, locked likewise, for {days} days.",
    Purpose.EVALUATION: "let us measure with what you keep how well Mien works.",
}


def consent_form(store: Store, *, keeping: bool) -> None:
    """Render notice and form; a click on "I agree" gives the session its consent.

    Args:
        store: where the answers go.
        keeping: whether the page can keep anything, so that it makes sense to ask.
    """
    notice = current_notice(store)
    text, answers = st.columns([1.1, 1], gap="large")
    with text:
        st.subheader(NOTICE_TITLE, anchor=False)
        notice_text(notice)
    with answers, st.container(border=True):
        context = _context_question(store, notice)
        if context is None or context.allowed:
            _answers(store, notice, keeping=keeping)
        show_said()


def notice_text(notice: Notice) -> None:
    """The text in force, with the version that a receipt will name."""
    title, _, body = notice.text.partition("\n")
    st.markdown(f"*{title.removeprefix('# ')}*\n{body}")
    st.caption(
        f"Version {notice.version}, published {day(notice.published_at)}, "
        f"SHA-256 {notice.sha256[:12]}…"
    )


def _context_question(store: Store, notice: Notice) -> ContextOfUse | None:
    st.markdown("**1. What is this for?**")
    key = st.pills(
        "What is this for?",
        list(CONTEXTS),
        format_func=lambda name: CONTEXTS[name].label,
        key=_CONTEXT,
        on_change=_context_chosen,
        args=(store, notice.id),
        label_visibility="collapsed",
    )
    if key is None:
        return None
    context = CONTEXTS[key]
    if context.allowed:
        st.caption(context.explanation)
    else:
        st.error(context.explanation, icon=":material/block:")
    for law in context.laws if key != "personal" else ():
        st.caption(f"{law.law}, since {day(law.applies_from)}. [Source]({law.source})")
    return context


def _context_chosen(store: Store, notice_id: str) -> None:
    """Log a use that is refused; the person reads the reason beside the question."""
    chosen = st.session_state.get(_CONTEXT)
    if chosen is None or CONTEXTS[chosen].allowed:
        return
    try:
        give(store, Choices(), context=chosen, notice_id=notice_id)
    except UseRefusedError:
        pass  # as expected, and logged
    except StoreError as error:
        say("error", str(error))


def _answers(store: Store, notice: Notice, *, keeping: bool) -> None:
    st.markdown("**2. What do you allow?** Each for itself, and all of it can be taken back.")
    offered = _offered(store) if keeping else {Purpose.ANALYSE: 0}
    for purpose, days in offered.items():
        title, what = PURPOSE_TITLES[purpose], _WHAT[purpose].format(days=days)
        st.checkbox(f"**{title}** – {what}", key=_key(purpose))
    with st.container(horizontal=True):
        st.button(
            "I agree: analyse my photos", type="primary", icon=":material/check:",
            on_click=_agreed, args=(store, notice.id, tuple(offered)),
        )  # fmt: skip
        st.button("No, thank you", on_click=_refused, args=(store, notice.id))
    if not keeping:
        st.caption("Here nothing can be kept; that is offered on the Upload page.")


def _offered(store: Store) -> dict[Purpose, int]:
    """Purpose -> days; what no policy lets us keep is not asked for."""
    days = days_offered(store)
    keeps = {purpose: days[kind] for purpose, kind in KIND_OF.items() if days[kind]}
    return {Purpose.ANALYSE: 0, **keeps, **({Purpose.EVALUATION: 0} if keeps else {})}


def _key(purpose: Purpose) -> str:
    return f"consent_{purpose.value}"


def _agreed(store: Store, notice_id: str, offered: tuple[Purpose, ...]) -> None:
    context = st.session_state.get(_CONTEXT)
    choices = Choices(**{p.value: bool(st.session_state.get(_key(p), False)) for p in offered})
    if context is None:
        say("warning", NOT_CHOSEN)
    elif not choices.analyse:
        say("warning", NOT_TICKED)
    elif agree(store, choices, context=context, notice_id=notice_id):
        _clear()


def _clear() -> None:
    """Every box is off again: the next time somebody is asked, nothing is chosen for them."""
    st.session_state[_CONTEXT] = None
    for purpose in Purpose:
        st.session_state[_key(purpose)] = False


def _refused(store: Store, notice_id: str) -> None:
    context = st.session_state.get(_CONTEXT)
    say("info", REFUSED)
    # A refusal needs no reason; one without a context of use is not written down.
    if context is not None and CONTEXTS[context].allowed:
        agree(store, Choices(), context=context, notice_id=notice_id)
    _clear()
