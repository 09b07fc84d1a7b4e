"""Lets go of what closed pages held, when their time is over.

Streamlit keeps a closed page's session, uploads included, for `server.disconnectedSessionTTL`
seconds, in case the connection comes back. It looks for what is over only when another page opens
or closes (1.67: `MemorySessionStorage`, a cachetools TTLCache), so that the last visitor's photos
would stay in memory for the night. This looks regularly.
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

    def look() -> None:
        while not stop.wait(every_s):
            try:
                expire_sessions()
            except Exception:
                # Streamlit's innards may change; whoever upgrades it sees this, and the tests.
                logger.exception("sessions of closed pages cannot be let go")
                return

    threading.Thread(target=look, name="mien-expiry", daemon=True).start()
    return stop


def expire_sessions() -> None:
    """Drop the sessions that are over their time; nothing happens without a running server."""
    if not runtime.exists():
        return
    server: Any = runtime.get_instance()
    sessions = server._session_mgr._session_storage._cache
    # Its dictionary belongs to the event loop.
    server._get_async_objs().eventloop.call_soon_threadsafe(sessions.expire)
