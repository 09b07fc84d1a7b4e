"""One format for all that the server writes: Mien's log, Streamlit's, uvicorn's, everybody's."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import streamlit.logger as streamlit_logger
from streamlit import config

from core.config import ENV_PREFIX
from core.errors import MienError
from services.operations.log_stream import log_streams, log_uncaught
from services.operations.logs import StandardError, formatter, set_up_logs


def set_up(log_format: str, level: str) -> None:
    """Take all logs over from `level` on; may be called again.

    "json" is one object a line, whoever writes it; "text" is for people.
    """
    set_up_logs(log_format, level)
    log_uncaught()
    if log_format == "json":
        log_streams()
    # Else it prints what a page raised in colours on many lines, with the words of the exception.
    config.set_option("logger.enableRich", False)
    library: Any = streamlit_logger
    library.setup_formatter = _setter(log_format)
    library.update_formatter()
    # It warns of caches that are filled before the first visitor came, as `warm_up` does.
    script_context = "streamlit.runtime.scriptrunner_utils.script_run_context"
    logging.getLogger(script_context).setLevel(logging.ERROR)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(formatter(log_format))
        # Below, it writes a line a request, with paths that hold the ids of sessions.
        logging.getLogger(name).setLevel(logging.WARNING)


def end_for(error: MienError) -> NoReturn:
    """End a program whose settings are wrong, in the format that the environment asks for."""
    if os.environ.get(f"{ENV_PREFIX}LOG_FORMAT") != "json":
        sys.exit(f"mien: {error}")
    set_up("json", "INFO")
    logging.getLogger(__name__).critical("%s", error)
    sys.exit(1)


def _setter(log_format: str) -> Callable[[logging.Logger], None]:
    """Streamlit gives each of its loggers a handler of its own."""

    def set_up_one(named: logging.Logger) -> None:
        for handler in list(named.handlers):
            named.removeHandler(handler)
        handler = StandardError()
        handler.setFormatter(formatter(log_format))
        named.addHandler(handler)

    return set_up_one
