"""Which messages of a browser are listened to.

A page sends more kinds than visitors have a use for (1.67: `BackMsg`). `clear_cache` empties the
caches of everybody and has models loaded anew, `load_git_info` reads the repository, and
`set_run_on_save` watches its files; whoever opens a page can send them over the WebSocket.
"""

import logging
from typing import Any, Final

from streamlit.runtime.app_session import AppSession

HEARD: Final = frozenset(
    {
        "app_heartbeat",
        "backend_operation_request",
        "file_urls_request",
        "rerun_script",
        "stop_script",
    }
)
logger = logging.getLogger(__name__)


def refuse_needless_messages() -> None:
    """Let sessions take in the messages of `HEARD` only; once is enough."""
    session: Any = AppSession
    if getattr(session, "mien_listens", False):
        return
    handle = session.handle_backmsg

    def listen(self: Any, message: Any) -> None:
        kind = message.WhichOneof("type")
        if kind in HEARD:
            handle(self, message)
        else:
            # Not louder: whoever sends them could fill the disk with lines.
            logger.debug("a browser's %s was not listened to", kind)

    session.handle_backmsg = listen
    session.mien_listens = True
