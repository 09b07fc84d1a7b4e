"""What the admin part remembers of a session, and the cookie that a reload of the page keeps."""

import json
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from services.store import ChainStatus

_KEY: Final = "admin"
COOKIE: Final = "mien_admin"
# The store ends a sign-in after eight hours, and after fifteen minutes without use.
_LIFETIME_S: Final = 8 * 3600
_MAX_TOKEN: Final = 200
_JS: Final = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = data.cookie + "; Path=/; SameSite=Strict" + secure;
}
"""

_mount: Any = st.components.v2.component("mien_admin_cookie", js=_JS)


@dataclass(eq=False)
class AdminSession:
    """The admin's part of a session: the token of a local sign-in, "" for none.

    If `left`, the cookie of this visit counts no more; `logged` is the actor whose sign-in
    elsewhere is in the log; `chain` is the last check of the log.
    """

    token: str = ""
    left: bool = False
    logged: str = ""
    chain: ChainStatus | None = None


def admin_session() -> AdminSession:
    """The one of this session; a reload begins with the token of the cookie."""
    known: AdminSession | None = st.session_state.get(_KEY)
    if known is None:
        told: object = st.context.cookies.get(COOKIE)
        known = AdminSession(told[:_MAX_TOKEN] if isinstance(told, str) else "")
        st.session_state[_KEY] = known
    return known


def keep_cookie(token: str) -> None:
    """Let the browser remember `token`, or forget the one it has where it is empty.

    The token alone opens nothing for long: the store ends it by time, by *Sign out* and when the
    account is disabled.
    """
    lifetime_s = _LIFETIME_S if token else 0
    # A token is letters, digits, - and _; json.dumps makes sure that nothing else goes in.
    value = json.dumps(token)[1:-1]
    _mount(key="admin_cookie", data={"cookie": f"{COOKIE}={value}; Max-Age={lifetime_s}"})
