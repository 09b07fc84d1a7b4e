"""Sign-in of admins in a real browser: local accounts, and OpenID Connect at a real provider."""

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from playwright.sync_api import Browser, Page, TimeoutError, expect

from services.admin.review import Action, AuditFilter, log_entries
from services.admin.sign_in import create_admin
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
ADMIN_PART = "/ethics_privacy?privacy_section=Admin"
COOKIE_SECRET = "only for the cookies of these tests"
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
cookie_secret = "{COOKIE_SECRET}"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
server_metadata_url = "{self.provider.metadata_url}"

[mien]
admins = {json.dumps(admins)}
"""
        )

    def begin(self) -> tuple[OpenerDirector, str]:
        """A client of its own that was sent to the provider, and the way back from there."""
        client = build_opener(HTTPCookieProcessor())
        claims = {"provider": "default", "exp": int(time.time()) + 60}
        begun = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(COOKIE_SECRET))
        with client.open(f"{self.server.url}/auth/login?provider={begun}") as answer:
            (way_back,) = re.findall(r'href="([^"]+)">ada@', answer.read().decode())
        return client, html.unescape(way_back)

    def logged(self, action: Action) -> list[tuple[str, dict[str, object]]]:
        """Actor and details of each row of this action, oldest first; the log must be whole."""
        store = open_store(self.data_dir)
        try:
            assert chain_status(store).ok
            rows = [entry.row for entry in log_entries(store, AuditFilter(action=action.value))[0]]
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
    page.goto(f"{installation.server.url}{ADMIN_PART}")
    expect(page.get_by_text("Ethics & Privacy").first).to_be_visible(timeout=SLOW_MS)


def sign_in(browser: Browser, installation: Installation, account: Account) -> Page:
    """The admin part after `account` has signed in at the provider."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(SLOW_MS)
    at_the_provider = page.get_by_role("link", name=account.email)
    for _ in range(3):  # a press while the page is still being drawn may go nowhere: press again
        admin_part(page, installation)
        page.get_by_role("button", name="Sign in with OpenID Connect").click()
        with suppress(TimeoutError):
            at_the_provider.wait_for(timeout=SLOW_MS / 3)
            break
    assert at_the_provider.is_visible(), (page.url, page.locator("body").inner_text())
    at_the_provider.click()
    page.wait_for_url(f"{installation.server.url}{ADMIN_PART}")  # back to where it began
    expect(page.get_by_text("Ethics & Privacy").first).to_be_visible(timeout=SLOW_MS)
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


def end(client: OpenerDirector, way_back: str) -> tuple[bool, bool]:
    """Whether a way back led into the admin part as a failure, and with which cookie."""
    jar = next(one.cookiejar for one in client.handlers if isinstance(one, HTTPCookieProcessor))
    with client.open(way_back) as answer:
        assert ADMIN_PART in answer.url
        return "sign_in_failed" in answer.url, "_streamlit_user" in {one.name for one in jar}


FAILED, SIGNED_IN = (True, False), (False, True)
NOW_S = int(time.time())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SIGNED_IN),
        ({"iss": "https://id.example.org"}, FAILED),
        ({"iss": None}, FAILED),
        ({"aud": "another client"}, FAILED),
        ({"nonce": "another"}, FAILED),
        ({"nonce": None}, FAILED),
        ({"exp": NOW_S - 600}, FAILED),
        ({"exp": None}, FAILED),
        ({"exp": "soon"}, FAILED),
        ({"iat": NOW_S + 6000}, FAILED),
        ({"sub": None}, FAILED),
    ],
)
def test_tokens_that_cannot_be_believed_sign_nobody_in(
    installation: Installation, changes: dict[str, object], expected: tuple[bool, bool]
) -> None:
    client, way_back = installation.begin()
    installation.provider.changes = changes
    try:
        assert end(client, way_back) == expected
    finally:
        installation.provider.changes = {}


def test_who_is_not_the_provider_or_not_the_client_signs_nobody_in(
    installation: Installation,
) -> None:
    provider = installation.provider
    client, way_back = installation.begin()
    provider.signs = RSAKey.generate_key(2048)
    try:
        assert end(client, way_back) == FAILED
    finally:
        provider.signs = None
    client, way_back = installation.begin()
    provider.secret = "what Mien was not told"
    try:
        assert end(client, way_back) == FAILED
    finally:
        provider.secret = CLIENT_SECRET


