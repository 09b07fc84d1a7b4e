"""The admin part of Ethics & Privacy: its doors, and the review behind them."""

from collections.abc import Sequence

import streamlit as st

from db.errors import StoreError
from services.admin.sign_in import local_accounts_exist
from services.store import Store
from ui.admin.cookie import send
from ui.admin.identity import enter, enter_outside, leave, outside_providers, signed_in
from ui.admin.review import review_section
from ui.admin.session import admin_session
from ui.admin.sign_in_return import FAILED
from ui.consent.session import say, show_said
from ui.shared.store import need_store

HOW_TO = (
    "Nobody can sign in here yet. Whoever runs Mien makes an account on the serving computer:\n\n"
    "```\nmien admin create NAME\n```\n\n"
    "or sets up OpenID Connect in `.streamlit/secrets.toml`: a section `[auth]` as Streamlit's "
    "documentation has it, and who is allowed, by verified e-mail address or by subject id "
    "(`sub`). Nobody else gets in, however they signed in:\n\n"
    '```\n[mien]\nadmins = ["name@example.org"]\n```'
)

_NOT_SIGNED_IN = (
    "The other site did not sign you in, or said so in a way that cannot be believed. Try again; "
    "whoever runs Mien finds the reason in the server's log."
)


def admin_section() -> None:
    """Sign-in, or the review for those who are signed in; nothing of it for anybody else."""
    store = need_store()
    try:
        admin = signed_in(store)
        if ticket := admin_session().ticket:
            send(ticket)
        if admin is None:
            _doors(store)
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            # Plain text: the name is what another site says.
            st.text(f"Signed in as {admin.identity.name}", width="stretch")
            st.button(
                "Sign out", on_click=leave, args=(store, admin.identity), icon=":material/logout:"
            )
        show_said()
        review_section(store, admin)
    except StoreError as error:
        st.error(str(error), icon=":material/error:")


def _doors(store: Store) -> None:
    st.header("For admins", anchor=False)
    if st.query_params.pop(FAILED, ""):
        say("error", _NOT_SIGNED_IN)
    show_said()
    local, providers = local_accounts_exist(store), outside_providers()
    if not local and not providers:
        st.info(HOW_TO, icon=":material/key:")
        return
    if local:
        _local_door(store)
    if providers:
        _outside_doors(providers)


def _local_door(store: Store) -> None:
    with st.form("admin_sign_in", clear_on_submit=True, width=420):
        st.text_input("Name", key="admin_name", autocomplete="username", max_chars=64)
        st.text_input(
            "Password",
            key="admin_password",
            type="password",
            max_chars=256,
            autocomplete="current-password",
        )
        st.form_submit_button(
            "Sign in", type="primary", on_click=_sign_in, args=(store,), icon=":material/login:"
        )


def _outside_doors(providers: Sequence[str]) -> None:
    with st.container(horizontal=True):
        for name in providers:
            st.button(
                f"Sign in with {name.title() or 'OpenID Connect'}",
                on_click=enter_outside,
                args=(name,),
                icon=":material/login:",
            )
        if st.user.get("is_logged_in"):
            st.button("Sign out there", on_click=st.logout, icon=":material/logout:")
    st.caption("It leads to another site and back to this page.")


def _sign_in(store: Store) -> None:
    name = str(st.session_state.get("admin_name", ""))
    enter(store, name, str(st.session_state.get("admin_password", "")))
