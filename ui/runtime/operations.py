"""What runs beside the pages, once a process: logs, metrics, readiness, a graceful stop.

Pages run again and again; this module is imported once, and so starts things once.
"""

import atexit
import gc
import importlib
import logging
import pkgutil
import sys
import threading

import streamlit as st
from starlette.formparsers import MultiPartParser

import ui
from core.errors import SettingsError
from services.observe import WORK, add_observer
from services.operations.doctor import Readiness
from services.operations.logs import LogObserver
from ui.runtime import logs
from ui.runtime.memory import overwrite_freed
from ui.runtime.messages import refuse_needless_messages
from ui.runtime.router import through_home_from_the_start
from ui.runtime.session_expiry import start_expiry
from ui.shared.resources import analyzer, settings
from ui.shared.store import forget_store, opened

logger = logging.getLogger(__name__)
_starting = threading.Lock()
_started = _stopped = False
_serving = threading.Event()


def start(*, serving: bool = True) -> None:
    """Set up logs, metrics and the stop; does nothing the second time.

    Unless `serving` already, visitors are let in once `warm_up` is through.
    """
    global _started
    with _starting:
        if _started:
            return
        limits = settings()
        _started = True
        logs.set_up(limits.log_format, limits.log_level)
        overwrite_freed()
        keep_uploads_in_memory()
        refuse_needless_messages()
        start_expiry()
        add_observer(LogObserver())
        if limits.metrics_port is not None:
            _serve_probes(limits.metrics_host, limits.metrics_port)
        atexit.register(stop)
        if serving:
            _serving.set()
    logger.info("started")


def start_or_say() -> None:
    """`start`; where a setting is wrong, the log says which, and the visitor that one is."""
    try:
        start()
    except SettingsError as error:
        logs.set_up("text", "INFO")
        logger.error("%s", error)
        st.error(
            "Mien is not set up right on this server, and cannot start. Whoever runs it finds "
            "the reason in its log.",
            icon=":material/build:",
        )
        st.stop()


# By functions, for commands do without; by a visitor's first chart otherwise.
_IMPORTED_LATER = ("scipy.stats.contingency", "sklearn.metrics")


def warm_up() -> None:
    """Do now what the first visitor would wait for: open the store, load models and pages' code.

    Opening the store starts the purge.
    """
    limits = settings()
    through_home_from_the_start()
    for module in pkgutil.walk_packages(ui.__path__, "ui."):
        try:
            importlib.import_module(module.name)
        except ImportError:
            # One page that cannot be shown is no reason not to show the others.
            logger.exception("%s cannot be imported", module.name)
    for name in _IMPORTED_LATER:
        importlib.import_module(name)
    if opened().store is None:
        logger.warning("serving without a store: %s", opened().problem)
    analyzer(limits.default_model, limits.default_detector)
    gc.freeze()  # modules and models stay: looks for garbage need not go through them each time
    _serving.set()


def stop() -> None:
    """Finish what was begun, begin nothing new, hand back the purge's lease; once."""
    global _stopped
    with _starting:
        if _stopped:
            return
        _stopped = True
    if not WORK.stop(settings().stop_grace_s):
        logger.warning("analyses were cut off", extra={"running": WORK.n_running})
    forget_store()  # ends the purge, which hands its lease back
    logger.info("stopped")


def keep_uploads_in_memory() -> None:
    """Starlette puts uploads above one megabyte into a temporary file; photos go to no disk."""
    MultiPartParser.spool_max_size = sys.maxsize


def _serve_probes(host: str, port: int) -> None:
    # Here, because without the setting a process has no use for Prometheus' library.
    from services.operations.probes import ProbeServer
    from services.operations.prometheus import Metrics

    metrics = Metrics(lambda: opened().store)
    readiness = Readiness(settings(), lambda: opened().store, serving=_serving.is_set)
    try:
        ProbeServer(metrics, readiness, host=host, port=port)
    except OSError as exc:
        logger.error("no metrics: port %s cannot be opened (%s)", port, exc.strerror)
        return
    add_observer(metrics)
