"""Lets go of what closed pages held, when their time is over.

Streamlit keeps a closed page's session, uploads included, for `server.disconnectedSessionTTL`
seconds, in case the connection comes back. It looks for what is over only when another page opens
or closes (1.67: `MemorySessionStorage`, a TTLCache), and then leaves the session to the garbage
collector, which may come by hours later; so the last visitor's photos would stay in memory for
the night. This looks regularly and shuts such sessions down.
"""

import logging
import threading
from typing import Any, Final

from streamlit import runtime

EVERY_S: Final = 15.0
logger = logging.getLogger(__name__)


def start_expiry(every_s: float = EVERY_S) -> threading.Event:
    """Look every so many seconds, on a thread; set the event that is returned to end it."""
    stop = threading.Event()
    waiting: dict[str, Any] = {}

    def look() -> None:
        while not stop.wait(every_s):
            try:
                expire_sessions(waiting)
            except Exception:
                # Streamlit's innards may change; whoever upgrades it sees this, and the tests.
                logger.exception("sessions of closed pages cannot be let go")
                return

    threading.Thread(target=look, name="mien-expiry", daemon=True).start()
    return stop


def expire_sessions(waiting: dict[str, Any]) -> None:
    """Shut sessions down that are over their time; nothing happens without a running server.

    Args:
        waiting: sessions of closed pages at the last look, by id; brought up to date.
    """
    if not runtime.exists():
        return
    server: Any = runtime.get_instance()
    # What it holds of sessions belongs to its event loop.
    server._get_async_objs().eventloop.call_soon_threadsafe(let_go, server, waiting)


def let_go(server: Any, waiting: dict[str, Any]) -> None:
    """`expire_sessions`, on the event loop of `server`."""
    manager = server._session_mgr
    storage = manager._session_storage
    # Those that are over now; Streamlit itself may have dropped others since the last look.
    over = {closed.session.id: closed.session for _, closed in storage._cache.expire()} | waiting
    still_waiting = {closed.session.id: closed.session for closed in storage.list()}
    connected = {opened.session.id for opened in manager.list_active_sessions()}
    for name in over.keys() - still_waiting.keys() - connected:
        over[name].shutdown()
    waiting.clear()
    waiting.update(still_waiting)
    if not connected:
        # What the last visitor could download; runs of others would do it where there are any.
        server.media_file_mgr.remove_orphaned_files()
