"""What Streamlit itself holds of a visitor, let go as soon as no page needs it.

Streamlit keeps every uploaded file until its session ends, whether or not a widget still shows it
(1.67: streamlit/streamlit#9218), and a session outlives its page by `disconnectedSessionTTL`. What
a download button offered outlives the button by one look for files that nobody needs; such a look
comes at the end of each full run, and here one comes before.
"""

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.runtime import memory

_PAGE, _LOOK_AGAIN, _RELEASED = "uploads_page", "uploads_look_again", "uploads_released"


def uploader_key(name: str) -> str:
    """Key of an uploader; another one after each release, which makes it empty."""
    return f"{name}_{st.session_state.get(_RELEASED, 0)}"


def release_uploads() -> None:
    """Drop all uploads of this session, and its pictures and downloads with the next full run."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)
        memory.something_went()
        # A dialog's own run keeps what the page behind it shows, so the page's next run looks.
        st.session_state[_LOOK_AGAIN] = True
        st.session_state[_RELEASED] = st.session_state.get(_RELEASED, 0) + 1


def release_what_is_left(page: str) -> bool:
    """Drop what belonged to the page before `page`; call it at the start of every run.

    Its widgets are gone with it, so nobody could get at these files any more. Returns whether
    there was another page before.
    """
    left = bool(st.session_state.get(_PAGE, page) != page)
    if left:
        release_uploads()
    st.session_state[_PAGE] = page
    if st.session_state.pop(_LOOK_AGAIN, False) and runtime.exists():
        runtime.get_instance().media_file_mgr.remove_orphaned_files()
    return left
