"""What axe-core finds on each page, in a real browser: nothing serious, at any width or theme."""

from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from services.admin.sign_in import create_admin
from services.store import open_store
from tests.e2e.conftest import AppServer
from tests.helpers.agree import agree_in_browser
from tests.paths import ROOT
from ui.metrics.page import SECTIONS

pytestmark = pytest.mark.e2e

SLOW_MS = 60_000
PASSWORD = "a long enough password"
PARTS = ("Your photo", "Limits", "Law and uses", "Policy", "My consents")
# Page and, after "#", what is clicked there before axe looks. To be extended by what passes.
PLACES = [
    "",
    "upload",
    "upload#Sad",
    "upload#A group",
    "upload#Analyse, keep nothing",
    "webcam",
    "webcam#Analyse, keep nothing",
    "landmark_analysis",
    "landmark_analysis#What the study found",
    *(f"model_metrics?metrics_section={quote_plus(name)}" for name in SECTIONS),
    *(f"ethics_privacy?privacy_section={quote_plus(name)}" for name in PARTS),
]
# Streamlit's own: a button of its uploader and table lies in an element with a role of its own.
OF_STREAMLIT = ('[data-testid="stFileUploaderDropzone"]', '[data-testid="stDataFrame"]')
_STILL = """() => !document.querySelector('[data-test-script-state="running"]') &&
    !document.querySelector('[data-testid="stSkeleton"]')"""


@pytest.fixture(scope="class")
def page(request: pytest.FixtureRequest, chromium: Callable[..., Browser]) -> Page:
    width, height, scheme = request.cls.look
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


def settled(page: Page) -> None:
    """Wait until the page's script has run and nothing is drawn any more."""
    page.wait_for_timeout(800)
    page.wait_for_function(_STILL)
    page.wait_for_timeout(800)


class Looks:
    """All of it at one width and in one theme."""

    look: tuple[int, int, str]

    @pytest.mark.parametrize("place", PLACES)
    def test_axe_finds_nothing_serious(self, page: Page, app_url: str, place: str) -> None:
        path, _, click = place.partition("#")
        page.goto(f"{app_url}/{path}")
        page.get_by_role("heading", level=1).first.wait_for()
        settled(page)
        if click:
            page.get_by_text(click, exact=True).first.click()
            settled(page)
        assert serious(page) == []

    def test_the_review_of_an_admin_has_nothing_serious(
        self, page: Page, app_server: AppServer
    ) -> None:
        page.goto(f"{app_server.url}/ethics_privacy?privacy_section=Admin")
        page.get_by_role("heading", level=1).first.wait_for()
        settled(page)
        name = f"admin-{page.viewport_size}"
        store = open_store(app_server.log.parent / "data")
        create_admin(store, name, PASSWORD, by="operator")
        store.close()
        page.reload()
        page.get_by_role("textbox", name="Name").fill(name)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        settled(page)
        assert serious(page) == []
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_text("Signed in as").wait_for()
        for part in ("Today", "Consents", "Stored", "Retention", "Removals", "Audit log"):
            page.get_by_role("radio", name=part, exact=True).click()
            settled(page)
            assert serious(page) == [], part
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("textbox", name="Password").wait_for()

    def test_what_is_kept_of_a_person_has_nothing_serious(self, page: Page, app_url: str) -> None:
        page.goto(f"{app_url}/upload")
        page.get_by_role("heading", level=1).first.wait_for()
        settled(page)
        if page.get_by_role("button", name="I no longer agree").count():  # from a place before
            page.get_by_role("button", name="I no longer agree").click()
            settled(page)
        agree_in_browser(page, "keep_result", "keep_image")
        code = page.get_by_test_id("stCode").first.inner_text().strip()
        page.locator('input[type="file"]').first.set_input_files(
            ROOT / "samples" / "astronaut.jpg"
        )
        page.get_by_role("heading", name="would say happy").wait_for()
        page.goto(f"{app_url}/ethics_privacy?privacy_section=My+consents")
        page.get_by_role("textbox", name="Receipt code").fill(code)
        page.get_by_role("button", name="Look up").click()
        page.get_by_role("button", name="Erase everything").wait_for()
        settled(page)
        assert serious(page) == []


# A worker each (`--dist loadscope`): together they take longer than all other files.
class TestOnADesk(Looks):
    look = (1280, 900, "light")


class TestOnAPhone(Looks):
    look = (390, 844, "dark")
