"""Admins who signed in elsewhere, by OpenID Connect: a pseudonym, and rows in the log."""

from enum import StrEnum

from db.audit import log as audit
from db.errors import NotAllowedError
from db.seal.master_key import keyed_hash
from db.store import Store
from db.types import AdminIdentity


class Refusal(StrEnum):
    """Why somebody who signed in elsewhere is not let in; the value goes into the log."""

    NOT_ON_LIST = "not_on_list"
    EXPIRED = "expired"


_REFUSAL_WORDS = {
    Refusal.NOT_ON_LIST: (
        "This account may not see the admin part; ask whoever runs Mien to put it on the list of "
        "admins, or sign in with another one."
    ),
    Refusal.EXPIRED: "Your sign-in has run out; sign in again.",
}


def outside_identity(
    store: Store, *, issuer: str, subject: str, name: str, refusal: Refusal | None
) -> AdminIdentity:
    """An admin who signed in elsewhere (OpenID Connect); refusals are logged.

    Args:
        store: where.
        issuer: `iss` of the identity token.
        subject: `sub` of it.
        name: to show; not stored.
        refusal: the caller's judgement; None lets them in.

    Raises:
        NotAllowedError: refused.
    """
    pseudonym = keyed_hash(store.keys.token, f"{issuer}\n{subject}")[:32]
    actor = f"oidc:{pseudonym}"
    if refusal is not None:
        with store.write() as unit:
            unit.log(audit.Action.ACCESS_REFUSED, actor, {"reason": refusal.value})
        raise NotAllowedError(_REFUSAL_WORDS[refusal])
    return AdminIdentity(actor, name, "oidc")


def log_outside_sign_in(store: Store, identity: AdminIdentity) -> None:
    """Write down a sign-in by OpenID Connect; call it once a session."""
    with store.write() as unit:
        unit.log(audit.Action.SIGNED_IN, identity.actor, {"via": identity.via})


def log_outside_sign_out(store: Store, identity: AdminIdentity) -> None:
    """Write down that somebody who came by OpenID Connect asked to be signed out."""
    with store.write() as unit:
        unit.log(audit.Action.SIGNED_OUT, identity.actor, {"reason": "asked"})
