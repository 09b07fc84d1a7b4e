"""What a page remembers of its session: one typed object a page, instead of loose keys."""

from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def remembered(kind: type[T]) -> T:
    """The session's one object of this class, made at its first use.

    Only widgets have keys of their own in `st.session_state`; whatever else a page has to know on
    its next run is a field of a dataclass, and other files ask that page's functions for it.
    """
    if _name(kind) not in st.session_state:
        st.session_state[_name(kind)] = kind()
    found: T = st.session_state[_name(kind)]
    return found


def forget(kind: type[T]) -> None:
    """Drop the session's object of this class."""
    st.session_state.pop(_name(kind), None)


def _name(kind: type[T]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
