"""The one door to Streamlit's own idea of pages."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_home() -> None:
    """Make sure that the calling page was opened by Home.py; the first line of every page.

    Streamlit discovers `pages/` by itself until a first session has called `st.navigation`
    (1.67: a flag of the process). A fresh server's first visitor who opens `/upload` would get
    the bare page, without Home.py's configuration and titles; this runs it again the right way.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def through_home_from_the_start() -> None:
    """The same for all pages, where the server can be told before its first visitor comes."""
    PagesManager.uses_pages_directory = False
