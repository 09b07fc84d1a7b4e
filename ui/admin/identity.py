"""Who is signed in as an admin: by a local account, or by OpenID Connect and an allow-list."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAuthError

from db.errors import StoreError
from db.types import AdminIdentity
from services.admin.sign_in import (
    current,
    log_outside_sign_in,
    log_outside_sign_out,
    outside_admin,
    sign_in,
    sign_out,
)
from services.operations.checks import sign_in_fault
from services.store import Store
from ui.admin.session import admin_session
from ui.consent.session import refusals_said, say

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SignedIn:
    """An admin of this run.

    `again` judges anew and raises a StoreError where the sign-in has ended; what a button or a
    download does calls it first, because it runs later than the page that drew it.
    """

    identity: AdminIdentity
    again: Callable[[], AdminIdentity]


def signed_in(store: Store) -> SignedIn | None:
    """The admin of this session; None where there is none, with the reason left to be shown."""
    session, again = admin_session(), _judge(store)
    if again is None:
        return None
    try:
        identity = again()
    except StoreError as error:
        if session.token:
            session.hold("")
        say("warning", str(error))
        return None
    if identity.via == "oidc" and session.logged != identity.actor:
        log_outside_sign_in(store, identity)
        session.logged = identity.actor
    return SignedIn(identity, again)


def _judge(store: Store) -> Callable[[], AdminIdentity] | None:
    token = admin_session().token
    if token:
        return lambda: current(store, token)
    if outside_providers() and st.user.get("is_logged_in") and not sign_in_fault(_secrets("auth")):
        claims = st.user.to_dict()
        return lambda: outside_admin(store, claims, allowed_outside())
    return None


def enter(store: Store, name: str, password: str) -> None:
    """Sign in with a local account; a failure is left to be shown."""
    with refusals_said():
        client = st.context.ip_address or ""
        admin_session().hold(sign_in(store, name, password, client=client))


def leave(store: Store, admin: AdminIdentity) -> None:
    """Sign out."""
    session = admin_session()
    token, session.logged = session.token, ""
    if token:
        sign_out(store, token)
        session.hold("")
    if admin.via == "oidc":
        log_outside_sign_out(store, admin)
        st.logout()


def enter_outside(provider: str) -> None:
    """Send the browser to a provider of `outside_providers`; a failure is left to be shown."""
    try:
        if fault := sign_in_fault(_secrets("auth")):
            raise StreamlitAuthError(" ".join(fault))
        st.login(provider or None)
    except StreamlitAuthError as error:
        logger.error("OpenID Connect is not set up as it must be: %s", error)
        say(
            "error",
            "This way to sign in is not set up completely; whoever runs Mien finds what is "
            "missing in the server's log.",
        )


def outside_providers() -> Sequence[str]:
    """Names of the OpenID Connect providers in `[auth]`, "" for the one without a name.

    Empty where nobody is allowed: a door that lets nobody in is not shown.
    """
    auth = _secrets("auth")
    if not allowed_outside():
        return ()
    named = [
        name for name, part in auth.items() if isinstance(part, Mapping) and "client_id" in part
    ]
    return ["", *named] if "client_id" in auth else named


def allowed_outside() -> Sequence[str]:
    """Subject ids or e-mail addresses that may see the admin part."""
    listed = _secrets("mien").get("admins", ())
    return [str(entry) for entry in listed] if isinstance(listed, list | tuple) else []


def _secrets(section: str) -> Mapping[str, Any]:
    # Asked first, because a look into secrets that are not there draws an error on the page.
    if not st.secrets.load_if_toml_exists():
        return {}
    found = st.secrets.get(section, {})
    return found if isinstance(found, Mapping) else {}
