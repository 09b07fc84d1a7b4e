"""Take the pictures of the app that the documents show: `make screenshots`.

Starts the app on a free port, opens each page in chromium at the width of a desk and of a phone,
light and dark, and writes docs/screenshots/<page>_<width>_<scheme>.png. Needs the dev extra and
chromium.
"""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from docs.tools.app import served
from docs.tools.measured import ROOT
from docs.tools.paper import CHROMIUM, FLAGS

OUT = ROOT / "docs" / "screenshots"
SIZES_WH = ((1280, 1000), (390, 844))
PAGES = ("", "upload", "webcam", "model_metrics", "landmark_analysis", "ethics_privacy")


# Neither a script that runs nor grey boxes in place of charts whose code is still on its way.
_NOTHING_PENDING = """() =>
    !document.querySelector('[data-test-script-state="running"]') &&
    !document.querySelector('[data-testid="stSkeleton"]')"""


def main() -> None:
    """Serve, shoot, stop."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (url, _):
        _shoot_all(url)


def _shoot_all(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        for width, height in SIZES_WH:
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page = context.new_page()
                for name in PAGES:
                    _open(page, url, name)
                    page.screenshot(path=OUT / f"{name or 'home'}_{width}_{scheme}.png")
                context.close()
        browser.close()


def _open(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/{name}")
    page.get_by_role("heading", level=1).first.wait_for(timeout=60_000)
    if name == "upload":
        page.get_by_text("A group").click()
        page.get_by_text("6 faces").first.wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    time.sleep(1)
    page.wait_for_function(_NOTHING_PENDING, timeout=60_000)
    time.sleep(2)  # fonts, charts and fades


if __name__ == "__main__":
    main()
