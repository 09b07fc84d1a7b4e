"""Widgets of several pages in one style: a choice, a file to take home, a row of figures."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from ui.shared.text import for_spreadsheets

T = TypeVar("T")
_FIGURE_PX = 171  # two fit beside each other on a phone


def choose(
    label: str,
    options: Sequence[T],
    key: str,
    *,
    default: T | None = None,
    titles: Callable[[T], str] = str,
    place: Any = st,
    **more: Any,
) -> T:
    """One of `options` side by side, never none; the first one at first, if no other is said."""
    chosen: T = place.segmented_control(
        label,
        options,
        default=options[0] if default is None else default,
        required=True,
        key=key,
        format_func=titles,
        **more,
    )
    return chosen


def choose_part(options: Sequence[T], key: str, **more: Any) -> T:
    """`choose` for the parts of a page; only a screen reader hears its label."""
    label = "Part of this page"
    return choose(label, options, key, label_visibility="collapsed", **more)


def download(
    label: str,
    content: str | bytes | Callable[[], str | bytes],
    name: str,
    *,
    key: str | None = None,
    icon: str = "download",
    help: str | None = None,
) -> None:
    """A button for a file called `name`; a CSV gets the mark that spreadsheets want.

    A function is called once somebody presses the button.
    """
    as_csv = name.endswith(".csv")

    def late() -> str | bytes:
        made = content() if callable(content) else content
        return for_spreadsheets(made) if as_csv and isinstance(made, str) else made

    st.download_button(
        label,
        late if callable(content) else late(),
        name,
        mimetypes.guess_type(name)[0] or "application/octet-stream",
        key=key,
        on_click="ignore",
        icon=f":material/{icon}:",
        help=help,
    )


def figures_row(
    figures: Mapping[str, str], *, border: bool = False, meanings: Mapping[str, str] | None = None
) -> None:
    """Figures side by side, each under its title; two in a row on a phone.

    `meanings` explains titles to who asks.
    """
    with st.container(horizontal=True):
        for title, value in figures.items():
            meaning = (meanings or {}).get(title)
            st.metric(title, value, width=_FIGURE_PX, border=border, help=meaning)
