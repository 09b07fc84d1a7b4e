"""Replicas as they are deployed: two processes, one PostgreSQL, nginx, people with browsers."""

import http.client
import json
import re
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import create_engine, text

from db.types import Kind
from services.admin.review import Action, AuditFilter, log_entries, set_retention
from services.admin.sign_in import OPERATOR
from services.store import Store, open_store
from tests.db.fixtures import NO_POSTGRES, POSTGRES_URL
from tests.helpers.agree import agree_in_browser
from tests.helpers.browser import ASTRONAUT, CODE, keep_photo, look_up, upload
from tests.helpers.replicas import HOST, Replica, Site, started_site

pytestmark = pytest.mark.e2e

# Two processes and a browser share the machine with whatever else runs on it.
SLOW_MS = 180_000
# A name that would tell something of a person, and must be in no log.
PHOTO_NAME = "anna_schmidt_at_the_sea.jpg"
PAGES = ("", "upload", "webcam", "model_metrics", "landmark_analysis", "ethics_privacy")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole installation, with a schema of its own on the server."""
    if not POSTGRES_URL:
        pytest.skip(NO_POSTGRES)
    schema = f"test_{uuid4().hex}"
    server = create_engine(POSTGRES_URL.replace("postgresql://", "postgresql+psycopg://"))
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = f"{POSTGRES_URL}?options=-csearch_path%3D{schema}"
    try:
        with started_site(tmp_path_factory.mktemp("site"), url) as site:
            yield site
    finally:
        with server.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        server.dispose()


@pytest.fixture
def store(site: Site) -> Iterator[Store]:
    """The store of the replicas, opened beside them."""
    secrets = site.folder / "secrets"
    store = open_store(
        site.data_dir,
        database_url=(secrets / "mien_database_url").read_text().strip(),
        master_key=(secrets / "mien_master_key").read_text(),
    )
    yield store
    store.close()


def person_on(browser: Browser, site: Site, replica: Replica) -> BrowserContext:
    """Somebody whose browser was sent to this replica."""
    context = browser.new_context(
        ignore_https_errors=True, viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(SLOW_MS)
    context.add_cookies([{"name": "mien_route", "value": site.route_to(replica), "url": site.url}])
    return context


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut under a name that tells something."""
    file = tmp_path_factory.mktemp("photos") / PHOTO_NAME
    file.write_bytes(ASTRONAUT.read_bytes())
    return file


def test_headers_protect_every_answer(site: Site) -> None:
    for path in ("/", "/upload", "/_stcore/health", "/no/such/thing.js"):
        _, headers = site.get(path)
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy
        assert "'unsafe-eval'" not in policy.replace("wasm-unsafe-eval", "")
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert "microphone=()" in headers["Permissions-Policy"]
        assert "/" not in (headers["Server"] or "")  # no version


def test_a_browser_stays_with_its_process(site: Site) -> None:
    _, headers = site.get("/")
    (cookie,) = [c for c in headers.get_all("Set-Cookie") or [] if c.startswith("mien_route=")]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    route = cookie.split(";")[0].removeprefix("mien_route=")
    assert len({site.upstream_of(route) for _ in range(5)}) == 1
    _, headers = site.get("/", {"Cookie": f"mien_route={route}"})
    assert not any("mien_route" in c for c in headers.get_all("Set-Cookie") or [])
    # Both processes are used.
    assert {site.upstream_of(f"{n:032x}") for n in range(20)} == {r.port for r in site.replicas}


def test_other_hosts_other_sites_and_plain_http_are_turned_away(site: Site) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        site.get("/", {"Host": "evil.example"})
    foreign = {"Origin": "https://evil.example"}
    assert site.get("/_stcore/health", foreign)[0] == 403
    websocket = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    assert _handshake(site, {**websocket, **foreign}) == 403
    assert _handshake(site, {**websocket, "Origin": "null"}) == 403
    assert _handshake(site, {**websocket, "Origin": site.url}) == 101
    plain = http.client.HTTPConnection(HOST, site.http_port, timeout=10)
    plain.request("GET", "/upload", headers={"Host": HOST})
    answer = plain.getresponse()
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://{HOST}/upload"
    plain.close()


