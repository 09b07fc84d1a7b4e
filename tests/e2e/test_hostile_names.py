"""Names that are Markdown: put on every way in, they are shown and nothing is fetched."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from core.emotions import EMOTIONS
from tests.helpers.agree import agree_in_browser
from tests.helpers.pictures import colourful, encode
from tests.paths import ROOT

pytestmark = pytest.mark.e2e

SLOW_MS = 120_000
_STILL = "() => !document.querySelector('[data-test-script-state=running]')"
ASTRONAUT = (ROOT / "samples" / "astronaut.jpg").read_bytes()


class Listener(HTTPServer):
    """Answers everything and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def bait(self) -> str:
        """Markdown of a picture of ours; slashes as entities, for file names have none."""
        return f"![p](http:&#47;&#47;127.0.0.1:{self.server_port}&#47;x.png)"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with Listener() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture(autouse=True)
def _nothing_asked_yet(listener: Listener) -> None:
    listener.asked.clear()


@pytest.fixture(scope="module")
def page(chromium: Callable[..., Browser]) -> Page:
    opened = chromium().new_page(viewport={"width": 1280, "height": 2000})
    opened.set_default_timeout(SLOW_MS)
    return opened


def go(page: Page, url: str, *, unfold: str = "") -> None:
    """Open a page that asks first, where needed unfold its form, and agree."""
    page.goto(url)
    if unfold:
        page.get_by_text(unfold).first.click()
    agree_in_browser(page)


def hand_over(page: Page, name: str, data: bytes, *, at: int = 0) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.locator('input[type="file"]').first.wait_for(state="attached")
    page.locator('input[type="file"]').nth(at).set_input_files([file])


def settled(page: Page) -> None:
    page.wait_for_function(
        """() => !document.querySelector('[data-test-script-state="running"]')"""
    )
    page.wait_for_timeout(2000)


def test_the_bait_is_taken_where_markdown_is_read(page: Page, listener: Listener) -> None:
    """Otherwise the tests below could not fail: as HTML the same address is asked for."""
    address = f"http://127.0.0.1:{listener.server_port}/control.png"
    page.set_content(f'<img src="{address}">')
    page.wait_for_timeout(1000)
    assert listener.asked == ["/control.png"]
    listener.asked.clear()


@pytest.mark.parametrize("way", ["photo", "refused", "zip"])
def test_photos(page: Page, app_url: str, listener: Listener, way: str) -> None:
    go(page, f"{app_url}/upload")
    name = f"{listener.bait} **b**.jpg"
    if way == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, ASTRONAUT)
        page.get_by_role("tab", name="Many photos (ZIP)").click()
        # Its input is the last one once it is there.
        expect(page.get_by_text("A ZIP of photos").first).to_be_visible(timeout=SLOW_MS)
        hand_over(page, f"{listener.bait}.zip", packed.getvalue(), at=-1)
    else:
        hand_over(page, name, ASTRONAUT if way == "photo" else b"no photo")
    # A refused one is named as it is (the uploader itself cuts names short).
    shown = "![p](http:" if way == "refused" else "would say"
    expect(page.get_by_test_id("stMain")).to_contain_text(shown, timeout=SLOW_MS)
    settled(page)
    assert listener.asked == []


def test_clips(page: Page, app_url: str, listener: Listener) -> None:
    go(page, f"{app_url}/webcam")
    page.get_by_role("radio", name="Video file").click()
    hand_over(page, f"{listener.bait}.mp4", b"no clip")
    settled(page)
    assert listener.asked == []


def test_landmarks(page: Page, app_url: str, listener: Listener) -> None:
    go(page, f"{app_url}/landmark_analysis", unfold="Use your own photos")
    hand_over(page, f"{listener.bait}.jpg", ASTRONAUT)
    settled(page)
    page.wait_for_timeout(4000)
    assert listener.asked == []


def table(bait: str) -> bytes:
    """Forty pictures in groups with hostile names under a hostile header."""
    buffer = io.BytesIO()
    pd.DataFrame(
        {
            "image": [encode(colourful(48, 48, seed), "PNG") for seed in range(80)],
            "label": [EMOTIONS[i % 7] for i in range(80)],
            bait: [f"{bait} one", f"{bait} two"] * 40,
        }
    ).to_parquet(buffer)
    return buffer.getvalue()


def test_audits(page: Page, app_url: str, listener: Listener) -> None:
    go(page, f"{app_url}/model_metrics?metrics_section=Your+own+data")
    hand_over(page, f"{listener.bait}.csv", f"{listener.bait},label\n1,2\n".encode())
    expect(page.get_by_text("has no column")).to_be_visible(timeout=SLOW_MS)
    settled(page)
    assert listener.asked == []
    hand_over(page, f"{listener.bait}.parquet", table(listener.bait))
    page.get_by_role("button", name="Run the audit").click()
    for section in ("Misjudged", "Confusion", "Groups", "Confidence", "Curves", "Overview"):
        page.get_by_role("radio", name=section, exact=True).last.click()
        settled(page)
        if section == "Groups":  # the bait is really shown
            expect(page.get_by_test_id("stMain")).to_contain_text("![p](http:", timeout=SLOW_MS)
        assert listener.asked == [], section
