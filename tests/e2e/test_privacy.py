"""The way of kept data in a real browser: agree, upload, come back, take it along, erase it."""

import io
import json
import re
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import AppServer, serve
from tests.helpers.agree import agree_in_browser
from tests.helpers.browser import ASTRONAUT, keep_photo, look_up, upload

pytestmark = pytest.mark.e2e

SLOW_MS = 60_000
UPLOADS, PICTURES = "UploadedFileManager", "st_memory_media_file_storage"
STALE_S = 5.5  # Streamlit 1.67 keeps its figures of memory for five seconds


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppServer, Path]]:
    """A server of this file alone, with its data folder."""
    folder = tmp_path_factory.mktemp("privacy")
    for server in serve(folder):
        yield server, folder / "data"


def fresh_page(browser: Browser, width: int) -> Page:
    """A page of somebody whom no cookie knows."""
    context = browser.new_context(viewport={"width": width, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(SLOW_MS)
    return context.new_page()


def stored_files(data_dir: Path) -> list[Path]:
    return [file for file in (data_dir / "images").rglob("*") if file.is_file()]


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
def test_kept_seen_elsewhere_taken_along_and_gone(
    own_server: tuple[AppServer, Path], chromium: Callable[..., Browser], width: int
) -> None:
    server, data_dir = own_server
    browser = chromium()
    code = keep_photo(fresh_page(browser, width), server.url, timeout_ms=SLOW_MS)
    assert len(stored_files(data_dir)) == 1

    page = fresh_page(browser, width)
    look_up(page, server.url, code, timeout_ms=SLOW_MS)
    expect(page.get_by_text("1 result, 1 image").first).to_be_visible(timeout=SLOW_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    with page.expect_download(timeout=SLOW_MS) as started:
        page.get_by_role("button", name="Everything as ZIP").click()
    with zipfile.ZipFile(Path(started.value.path())) as archive:
        names = archive.namelist()
        (result,) = [name for name in names if name.startswith("results/")]
        (image,) = [name for name in names if name.startswith("images/")]
        assert json.loads(archive.read(result))["result"]["faces"][0]["top"] == "happy"
        with Image.open(io.BytesIO(archive.read(image))) as kept:
            assert kept.size == (512, 512)
            assert not kept.getexif()

    page.get_by_role("button", name="Erase everything").click()
    page.get_by_role("button", name="Yes, erase").click(timeout=SLOW_MS)
    expect(page.get_by_text("Deleted: 1 image, 1 result.").first).to_be_visible(timeout=SLOW_MS)
    assert stored_files(data_dir) == []

    elsewhere = fresh_page(browser, width)
    look_up(elsewhere, server.url, code, timeout_ms=SLOW_MS)
    expect(elsewhere.get_by_text("was erased").first).to_be_visible(timeout=SLOW_MS)
    expect(elsewhere.get_by_text("What you allow")).to_have_count(0)
    browser.close()


def bytes_held(url: str) -> dict[str, int]:
    """What Streamlit itself says that it holds of visitors: kind of memory -> bytes.

    It says so anew every few seconds only, so this waits until its last answer has run out.
    """
    time.sleep(STALE_S)
    with urllib.request.urlopen(f"{url}/_stcore/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    held = dict.fromkeys((UPLOADS, PICTURES), 0)
    for line in lines:
        found = re.match(r'cache_memory_bytes\{cache_type="(\w+)".*\} (\d+)', line)
        if found and found[1] in held:
            held[found[1]] += int(found[2])
    return held


def is_served(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=60):
            return True
    except urllib.error.HTTPError as error:
        return error.code != 404


def held_at_last(url: str, expected: dict[str, int]) -> dict[str, int]:
    """What Streamlit holds as soon as it is as `expected`, or after a while; a run has to end."""
    deadline = time.monotonic() + 20
    while (held := bytes_held(url)) != expected and time.monotonic() < deadline:
        time.sleep(0.3)
    return held


def pictures_on(page: Page) -> list[str]:
    """Addresses of the pictures on the page that Streamlit serves from its memory."""
    pictures = page.locator('img[src*="/media/"]')
    pictures.first.wait_for()
    addresses: list[str] = pictures.evaluate_all("all => all.map(one => one.src)")
    return addresses


def test_streamlits_own_memory_holds_nothing_that_was_taken_back_left_or_erased(
    chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    size = ASTRONAUT.stat().st_size
    for server in serve(tmp_path):
        browser = chromium()
        page = fresh_page(browser, 1280)
        page.goto(f"{server.url}/upload")
        expect(page.get_by_role("button", name="Analyse, keep nothing").first).to_be_visible(
            timeout=SLOW_MS
        )
        before = bytes_held(server.url)  # the page's icon
        keep_photo(page, server.url, timeout_ms=SLOW_MS)
        pictures = pictures_on(page)
        assert all(is_served(address) for address in pictures)
        held = bytes_held(server.url)
        assert held[UPLOADS] == before[UPLOADS] + size
        assert held[PICTURES] > before[PICTURES]

        page.get_by_role("button", name="I no longer agree").click()
        page.get_by_role("button", name="Take back and delete").click()
        expect(page.get_by_text("Deleted: 1 image").first).to_be_visible(timeout=SLOW_MS)
        assert held_at_last(server.url, before) == before
        assert not any(is_served(address) for address in pictures)

        agree_in_browser(page, "keep_result", "keep_image")
        upload(page, timeout_ms=SLOW_MS)
        code = page.get_by_test_id("stCode").inner_text().strip()
        # By the link on the page, which stays in the session; an address would begin another.
        page.get_by_role("link", name="My consents").click()
        page.get_by_label("Receipt code").fill(code)
        assert held_at_last(server.url, before) == before
        pictures = take_along_and_erase(page, server.url, before[PICTURES] + size)
        assert held_at_last(server.url, before) == before
        assert not any(is_served(address) for address in pictures)
        browser.close()


def take_along_and_erase(page: Page, url: str, with_zip: int) -> list[str]:
    """Look, download, erase; the addresses of what was shown before. The code is typed already.

    `with_zip` is how many bytes of pictures and downloads are held when the ZIP is.
    """
    page.get_by_role("button", name="Look up").click()
    page.get_by_alt_text("Kept image 1").wait_for()
    pictures = pictures_on(page)
    with page.expect_download(timeout=SLOW_MS):
        page.get_by_role("button", name="Everything as ZIP").click()
    deadline = time.monotonic() + 20
    while bytes_held(url)[PICTURES] < with_zip and time.monotonic() < deadline:
        time.sleep(0.3)
    assert bytes_held(url)[PICTURES] >= with_zip
    page.get_by_role("button", name="Erase everything").click()
    page.get_by_role("button", name="Yes, erase").click()
    expect(page.get_by_text("It is gone. Deleted").first).to_be_visible(timeout=SLOW_MS)
    return pictures


@pytest.mark.slow
def test_a_closed_page_leaves_nothing_in_streamlits_memory(
    chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    """Nobody else comes, whose runs would clear up."""
    for server in serve(tmp_path, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1"):
        page = fresh_page(chromium(), 1280)
        page.goto(f"{server.url}/upload")
        agree_in_browser(page)
        upload(page, timeout_ms=SLOW_MS)
        assert bytes_held(server.url)[UPLOADS] > 0
        page.context.close()
        nothing = {UPLOADS: 0, PICTURES: 0}
        for _ in range(4):  # two looks, fifteen seconds apart
            held = held_at_last(server.url, nothing)
        assert held == nothing
