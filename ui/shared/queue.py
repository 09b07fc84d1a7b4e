"""A session's turn at the analyzer, with words for the time until it comes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from services.analysis.queue import Turns
from ui.shared.resources import settings

_SAY_EVERY_S = 0.5


@st.cache_resource(show_spinner=False)
def turns() -> Turns:
    """The turns of this process."""
    return Turns(settings().parallel_photos, settings().max_waiting_photos)


@contextmanager
def my_turn(say_waiting: Callable[[int], None]) -> Iterator[None]:
    """Wait until this session may analyse one photo, and let the next one in afterwards.

    Args:
        say_waiting: called now and then with the number of photos that come first; drawing
            something there is what lets a click interrupt the waiting.

    Raises:
        BusyError: too many wait already.
    """
    context = get_script_run_ctx()
    turn = turns().ask("" if context is None else context.session_id)
    try:
        while not turn.wait(_SAY_EVERY_S):
            say_waiting(turn.ahead)
        yield
    finally:
        turn.leave()


def waiting_words(n_ahead: int) -> str:
    """Such as "Waiting: 3 photos before yours"."""
    if not n_ahead:
        return "Waiting: yours is next"
    return f"Waiting: {n_ahead} photo{'s' * (n_ahead > 1)} before yours"
