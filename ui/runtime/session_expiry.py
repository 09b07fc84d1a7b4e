"""Lets go of what closed pages held, when their time is over.

Streamlit keeps a closed page's session, uploads included, for `server.disconnectedSessionTTL`
seconds, in case the connection comes back. It looks for what is over only when another page opens
or closes (1.67: `MemorySessionStorage`, a TTLCache), and then leaves the session to the garbage
collector, which may come by hours later; so the last visitor's photos would stay in memory for
the night. This looks regularly, shuts such sessions down, takes out of them whatever pages have
put there, and gives the memory back.
"""

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from streamlit import runtime

from ui.runtime import memory

EVERY_S: Final = 15.0
_PATIENCE_S: Final = 60.0  # with a server that has much else to do
logger = logging.getLogger(__name__)


@dataclass
class ClosedPages:
    """Sessions of closed pages by id, from one look to the next.

    The connection of those that wait may come back; those that leave are shut down, but their page
    still runs and may hold a picture.
    """

    waiting: dict[str, Any] = field(default_factory=dict)
    leaving: dict[str, Any] = field(default_factory=dict)


def start_expiry(every_s: float = EVERY_S) -> threading.Event:
    """Look every so many seconds, on a thread; set the event that is returned to end it."""
    stop = threading.Event()
    closed = ClosedPages()

    def look() -> None:
        said = False
        while not stop.wait(every_s):
            try:
                expire_sessions(closed)
                memory.give_back()
            except Exception:
                # Streamlit's innards may change; whoever upgrades it sees this, and the tests.
                if not said:
                    logger.exception("sessions of closed pages cannot be let go")
                said = True

    threading.Thread(target=look, name="mien-expiry", daemon=True).start()
    return stop


def expire_sessions(closed: ClosedPages) -> None:
    """Shut sessions down that are over their time, and bring `closed` up to date.

    Nothing happens without a running server.
    """
    if not runtime.exists():
        return
    server: Any = runtime.get_instance()
    done: Future[None] = Future()

    def look() -> None:
        try:
            let_go(server, closed)
            done.set_result(None)
        except Exception as error:
            done.set_exception(error)

    # What it holds of sessions belongs to its event loop.
    server._get_async_objs().eventloop.call_soon_threadsafe(look)
    done.result(_PATIENCE_S)


def let_go(server: Any, closed: ClosedPages) -> None:
    """`expire_sessions`, on the event loop of `server`."""
    manager = server._session_mgr
    storage = manager._session_storage
    # Those that are over now; Streamlit itself may have dropped others since the last look.
    over = {one.session.id: one.session for _, one in storage._cache.expire()} | closed.waiting
    closed.waiting = {one.session.id: one.session for one in storage.list()}
    connected = {one.session.id for one in manager.list_active_sessions()}
    for name in over.keys() - closed.waiting.keys() - connected:
        over[name].shutdown()
        closed.leaving[name] = over[name]
    for name, session in list(closed.leaving.items()):
        if session._scriptrunner is None:
            empty(session)
            del closed.leaving[name]
    if not connected:
        # What the last visitor could download; runs of others would do it where there are any.
        server.media_file_mgr.remove_orphaned_files()


def empty(session: Any) -> None:
    """Take everything out of a session that is shut down: no page has to think of it.

    Its state, files in widgets among it; pieces of pages that run by themselves, with what they
    were given; messages to the browser that never left.
    """
    # In place, for whoever still knows them (a thread that has run the page, streamlit-webrtc).
    session._session_state.clear()
    session._session_state._new_widget_state.widget_metadata.clear()  # what widgets call
    session._fragment_storage.clear()
    session._fragment_storage.clear_outside_wrappers()
    session._browser_queue.clear()
    session._client_state.Clear()
    memory.something_went()
