"""Sign-in of admins by OpenID Connect, against a real provider, in a real browser."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from services.admin.review import Action, AuditFilter, audit_page
from services.store import chain_status, open_store
from tests.e2e.conftest import AppServer, serve
from tests.helpers.oidc import CLIENT_ID, CLIENT_SECRET, Account, Provider, started_provider

pytestmark = pytest.mark.e2e

SLOW_MS = 60_000
ADA = Account("subject-1", "ada@example.org")
STRANGER = Account("subject-2", "mallory@example.org")
# Over since a minute: Streamlit lets it in, because clients allow for clocks that go wrong.
EXPIRED = Account("subject-3", "alan@example.org", lifetime_s=-60)
ALLOWED = ("Ada@example.org", "alan@example.org")
NOT_ON_LIST = "This account may not see the admin part"


@dataclass(frozen=True)
class Installation:
    """A server that knows the provider, and its files."""

    server: AppServer
    provider: Provider
    data_dir: Path
    secrets_file: Path

    def allow(self, *admins: str) -> None:
        """Write the secrets file with this allow-list."""
        self.secrets_file.write_text(
            f"""[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "only for the cookies of these tests"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
server_metadata_url = "{self.provider.metadata_url}"

[mien]
admins = {json.dumps(admins)}
"""
        )

    def logged(self, action: Action) -> list[tuple[str, dict[str, object]]]:
        """Actor and details of each row of this action, oldest first; the log must be whole."""
        store = open_store(self.data_dir)
        try:
            assert chain_status(store).ok
            rows = audit_page(store, AuditFilter(action=action.value)).rows
        finally:
            store.close()
        return [(row.actor, json.loads(row.details_json)) for row in reversed(rows)]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("sign_in")
    secrets_file = folder / "secrets.toml"
    with started_provider(ADA, STRANGER, EXPIRED) as provider:
        draft = Installation(AppServer("", 0, folder), provider, folder / "data", secrets_file)
        draft.allow(*ALLOWED)
        for server in serve(folder, STREAMLIT_SECRETS_FILES=str(secrets_file)):
            yield Installation(server, provider, folder / "data", secrets_file)


def admin_part(page: Page, installation: Installation) -> None:
    page.goto(f"{installation.server.url}/ethics_privacy?privacy_section=Admin")
    expect(page.get_by_text("Ethics & Privacy").first).to_be_visible(timeout=SLOW_MS)


def sign_in(browser: Browser, installation: Installation, account: Account) -> Page:
    """The admin part after `account` has signed in at the provider."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(SLOW_MS)
    admin_part(page, installation)
    page.get_by_role("button", name="Sign in with OpenID Connect").click()
    page.get_by_role("link", name=account.email).click()
    page.wait_for_url(f"{installation.server.url}/")  # Streamlit leads back to the first page
    admin_part(page, installation)
    return page


@pytest.fixture(scope="module")
def browser(chromium: Callable[..., Browser]) -> Browser:
    return chromium()


def test_who_is_allowed_gets_in_while_on_the_list_and_out(
    installation: Installation, browser: Browser
) -> None:
    page = sign_in(browser, installation, ADA)
    expect(page.get_by_text("Signed in as ada@example.org")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Agreed today")).to_be_visible(timeout=SLOW_MS)
    ((actor, details),) = installation.logged(Action.SIGNED_IN)
    assert actor.startswith("oidc:")
    assert details == {"via": "oidc"}
    assert installation.logged(Action.ACCESS_REFUSED) == []

    # Off the list while the page is open: the next click is refused, without a restart.
    installation.allow(*ALLOWED[1:])
    refused = page.get_by_text(NOT_ON_LIST)
    deadline = time.monotonic() + SLOW_MS / 1000
    while not refused.is_visible() and time.monotonic() < deadline:
        part = ("Stored", "Consents")[round(time.monotonic()) % 2]
        page.get_by_role("radio", name=part, exact=True).click()
        page.wait_for_timeout(1_000)
    expect(refused).to_be_visible()
    expect(page.get_by_role("radio", name="Stored", exact=True)).to_have_count(0)
    assert installation.logged(Action.ACCESS_REFUSED)[0] == (actor, {"reason": "not_on_list"})
    installation.allow(*ALLOWED)

    page.get_by_role("button", name="Sign out there").click()
    page.wait_for_url(f"{installation.server.url}/")
    admin_part(page, installation)
    expect(page.get_by_role("button", name="Sign in with OpenID Connect")).to_be_visible()
    assert installation.provider.sign_outs == 1


@pytest.mark.parametrize(
    ("account", "words", "reason"),
    [
        (STRANGER, NOT_ON_LIST, "not_on_list"),
        (EXPIRED, "Your sign-in has run out; sign in again.", "expired"),
    ],
    ids=["stranger", "expired"],
)
def test_who_is_not_allowed_is_told_so_and_sees_nothing(
    installation: Installation, browser: Browser, account: Account, words: str, reason: str
) -> None:
    before = len(installation.logged(Action.ACCESS_REFUSED))
    signed_in = installation.logged(Action.SIGNED_IN)
    page = sign_in(browser, installation, account)
    expect(page.get_by_text(words)).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("radio", name="Stored", exact=True)).to_have_count(0)
    refused = installation.logged(Action.ACCESS_REFUSED)[before:]
    assert {details["reason"] for _, details in refused} == {reason}
    assert installation.logged(Action.SIGNED_IN) == signed_in
    # The way to try again as somebody else is on the same page.
    expect(page.get_by_role("button", name="Sign in with OpenID Connect")).to_be_visible()
