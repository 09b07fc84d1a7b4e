"""A run of a page or of a part of it: which one it is, and what is said where it cannot go on."""

import logging
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import MienError

logger = logging.getLogger(__name__)


def this_run() -> object | None:
    """An object that is the same one all through a run of a page or fragment, and no other's.

    None outside of a run. Streamlit makes a new dictionary of cursors at the beginning of each
    run (1.67: `ScriptRunContext.reset`); whoever keeps it can tell by `is` whether it still runs.
    """
    ctx = get_script_run_ctx(suppress_warning=True)
    return None if ctx is None else ctx.cursors


def run_or_say(page: Callable[[], None]) -> None:
    """Run a page or a part of it; what it cannot read is a sentence there and in the log."""
    try:
        page()
    except MienError as error:
        logger.error("%s", error)
        st.error(str(error), icon=":material/build:")


def fragment(
    function: Callable[..., None] | None = None, *, run_every: float | None = None
) -> Callable[..., Any]:
    """`st.fragment`, which lets no error out to the page around it, by `run_or_say`."""
    if function is None:
        return partial(fragment, run_every=run_every)

    @wraps(function)
    def said(*arguments: Any, **named: Any) -> None:
        run_or_say(partial(function, *arguments, **named))

    part: Callable[..., None] = st.fragment(said, run_every=run_every)
    return part
