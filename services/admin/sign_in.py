"""Who may see the admin part: local accounts, or an outside identity with an allow-list."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from db import admins
from db.admins import (
    Refusal,
    current,
    log_outside_sign_in,
    log_outside_sign_out,
    outside_identity,
    sign_in,
    sign_out,
)
from db.audit import log as audit
from db.store import Store
from db.types import Admin, AdminIdentity

__all__ = ["current", "log_outside_sign_in", "log_outside_sign_out", "sign_in", "sign_out"]

# Whoever may run commands on the serving computer may do all that an admin may.
OPERATOR = AdminIdentity(audit.OPERATOR, "operator", "command line")

create_admin = admins.create
set_admin_disabled = admins.set_disabled


def local_accounts_exist(store: Store) -> bool:
    """Whether a sign-in form makes sense; otherwise say how `mien admin create` works."""
    return not all(admin.disabled for admin in list_admins(store))


def list_admins(store: Store) -> tuple[Admin, ...]:
    """All local accounts, by name."""
    with store.read() as look:
        return admins.all_admins(look.session)


def outside_admin(
    store: Store, claims: Mapping[str, object], allowed: Sequence[str]
) -> AdminIdentity:
    """Judge the claims of an OpenID Connect sign-in; call it on every run of an admin page.

    Streamlit keeps its cookie for thirty days and does not look at the token's end, so this does.

    Args:
        store: for the log of refusals, and for the time.
        claims: of the identity token: `iss`, `sub`, `exp`, `email`, `email_verified`.
        allowed: subject ids, or e-mail addresses, which count only when verified.

    Raises:
        NotAllowedError: not on the list, or the token has run out.
    """
    subject, issuer = str(claims.get("sub", "")), str(claims.get("iss", ""))
    email = str(claims.get("email", "")).casefold() if claims.get("email_verified") is True else ""
    on_list = {entry.strip().casefold() for entry in allowed if entry.strip()}
    refusal = None
    if not subject or not ({subject.casefold(), email} & on_list):
        refusal = Refusal.NOT_ON_LIST
    elif not _runs(claims.get("exp"), store.clock()):
        refusal = Refusal.EXPIRED
    return outside_identity(
        store,
        issuer=issuer,
        subject=subject,
        name=email or subject,
        refusal=refusal,
    )


def _runs(expires: object, now: datetime) -> bool:
    """Whether a token with this `exp` (seconds since 1970, UTC) is still good."""
    if isinstance(expires, bool) or not isinstance(expires, int | float | str):
        return False
    try:
        return now < datetime.fromtimestamp(float(expires), UTC)
    except (ValueError, OverflowError, OSError):
        return False
