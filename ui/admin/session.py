"""What the admin part remembers of a session; a reload begins with the token of the cookie."""

from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from services.store import ChainStatus
from ui.admin.cookie import COOKIE, tickets
from ui.shared.state import remembered

_MAX_TOKEN: Final = 200


def _token_of_cookie() -> str:
    told: object = st.context.cookies.get(COOKIE)
    return told[:_MAX_TOKEN] if isinstance(told, str) else ""


@dataclass
class AdminSession:
    """The admin's part of a session: the token of a local sign-in, "" for none.

    `ticket` is for the browser's cookie, where `token` is not in it yet; `logged` is the actor
    whose sign-in elsewhere is in the log; `chain` is the last check of the log.
    """

    token: str = field(default_factory=_token_of_cookie)
    ticket: str = ""
    logged: str = ""
    chain: ChainStatus | None = None

    def hold(self, token: str) -> None:
        """From now on this token, in the browser's cookie as well; "" for none."""
        self.token, self.ticket = token, tickets.give(token)


def admin_session() -> AdminSession:
    """The one of this session."""
    return remembered(AdminSession)
