"""The store of this process: opened once with its purge thread, or the reason why it is not."""

import logging
import time
from dataclasses import dataclass

import streamlit as st

from db.errors import StoreError
from services.person.purge import PurgeThread
from services.store import Store, open_store_of
from ui.shared.once import Once
from ui.shared.resources import settings

# So long a failed start is not tried again: a database that does not answer costs seconds.
RETRY_S = 15.0
UNKNOWN_PROBLEM = (
    "The store cannot be opened; the person who runs Mien finds the reason in its log."
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Opened:
    """The store, or in one sentence why there is none and what to do."""

    store: Store | None
    problem: str
    purger: PurgeThread | None
    tried_at_s: float


def opened() -> Opened:
    """The store of this process; a failed start is tried again after a while."""
    found = _open()
    if found.store is None and time.monotonic() - found.tried_at_s > RETRY_S:
        forget_store()
        found = _open()
    return found


def need_store() -> Store:
    """The store; where there is none, the page ends here with the reason."""
    found = opened()
    if found.store is None:
        st.error(found.problem, icon=":material/database_off:")
        st.stop()
    return found.store


def forget_store() -> None:
    """Close the store, so that the next look opens it anew."""
    _open.clear()


def _release(found: Opened) -> None:
    if found.purger is not None:
        found.purger.stop()
    if found.store is not None:
        found.store.close()


def _try() -> Opened:
    limits = settings()
    try:
        store = open_store_of(limits)
    except StoreError as error:
        logger.error("the store cannot be opened: %s", error)
        return Opened(None, str(error), None, time.monotonic())
    except Exception:
        # A page without a store still has samples to show; the log has the traceback.
        logger.exception("the store cannot be opened")
        return Opened(None, UNKNOWN_PROBLEM, None, time.monotonic())
    return Opened(store, "", PurgeThread(store, limits.purge_every_s), time.monotonic())


_open = Once(_try, _release)
