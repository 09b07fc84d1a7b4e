"""Where a sign-in elsewhere ends: in the admin part, where it failed, too.

Streamlit (1.67, `starlette_auth_routes`) leads back to the first page without a word, whatever
became of it, and answers with two bare words where the other site cannot be reached.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FAILED: Final = "sign_in_failed"
_BEGIN, _BACK = "/auth/login", "/oauth2callback"
_PLACE: Final = "/ethics_privacy?privacy_section=Admin"


class SignInReturn:
    """ASGI middleware around Streamlit's two routes of a sign-in."""

    def __init__(self, app: ASGIApp) -> None:
        """Nothing is known of a visitor."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Change where the answer leads to; everything else goes through as it is."""
        path = scope.get("path", "") if scope["type"] == "http" else ""
        base = path.removesuffix(_BACK).removesuffix(_BEGIN)
        # A sign-out comes back this way, too, without a state.
        back = path.endswith(_BACK) and b"state=" in scope["query_string"]
        if not back and not path.endswith(_BEGIN):
            await self._app(scope, receive, send)
            return

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start" and (back or message["status"] >= 400):
                place = base + _PLACE + ("" if _signed_in(message) else f"&{FAILED}=1")
                headers = [item for item in message["headers"] if item[0].lower() != b"location"]
                headers.append((b"location", place.encode()))
                message = {**message, "status": 302, "headers": headers}
            await send(message)

        await self._app(scope, receive, led)


def _signed_in(message: Message) -> bool:
    """Whether the answer gives the cookie of somebody who is signed in, and takes none away."""
    cookies = [value for name, value in message["headers"] if name.lower() == b"set-cookie"]
    return any(
        one.startswith(b"_streamlit_user=") and b"max-age=0" not in one.lower() for one in cookies
    )
