"""The way of kept data in a real browser: agree, upload, come back, take it along, erase it."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import AppServer, serve
from tests.helpers.browser import keep_photo, look_up

pytestmark = pytest.mark.e2e

SLOW_MS = 60_000


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppServer, Path]]:
    """A server of this file alone, with its data folder."""
    folder = tmp_path_factory.mktemp("privacy")
    for server in serve(folder):
        yield server, folder / "data"


def fresh_page(browser: Browser, width: int) -> Page:
    """A page of somebody whom no cookie knows."""
    context = browser.new_context(viewport={"width": width, "height": 1000}, accept_downloads=True)
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
