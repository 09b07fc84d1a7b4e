"""Who may see the admin part: local accounts, or an outside identity with an allow-list."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from db import admins
from db.admins import (
    current,
    list_admins,
    log_outside_sign_in,
    log_outside_sign_out,
    outside_identity,
    sign_in,
    sign_out,
)
from db.audit import log as audit
from db.store import Store
from db.types import AdminIdentity

__all__ = [
    "current",
    "list_admins",
    "log_outside_sign_in",
    "log_outside_sign_out",
    "sign_in",
    "sign_out",
]

# Whoever may run commands on the serving computer may do all that an admin may.
OPERATOR = AdminIdentity(audit.OPERATOR, "operator", "command line")

create_admin = admins.create
set_admin_disabled = admins.set_disabled


def local_accounts_exist(store: Store) -> bool:
    """Whether a sign-in form makes sense; otherwise say how `mien admin create` works."""
    return not all(admin.disabled for admin in list_admins(store))


def outside_admin(
    store: Store, claims: Mapping[str, object], allowed: Sequence[str]
) -> AdminIdentity:
    """Judge the claims of an OpenID Connect sign-in; call it on every run of an admin page.

    Streamlit keeps its cookie for thirty days and does not look at the token's end, so this does.
    Of the `claims` it reads `iss`, `sub`, `exp`, `email`, `email_verified`; `allowed` are subject
    ids, or e-mail addresses, which count only when verified.

    Raises:
        NotAllowedError: not on the list, or the token has run out.
    """
    subject, issuer = str(claims.get("sub", "")), str(claims.get("iss", ""))
    email = str(claims.get("email", "")).casefold() if claims.get("email_verified") is True else ""
    on_list = {entry.strip().casefold() for entry in allowed if entry.strip()}
    refusal = ""
    if not subject or not ({subject.casefold(), email} & on_list):
        refusal = "not_on_list"
    elif not _runs(claims.get("exp"), store.clock()):
        refusal = "expired"
    name = email or subject
    return outside_identity(store, issuer=issuer, subject=subject, name=name, refusal=refusal)


def _runs(expires: object, now: datetime) -> bool:
    """Whether a token with this `exp` (seconds since 1970, UTC) is still good."""
    if isinstance(expires, bool) or not isinstance(expires, int | float | str):
        return False
    try:
        return now < datetime.fromtimestamp(float(expires), UTC)
    except (ValueError, OverflowError, OSError):
        return False
