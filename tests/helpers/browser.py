"""What people do in a browser on the way of kept data; shared by tests that drive the app."""

import re
from pathlib import Path
from typing import Any

from tests.helpers.agree import agree_in_browser
from tests.paths import ROOT

ASTRONAUT = ROOT / "samples" / "astronaut.jpg"
CODE = re.compile(r"[0-9A-Z]{5}(-[0-9A-Z]{5}){3}")


def upload(page: Any, photo: Path = ASTRONAUT, *, timeout_ms: float) -> None:
    """Hand over `photo`, which shows one smiling face, and wait for what is said of it."""
    chooser = page.locator('input[type="file"]').first
    chooser.wait_for(state="attached", timeout=timeout_ms)
    chooser.set_input_files(photo)
    page.get_by_text("would say happy").first.wait_for(timeout=timeout_ms)


def keep_photo(page: Any, url: str, photo: Path = ASTRONAUT, *, timeout_ms: float) -> str:
    """Agree to keep result and image, upload; the receipt code."""
    page.goto(f"{url}/upload")
    page.get_by_role("button", name="Analyse, keep nothing").first.wait_for(timeout=timeout_ms)
    assert page.locator('input[type="file"]').count() == 0
    agree_in_browser(page, "keep_result", "keep_image")
    upload(page, photo, timeout_ms=timeout_ms)
    code: str = page.get_by_test_id("stCode").inner_text().strip()
    assert CODE.fullmatch(code)
    return code


def look_up(page: Any, url: str, code: str, *, timeout_ms: float) -> None:
    """Ask for what is kept under a receipt code."""
    page.goto(f"{url}/ethics_privacy?privacy_section=My+consents")
    page.get_by_label("Receipt code").fill(code, timeout=timeout_ms)
    page.get_by_role("button", name="Look up").click()