def test_a_way_back_leads_in_once_and_only_who_began(installation: Installation) -> None:
    client, way_back = installation.begin()
    stranger = build_opener(HTTPCookieProcessor())
    assert end(stranger, way_back) == FAILED
    assert end(client, way_back.replace("state=", "state=x")) == FAILED
    assert end(client, way_back) == SIGNED_IN
    assert end(client, way_back)[0], "replayed"
    assert end(stranger, way_back) == FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"email": ["ada@example.org"]},
        {"email": {"ada@example.org": True}},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email_verified": 1},
    ],
)
def test_claims_of_another_kind_let_nobody_in(
    installation: Installation, browser: Browser, changes: dict[str, object]
) -> None:
    installation.provider.changes = changes
    try:
        page = sign_in(browser, installation, ADA)
    finally:
        installation.provider.changes = {}
    expect(page.get_by_text(NOT_ON_LIST)).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("radio", name="Stored", exact=True)).to_have_count(0)
    page.context.close()


def test_who_was_not_signed_in_is_told_where_they_began(
    installation: Installation, browser: Browser
) -> None:
    page = browser.new_context().new_page()
    page.set_default_timeout(SLOW_MS)
    admin_part(page, installation)
    page.get_by_role("button", name="Sign in with OpenID Connect").click()
    installation.provider.changes = {"aud": "another client"}
    try:
        page.get_by_role("link", name=ADA.email).click()
        expect(page.get_by_text("The other site did not sign you in")).to_be_visible()
    finally:
        installation.provider.changes = {}
    page.context.close()


def test_a_weak_secret_or_plain_http_lets_nobody_in(
    installation: Installation, browser: Browser
) -> None:
    """Also who had signed in before."""
    page = sign_in(browser, installation, ADA)
    expect(page.get_by_text("Signed in as ada@example.org")).to_be_visible(timeout=SLOW_MS)
    good = installation.secrets_file.read_text()
    url = installation.provider.metadata_url
    try:
        for bad in (
            good.replace(COOKIE_SECRET, "short"),
            good.replace(url, "http://id.example.org/.well-known/openid-configuration"),
            good.replace("http://127.0.0.1:{port}", "http://mien.example.org"),
        ):
            assert bad != good
            installation.secrets_file.write_text(bad)
            page.wait_for_timeout(3_000)
            admin_part(page, installation)
            page.get_by_role("button", name="Sign in with OpenID Connect").click()
            expect(page.get_by_text("is not set up completely")).to_be_visible(timeout=SLOW_MS)
            expect(page.get_by_text("Signed in as")).to_have_count(0)
    finally:
        installation.secrets_file.write_text(good)
    page.context.close()


def test_a_local_sign_in_outlives_a_reload_in_a_cookie_that_no_script_reads(
    installation: Installation, browser: Browser
) -> None:
    store = open_store(installation.data_dir)
    create_admin(store, "grace", "a long enough password", by="operator")
    store.close()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SLOW_MS)
    admin_part(page, installation)
    page.get_by_role("textbox", name="Name").fill("grace")
    page.get_by_role("textbox", name="Password").fill("a long enough password")
    with page.expect_response("**/admin_sign_in") as answered:
        page.get_by_role("button", name="Sign in", exact=True).click()
    assert answered.value.status == 204
    expect(page.get_by_text("Signed in as grace")).to_be_visible(timeout=SLOW_MS)
    (kept,) = [cookie for cookie in context.cookies() if cookie["name"] == "mien_admin"]
    assert kept["httpOnly"]
    assert kept["sameSite"] == "Strict"
    assert "mien_admin" not in page.evaluate("document.cookie")
    assert kept["value"] not in page.content()

    page.reload()
    expect(page.get_by_text("Signed in as grace")).to_be_visible(timeout=SLOW_MS)
    with page.expect_response("**/admin_sign_in"):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("textbox", name="Password")).to_be_visible(timeout=SLOW_MS)
    assert "mien_admin" not in {cookie["name"] for cookie in context.cookies()}
    context.add_cookies([kept])  # whoever copied it has nothing
    page.reload()
    expect(page.get_by_role("textbox", name="Password")).to_be_visible(timeout=SLOW_MS)
