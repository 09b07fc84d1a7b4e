"""Take the pictures of the app that the documents show: `make screenshots`.

Starts the app on a free port, opens each page in chromium and writes docs/screenshots/. Needs the
dev extra and chromium.
"""

import io
import tempfile
import time
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from docs.tools.app import served
from docs.tools.measured import ROOT
from docs.tools.paper import CHROMIUM, FLAGS

OUT = ROOT / "docs" / "screenshots"
DESK_WH, PHONE_WH = (1280, 1000), (390, 844)
# File name -> page, size, scheme.
SHOTS: dict[str, tuple[str, tuple[int, int], Literal["light", "dark"]]] = {
    "home": ("", DESK_WH, "light"),
    "upload": ("upload", DESK_WH, "light"),
    "upload_phone": ("upload", PHONE_WH, "dark"),
    "webcam": ("webcam", DESK_WH, "light"),
    "model_metrics": ("model_metrics", DESK_WH, "light"),
    "model_metrics_phone": ("model_metrics", PHONE_WH, "dark"),
    "landmark_analysis": ("landmark_analysis", DESK_WH, "light"),
    "ethics_privacy": ("ethics_privacy", DESK_WH, "light"),
}


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
        for file_name, (name, (width, height), scheme) in SHOTS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page = context.new_page()
            _open(page, url, name)
            with Image.open(io.BytesIO(page.screenshot())) as shot:
                shot.save(OUT / f"{file_name}.webp", quality=80, method=6)
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
