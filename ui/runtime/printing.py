"""A button that opens the browser's print of a page; `frame.css` says what is left out there.

Charts are as wide as the screen lets them be, so the page is made as narrow as paper first, and
as it was afterwards.
"""

from pathlib import Path
from typing import Any

import streamlit as st

_FILE = Path(__file__)
_mount: Any = st.components.v2.component(
    "mien_print",
    html='<button type="button">Print or save as PDF</button>',
    css=_FILE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_FILE.with_suffix(".js").read_text(encoding="utf-8"),
)


def print_button() -> None:
    """Render the button, one a page."""
    _mount(key="print", width="content", height="content")
