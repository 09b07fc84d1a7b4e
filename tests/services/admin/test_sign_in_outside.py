"""Who signed in elsewhere is judged by list and expiry, and known to the log by a pseudonym."""

import pytest

from db.errors import NotAllowedError
from db.store import Store
from services.admin.sign_in import log_outside_sign_in, log_outside_sign_out, outside_admin
from tests.db.tools import actions, counts, dump

CLAIMS: dict[str, object] = {
    "iss": "https://id.example",
    "sub": "user-1",
    "email": "Ada@Example.org",
    "email_verified": True,
    "exp": 1_800_000_000,  # January 2027; the clock of the tests stands in March 2026
}


@pytest.mark.parametrize("allowed", [["user-1"], [" ada@example.org "], ["x", "ADA@EXAMPLE.ORG"]])
def test_an_outside_identity_on_the_list_is_let_in(store: Store, allowed: list[str]) -> None:
    before = counts(store)
    identity = outside_admin(store, CLAIMS, allowed)
    assert identity.via == "oidc"
    assert identity.actor.startswith("oidc:")
    assert counts(store) == before  # every run asks; only the sign-in itself is logged
    log_outside_sign_in(store, identity)
    assert actions(store)[-1] == "SIGNED_IN"
    assert "user-1" not in dump(store)
    assert "ada@" not in dump(store).lower()


REFUSED: list[tuple[dict[str, object], list[str], str]] = [
    ({}, [], "not_on_list"),
    ({}, [""], "not_on_list"),
    ({}, ["somebody@else"], "not_on_list"),
    ({"email_verified": False}, ["ada@example.org"], "not_on_list"),
    ({"email_verified": "true"}, ["ada@example.org"], "not_on_list"),
    ({"sub": ""}, ["", "user-1"], "not_on_list"),
    ({"exp": 1_700_000_000}, ["user-1"], "expired"),
    ({"exp": None}, ["user-1"], "expired"),
    ({"exp": True}, ["user-1"], "expired"),
    ({"exp": "soon"}, ["user-1"], "expired"),
    ({"exp": 10**30}, ["user-1"], "expired"),
]


@pytest.mark.parametrize(("changes", "allowed", "reason"), REFUSED)
def test_an_outside_identity_is_refused_and_that_is_logged(
    store: Store, changes: dict[str, object], allowed: list[str], reason: str
) -> None:
    words = {"not_on_list": "may not see the admin part", "expired": "has run out"}
    with pytest.raises(NotAllowedError, match=words[reason]):
        outside_admin(store, CLAIMS | changes, allowed)
    assert actions(store)[-1] == "ACCESS_REFUSED"
    assert f'"reason\\":\\"{reason}' in dump(store)


def test_signing_out_elsewhere_is_logged_without_a_name(store: Store) -> None:
    identity = outside_admin(store, CLAIMS, ["user-1"])
    log_outside_sign_out(store, identity)
    assert actions(store)[-1] == "SIGNED_OUT"
    assert "user-1" not in dump(store)


def test_an_expiry_written_as_text_counts(store: Store) -> None:
    assert outside_admin(store, CLAIMS | {"exp": "1800000000"}, ["user-1"])
