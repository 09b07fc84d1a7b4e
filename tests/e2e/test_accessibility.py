"""What axe-core finds on each page, in a real browser: nothing serious, at any width or theme."""

from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ui.metrics.page import SECTIONS

pytestmark = pytest.mark.e2e

SLOW_MS = 60_000
PARTS = ("Your photo", "Limits", "Law and uses", "Policy", "My consents")
# Page and, after "#", what is clicked there before axe looks. To be extended by what passes.
PLACES = [
    "",
    "upload",
    "upload#Sad",
    "upload#A group",
    "upload#Analyse, keep nothing",
    *(f"model_metrics?metrics_section={quote_plus(name)}" for name in SECTIONS),
    *(f"ethics_privacy?privacy_section={quote_plus(name)}" for name in PARTS),
]
LOOKS = [(1280, 900, "light"), (390, 844, "dark")]
# Streamlit's own: a button of its uploader and table lies in an element with a role of its own.
OF_STREAMLIT = ('[data-testid="stFileUploaderDropzone"]', '[data-testid="stDataFrame"]')
_STILL = """() => !document.querySelector('[data-test-script-state="running"]') &&
    !document.querySelector('[data-testid="stSkeleton"]')"""


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: f"{look[0]} {look[2]}")
def page(request: pytest.FixtureRequest, chromium: Callable[..., Browser]) -> Page:
    width, height, scheme = request.param
    browser = chromium()
    opened = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    opened.set_default_timeout(SLOW_MS)
    return opened


def serious(page: Page) -> list[str]:
    """Rule and element of every violation that keeps somebody from using or reading the page."""
    found = Axe().run(page, context={"exclude": [[place] for place in OF_STREAMLIT]})
    return [
        f"{violation['id']}: {node['html'][:160]} – {node.get('failureSummary', '')}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_serious(page: Page, app_url: str, place: str) -> None:
    path, _, click = place.partition("#")
    page.goto(f"{app_url}/{path}")
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)
    if click:
        page.get_by_text(click, exact=True).first.click()
        settled(page)
    assert serious(page) == []


def settled(page: Page) -> None:
    """Wait until the page's script has run and nothing is drawn any more."""
    page.wait_for_timeout(800)
    page.wait_for_function(_STILL)
    page.wait_for_timeout(800)