def _handshake(site: Site, headers: dict[str, str]) -> int:
    trusting = ssl.create_default_context(cafile=site.folder / "secrets/tls_certificate.pem")
    connection = http.client.HTTPSConnection(HOST, site.port, timeout=20, context=trusting)
    connection.request("GET", "/_stcore/stream", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_uploads_need_the_xsrf_token_and_have_a_limit(site: Site) -> None:
    path = "/_stcore/upload_file/session/file"
    assert site.get(path, {"Content-Length": "0"}, method="PUT")[0] == 403
    assert site.get(path, {"Content-Length": str(300_000_000)}, method="PUT")[0] == 413
    _, headers = site.get("/_stcore/health")
    (xsrf,) = [c for c in headers.get_all("Set-Cookie") or [] if c.startswith("_streamlit_xsrf")]
    assert "secure" in xsrf.lower()
    for hidden in ("/_stcore/metrics", "/_stcore/agent/openapi.json"):
        assert site.get(hidden)[0] == 404


def test_consent_counts_on_every_replica_at_once(
    site: Site, chromium: Callable[..., Browser], photo: Path
) -> None:
    first, second = site.replicas
    browser = chromium()
    complaints: list[str] = []
    here = person_on(browser, site, first).new_page()
    here.on("console", lambda message: complaints.append(message.text))
    code = keep_photo(here, site.url, photo, timeout_ms=SLOW_MS)
    assert first.metric("mien_photos_total") == 1
    assert second.metric("mien_photos_total") == 0

    there = person_on(browser, site, second).new_page()
    look_up(there, site.url, code, timeout_ms=SLOW_MS)
    expect(there.get_by_text("1 result, 1 image").first).to_be_visible(timeout=SLOW_MS)
    there.get_by_role("button", name="Take back").first.click()
    expect(there.get_by_text("Deleted: 1 image, 1 result.").first).to_be_visible(timeout=SLOW_MS)

    # The page on the other replica is still open; at its next click it knows.
    here.get_by_role("button", name="What happens to your pictures").click()
    expect(here.get_by_text("You took your consent back").first).to_be_visible(timeout=SLOW_MS)
    expect(here.locator('input[type="file"]')).to_have_count(0)

    # And one given anew there counts here.
    again = keep_photo(there, site.url, photo, timeout_ms=SLOW_MS)
    look_up(here, site.url, again, timeout_ms=SLOW_MS)
    expect(here.get_by_text("1 result, 1 image").first).to_be_visible(timeout=SLOW_MS)
    assert not [words for words in complaints if "Content Security Policy" in words]
    browser.close()


def test_every_page_lives_with_the_content_security_policy(
    site: Site, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = person_on(browser, site, site.replicas[1]).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for name in PAGES:
        page.goto(f"{site.url}/{name}")
        expect(page.get_by_role("heading").first).to_be_visible(timeout=SLOW_MS)
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=SLOW_MS)
        if name == "webcam":  # its components are scripts of their own
            agree_in_browser(page)
            page.get_by_role("button", name="Start the camera").wait_for()
            page.wait_for_timeout(3_000)
            expect(page.get_by_text("BidiComponent Error")).to_have_count(0)
    assert not [words for words in complaints if "Content Security Policy" in words]
    browser.close()


def test_what_is_over_its_time_goes_once(
    site: Site, store: Store, chromium: Callable[..., Browser], photo: Path
) -> None:
    browser = chromium()
    page = person_on(browser, site, site.replicas[0]).new_page()
    keep_photo(page, site.url, photo, timeout_ms=SLOW_MS)
    before = sum(replica.metric("mien_purged_items_total") for replica in site.replicas)
    logged = _purges_in_log(store)
    set_retention(store, Kind.IMAGE, 0, admin=OPERATOR)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        files = [file for file in (site.data_dir / "images").rglob("*") if file.is_file()]
        if not files and _purges_in_log(store) > logged:
            break
        time.sleep(0.5)
    # Both replicas look every two seconds; give the second one time to do it again.
    time.sleep(5)
    images = _images_in_log(store, logged)
    assert images >= 1
    assert _purges_in_log(store) == logged + 1
    removed = sum(replica.metric("mien_purged_items_total") for replica in site.replicas) - before
    assert removed == images
    assert all(replica.metric("mien_purge_lag_seconds") == 0 for replica in site.replicas)
    browser.close()


def _purges_in_log(store: Store) -> int:
    return len(_purged(store))


def _images_in_log(store: Store, skip: int) -> int:
    return sum(int(details["stored_image"]) for details in _purged(store)[skip:])


def _purged(store: Store) -> list[dict[str, int]]:
    """Details of each purge in the log, oldest first."""
    rows = [entry.row for entry in log_entries(store, AuditFilter(action=Action.PURGED.value))[0]]
    return [json.loads(row.details_json) for row in sorted(rows, key=lambda row: row.seq)]


def test_logs_name_nobody(site: Site) -> None:
    """Runs after people have uploaded, looked up and taken back."""
    logs = site.logs()
    assert "photo analysed" in logs
    for name in (PHOTO_NAME, PHOTO_NAME.removesuffix(".jpg"), "anna_schmidt"):
        assert name not in logs
    assert not CODE.search(logs)
    assert "Traceback" not in logs
    for replica in site.replicas:
        lines = replica.log.read_text().splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, events))
        assert not [event for event in events if event["level"] == "ERROR"]
    assert not re.search(r"master|postgresql://[^ ]*:[^ ]*@", logs)


def test_a_replica_that_stops_ends_what_it_began_and_the_other_takes_over(
    site: Site, store: Store, chromium: Callable[..., Browser], photo: Path
) -> None:
    first, second = site.replicas
    browser = chromium()
    page = person_on(browser, site, first).new_page()
    page.goto(f"{site.url}/upload")
    expect(page.get_by_role("button", name="Analyse, keep nothing").first).to_be_visible(
        timeout=SLOW_MS
    )
    # Once all is done, the web server ends by the signal itself, as programs in containers should.
    assert first.stop() in (0, -signal.SIGTERM)
    assert '"message": "stopped"' in first.log.read_text()
    assert "cut off" not in first.log.read_text()
    # The same browser, with the same cookie, meets the other one.
    page.goto(f"{site.url}/upload")
    expect(page.get_by_role("button", name="Analyse, keep nothing").first).to_be_visible(
        timeout=SLOW_MS
    )
    agree_in_browser(page)
    upload(page, photo, timeout_ms=SLOW_MS)
    assert second.metric("mien_photos_total") >= 1
    browser.close()
