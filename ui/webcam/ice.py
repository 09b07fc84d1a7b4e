"""ICE servers for live video, with TURN credentials that soon expire.

coturn's scheme (`use-auth-secret`; draft-uberti-behave-turn-rest-00): the user name is the time
at which it expires and any name, the password an HMAC of it under a secret that only Mien and
coturn know. Whoever copies a password from a browser can use it for some hours and no longer.
"""

import base64
import hashlib
import hmac
import time
from typing import Any, Final

from core.config import Settings

# The name that coturn's log shows. It says nothing about the user.
_USER: Final = "mien"
# Expiry is rounded up to full hours, so that an address has one password an hour and not one a
# click, and a session may last an hour at least.
_LIFETIME_S: Final = 3600
_ROUND_S: Final = 3600


def ice_servers(settings: Settings, *, now_s: float | None = None) -> list[dict[str, Any]]:
    """WebRTC's `iceServers` for browser and server; [] where none are set: same network only.

    Examples:
        >>> ice_servers(Settings(stun_urls=("stun:stun.example.org:3478",)))
        [{'urls': ['stun:stun.example.org:3478']}]
    """
    servers: list[dict[str, Any]] = []
    if settings.stun_urls:
        servers.append({"urls": list(settings.stun_urls)})
    if settings.turn_urls and settings.turn_secret is not None:
        secret = settings.turn_secret.get_secret_value()
        expires_s = _expiry(time.time() if now_s is None else now_s)
        username, credential = turn_credentials(secret, expires_s)
        servers.append(
            {"urls": list(settings.turn_urls), "username": username, "credential": credential}
        )
    return servers


def turn_credentials(secret: str, expires_s: int) -> tuple[str, str]:
    """User name and password that coturn accepts until `expires_s` (Unix time).

    Examples:
        >>> turn_credentials("north", 1700000000)[0]
        '1700000000:mien'
    """
    username = f"{expires_s}:{_USER}"
    # coturn computes HMAC-SHA1 and nothing else here; as a keyed hash it is not broken.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def _expiry(now_s: float) -> int:
    return -int(-(now_s + _LIFETIME_S) // _ROUND_S) * _ROUND_S
