"""The bytes of uploads that Streamlit itself holds, let go as soon as no page needs them.

Streamlit keeps every uploaded file until its session ends, whether or not a widget still shows it
(1.67: streamlit/streamlit#9218), and a session outlives its page by `disconnectedSessionTTL`.
"""

from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_PAGE: Final = "uploads_page"


def release_uploads() -> None:
    """Drop all uploads of this session; widgets that showed one are empty after the next run."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def release_uploads_of_left_page(page: str) -> None:
    """Drop the uploads of the page that was shown before; call it on every run.

    Its widgets are gone with it, so nobody could get at these files any more.

    Args:
        page: stable name of the page that is about to run.
    """
    if st.session_state.get(_PAGE, page) != page:
        release_uploads()
    st.session_state[_PAGE] = page
