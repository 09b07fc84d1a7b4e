"""The cookie that keeps an admin's sign-in over a reload: set by the server, unseen by scripts.

A page of Streamlit talks over a WebSocket, which can set no cookie. So the page gets a ticket that
counts once and for a minute, its browser posts it to `route()`, and the answer sets the cookie
(`HttpOnly`, `SameSite=Strict`, `Secure` where the page came by https). The token itself is never
in the page. Where `Home.py` is served without `serve.py` there is no such route: a reload then
asks for the sign-in again.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

COOKIE: Final = "mien_admin"
TICKET_HEADER: Final = "x-mien-ticket"  # a header of ours: pages of other sites cannot send it
# The store ends a sign-in after eight hours, and after fifteen minutes without use.
LIFETIME_S: Final = 8 * 3600
_TICKET_S: Final = 60.0
_MOST_TICKETS: Final = 1000
_JS: Final = """
let posted = "";
export default function ({ data }) {
  if (!data.ticket || data.ticket === posted) return;
  posted = data.ticket;
  fetch(data.address, { method: "POST", headers: { "X-Mien-Ticket": data.ticket } })
    .catch(() => {});  // no cookie, then: the next reload asks for the sign-in
}
"""

_mount: Any = st.components.v2.component("mien_admin_cookie", js=_JS)


class Tickets:
    """What a browser may fetch once, within a minute; in the memory of this process.

    Args:
        clock: seconds; another one for tests.

    Examples:
        >>> tickets = Tickets()
        >>> ticket = tickets.give("token")
        >>> tickets.take(ticket), tickets.take(ticket)
        ('token', None)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._waiting: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def give(self, token: str) -> str:
        """A ticket for `token`; "" is the ticket to forget the cookie."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._waiting[ticket] = (token, self._clock() + _TICKET_S)
            if len(self._waiting) > _MOST_TICKETS:
                self._waiting.popitem(last=False)
        return ticket

    def take(self, ticket: str) -> str | None:
        """The token of a ticket, None where it was taken or is too old."""
        with self._lock:
            token, until_s = self._waiting.pop(ticket, (None, 0.0))
        return token if self._clock() < until_s else None


tickets: Final = Tickets()


def address() -> str:
    """Path under which a ticket is posted."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{'/' if base else ''}{base}/admin_sign_in"


def route() -> Route:
    """For the server: a ticket in, a cookie out."""
    return Route(address(), _answer, methods=["POST"])


async def _answer(request: Request) -> Response:
    token = tickets.take(request.headers.get(TICKET_HEADER, ""))
    if token is None:
        return Response(status_code=403)
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    # nginx ends TLS and says so; who lies in this header lies about their own cookie.
    schemes = {request.url.scheme, request.headers.get("x-forwarded-proto", "")}
    answer.set_cookie(
        COOKIE,
        token,
        max_age=LIFETIME_S if token else 0,
        httponly=True,
        samesite="strict",
        secure="https" in schemes,
    )
    return answer


def send(ticket: str) -> None:
    """Have the browser post a ticket, once however often the page runs."""
    _mount(key="admin_cookie", data={"ticket": ticket, "address": address()})
