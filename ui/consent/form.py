"""The form between a person and every uploader: four lines, one button, keeping if one wants."""

from contextlib import suppress

import streamlit as st

from db.errors import UseRefusedError
from db.types import Choices, Notice, Purpose
from services.person.consent import current_notice, days_offered, give
from services.person.context_of_use import CONTEXTS, ContextOfUse
from services.person.receipt import KIND_OF
from services.store import Store
from ui.consent.session import PURPOSE_TITLES, agree, refusals_said, say, show_said
from ui.shared.text import day

NOTICE_TITLE = "What happens to your pictures"
AGREE = "Analyse, keep nothing"
AGREE_AND_KEEP = "Analyse and keep what is ticked"
REFUSED = "Nothing was looked at and nothing is kept. The sample pictures stay open to you."
# What the button says where nobody says otherwise; the record holds it.
USUAL = "personal"

_CONTEXT, _NOTHING_TICKED = "consent_context", "consent_nothing_ticked"
_WHAT = {
    Purpose.KEEP_RESULT: "boxes and scores, locked with a key of your own, for {days} days.",
    Purpose.KEEP_IMAGE: "the photo without its hidden data, locked likewise, for {days} days.",
    Purpose.EVALUATION: "let us measure with what you keep how well Mien works.",
}


def consent_form(store: Store, *, keeping: bool) -> None:
    """Render notice and form; the click on a button is the consent, for what the button says.

    Only a page that is `keeping` something asks whether it may.
    """
    notice = current_notice(store)
    st.header(NOTICE_TITLE, anchor=False)
    st.markdown(notice_parts(notice)[0])
    chosen = st.session_state.get(_CONTEXT)
    context = CONTEXTS[chosen or USUAL]
    if context.allowed:
        _buttons(store, notice, context)
        if keeping:
            _keeping(store, notice)
    else:
        _explained(context)
    with st.expander("Not for yourself? Say what it is for", icon=":material/help:"):
        st.pills(
            "What is this for?",
            list(CONTEXTS),
            format_func=lambda name: CONTEXTS[name].label,
            key=_CONTEXT,
            on_change=_context_chosen,
            args=(store, notice.id),
        )
    with st.expander("The whole notice", icon=":material/policy:"):
        whole_notice(notice)


def notice_parts(notice: Notice) -> tuple[str, str]:
    """The lines that say it in short, and all of the rest, as Markdown."""
    short, _, rest = notice.text.partition("\n")[2].partition("\n---\n")
    return short.strip(), rest.strip()


def whole_notice(notice: Notice) -> None:
    """The text in force, with the version that a receipt will name."""
    st.markdown("\n\n".join(notice_parts(notice)))
    st.caption(
        f"Version {notice.version}, published {day(notice.published_at)}, "
        f"SHA-256 {notice.sha256[:12]}…"
    )


def _buttons(store: Store, notice: Notice, context: ContextOfUse) -> None:
    with st.container():  # whatever stands here or not, what is unfolded below stays so
        if context.key != USUAL:
            _explained(context)
        show_said()
    with st.container(horizontal=True):
        st.button(
            AGREE,
            type="primary",
            icon=":material/check:",
            on_click=_agreed,
            args=(store, notice.id, ()),
        )
        st.button("No, thank you", on_click=_refused, args=(store, notice.id))
    what_for = "to try it out" if context.key == USUAL else f"for: {context.label.lower()}"
    st.caption(
        f"By pressing *{AGREE}* you agree to the analysis of the photos or the video that you "
        f"then show, {what_for}. {CONTEXTS[USUAL].explanation} "
        "Never for judging people at work or in education."
    )


def _keeping(store: Store, notice: Notice) -> None:
    offered = _offered(store)
    if not offered:
        return
    with st.expander("Keep something as well?", icon=":material/inventory_2:"):
        for purpose, days in offered.items():
            title, what = PURPOSE_TITLES[purpose], _WHAT[purpose].format(days=days)
            st.checkbox(f"**{title}** – {what}", key=_key(purpose))
        if st.session_state.pop(_NOTHING_TICKED, False):
            st.warning(f"Tick what may be kept, or press *{AGREE}*.")
        st.button(AGREE_AND_KEEP, on_click=_agreed, args=(store, notice.id, tuple(offered)))


def _offered(store: Store) -> dict[Purpose, int]:
    """Purpose -> days; what no policy lets us keep is not asked for."""
    days = days_offered(store)
    keeps = {purpose: days[kind] for purpose, kind in KIND_OF.items() if days[kind]}
    return {**keeps, **({Purpose.EVALUATION: 0} if keeps else {})}


def _key(purpose: Purpose) -> str:
    return f"consent_{purpose.value}"


def _explained(context: ContextOfUse) -> None:
    box, icon = (st.info, "info") if context.allowed else (st.error, "block")
    box(context.explanation, icon=f":material/{icon}:")
    for law in context.laws:
        st.caption(f"{law.law}, since {day(law.applies_from)}. [Source]({law.source})")


def _context_chosen(store: Store, notice_id: str) -> None:
    """Log a use that is refused; the person reads the reason above the question."""
    chosen = st.session_state.get(_CONTEXT)
    if chosen is None or CONTEXTS[chosen].allowed:
        return
    with refusals_said(), suppress(UseRefusedError):  # as expected, and logged
        give(store, Choices(), context=chosen, notice_id=notice_id)


def _agreed(store: Store, notice_id: str, offered: tuple[Purpose, ...]) -> None:
    """Write down what the button said; without `offered`, nothing is kept whatever is ticked."""
    kept = {p.value: bool(st.session_state.get(_key(p), False)) for p in offered}
    if offered and not any(kept.values()):
        st.session_state[_NOTHING_TICKED] = True
        return
    context = st.session_state.get(_CONTEXT) or USUAL
    if agree(store, Choices(analyse=True, **kept), context=context, notice_id=notice_id):
        _clear()


def _clear() -> None:
    """Every box is off again: the next time somebody is asked, nothing is chosen for them."""
    st.session_state[_CONTEXT] = None
    for purpose in Purpose:
        st.session_state[_key(purpose)] = False


def _refused(store: Store, notice_id: str) -> None:
    say("info", REFUSED)
    agree(store, Choices(), context=st.session_state.get(_CONTEXT) or USUAL, notice_id=notice_id)
    _clear()
