"""A button that opens the browser's print of a page; `frame.css` says what is left out there.

Charts are as wide as the screen lets them be, so the page is made as narrow as paper first, and
as it was afterwards.
"""

from typing import Any

import streamlit as st

_JS = """
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button")
  const page = document.body.classList
  const again = () => page.remove("mien-print")
  window.addEventListener("afterprint", again)
  button.onclick = () => {
    page.add("mien-print")
    setTimeout(() => window.print(), 800)  // until the charts have followed
  }
  return () => {
    button.onclick = null
    window.removeEventListener("afterprint", again)
  }
}
"""
_HTML = '<button type="button">Print or save as PDF</button>'
_CSS = """
button {
  font: inherit; font-size: 0.875rem;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid color-mix(in srgb, var(--st-text-color) 22%, transparent);
  border-radius: var(--st-button-radius); cursor: pointer;
  padding: 0.42rem 0.8rem; min-height: 2.5rem;
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
"""
_mount: Any = st.components.v2.component("mien_print", html=_HTML, css=_CSS, js=_JS)


def print_button() -> None:
    """Render the button, one a page."""
    _mount(key="print", width="content", height="content")
