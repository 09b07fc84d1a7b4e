"""The main way of a user, in a real browser: upload, read, download."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.helpers.agree import AGREE, agree_in_browser
from tests.helpers.clips import encode_clip
from tests.paths import ROOT

pytestmark = pytest.mark.e2e

ASTRONAUT = ROOT / "samples" / "astronaut.jpg"
HOPPER = ROOT / "samples" / "grace_hopper.jpg"


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(
    request: pytest.FixtureRequest, app_url: str, chromium: Callable[..., Browser]
) -> Iterator[Page]:
    """The Upload page, agreed to, at the width of a desk and of a phone."""
    width, height = request.param
    browser = chromium()
    page = browser.new_page(viewport={"width": width, "height": height}, accept_downloads=True)
    page.goto(f"{app_url}/upload")
    expect(page.get_by_role("button", name="Analyse, keep nothing").first).to_be_visible(
        timeout=30_000
    )
    assert page.locator('input[type="file"]').count() == 0
    agree_in_browser(page)
    page.locator('input[type="file"]').first.wait_for(state="attached", timeout=10_000)
    yield page
    browser.close()


def download(page: Page, button: str) -> bytes:
    with page.expect_download(timeout=20_000) as started:
        # The icon's name is part of the button's; the receipt of the consent is another JSON.
        page.get_by_role("button", name=re.compile(rf"^(?!.*Receipt).*{button}$")).first.click()
    return Path(started.value.path()).read_bytes()


def test_a_smile_is_seen_and_the_inputs_are_one_bar(page: Page) -> None:
    page.locator('input[type="file"]').first.set_input_files(ASTRONAUT)
    expect(page.get_by_role("heading", name="would say happy")).to_be_visible(timeout=20_000)
    expect(
        page.get_by_text("How often this model is right with what it says first")
    ).to_be_visible()
    expect(page.locator('input[type="file"]').first).not_to_be_in_viewport()
    picture = page.get_by_role("img", name="astronaut.jpg: 1 face in boxes").bounding_box()
    assert picture is not None
    assert picture["y"] < 500, "the result is on the first screen"
    # Nothing is wider than the screen.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_paper_is_what_is_read_and_not_what_is_clicked(
    app_url: str, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto(f"{app_url}/upload")
    page.get_by_text("A group").click(timeout=30_000)
    face = page.locator(".mien-face header").first
    expect(face).to_contain_text("Face 1", timeout=30_000)
    page.emulate_media(media="print")
    expect(face).to_be_visible()
    for clicked in ("JSON", "Print or save as PDF", "Your own photos, model and detector"):
        expect(page.get_by_text(clicked).first).to_be_hidden()
    ink = face.locator("b").evaluate("element => getComputedStyle(element).color")
    assert ink == "rgb(22, 33, 43)", "dark on white paper, in the dark theme, too"
    browser.close()


def test_an_explanation_beside_another_photo_stays_in_its_place(
    app_url: str, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{app_url}/upload")
    page.get_by_role("button", name=AGREE).click(timeout=30_000)
    page.locator('input[type="file"]').first.set_input_files([ASTRONAUT, HOPPER])
    page.get_by_text("Side by side", exact=True).click(timeout=30_000)
    page.wait_for_timeout(1_500)  # until both stand beside each other
    page.get_by_role("radio", name="Face 1").last.click()
    bars = page.locator(".mien-effects [role=listitem]").first
    bars.wait_for(timeout=30_000)
    right = box(page.get_by_test_id("stMainBlockContainer"))
    track = box(bars.locator("> :nth-child(2)"))
    number = box(bars.locator("> :last-child"))
    assert track["width"] > 60, "the bars have no width"
    assert number["x"] + number["width"] <= right["x"] + right["width"] - 60, "out of the page"
    browser.close()


def test_all_of_many_photos_are_on_paper(
    app_url: str, chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    names = [f"photo_{number:02}.jpg" for number in range(13)]
    for name in names:
        (tmp_path / name).write_bytes(ASTRONAUT.read_bytes())
    browser = chromium()
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto(f"{app_url}/upload")
    page.get_by_role("button", name=AGREE).click(timeout=30_000)
    page.locator('input[type="file"]').first.set_input_files([tmp_path / name for name in names])
    last = page.get_by_role("cell", name=names[-1]).filter(visible=True)
    page.get_by_role("heading", name="13 photos, 13 faces").wait_for(timeout=60_000)
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible(timeout=20_000)
    expect(last).to_have_count(0)
    page.emulate_media(media="print")
    expect(last).to_have_count(1)
    expect(page.get_by_text("Judged by mien-fast; faces found by yunet.")).to_be_visible()
    expect(table).to_be_hidden()
    for clicked in ("Tick a row", "You allowed", "I no longer agree"):
        expect(page.get_by_text(clicked).first).to_be_hidden()
    browser.close()


def test_a_chart_on_paper_says_of_what_it_is_and_its_numbers_can_be_read(
    app_url: str, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto(f"{app_url}/model_metrics?metrics_section=Robustness")
    number = page.locator(".annotation-text").first
    number.wait_for(timeout=30_000)
    page.emulate_media(media="print")
    expect(number).to_have_css("fill", "rgb(22, 33, 43)")
    expect(page.get_by_role("combobox", name="Model", exact=True)).to_have_value("mien-fast")
    expect(page.get_by_role("combobox", name="Model", exact=True)).to_be_visible()
    expect(page.get_by_role("radio", name="Robustness")).to_be_visible()
    expect(page.get_by_role("radio", name="Curves")).to_be_hidden()
    browser.close()


def test_of_a_folder_photos_are_sent_and_nothing_else(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "summer"
    (folder / "day 2").mkdir(parents=True)
    photo = ASTRONAUT.read_bytes()
    files = {"one.JPG": photo, "day 2/two.jpg": photo, "._one.JPG": b"of a Mac", "notes.txt": b"-"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    page.get_by_role("tab", name="A folder").click()
    page.locator('input[type="file"][webkitdirectory]').set_input_files(folder)
    page.get_by_role("heading", name="2 photos, 2 faces: 2 happy").wait_for(timeout=30_000)
    expect(page.get_by_text("any others stayed with you")).to_be_visible()
    expect(page.get_by_text("notes.txt")).to_have_count(0)


def test_two_clicks_and_a_file_from_landing_to_an_own_result(
    app_url: str, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(app_url)
    page.get_by_role("link", name="Choose a photo").click(timeout=30_000)
    agree = page.get_by_role("button", name=AGREE)
    agree.wait_for(timeout=30_000)
    expect(agree).to_be_in_viewport()  # on a phone's first screen
    agree.click()
    page.locator('input[type="file"]').first.set_input_files(ASTRONAUT)
    expect(page.get_by_role("heading", name="would say happy")).to_be_visible(timeout=30_000)
    browser.close()


def test_a_group_photo_is_read_and_its_results_taken_home(page: Page, tmp_path: Path) -> None:
    group = tmp_path / "group.jpg"
    canvas = Image.new("RGB", (1024, 600), (120, 120, 120))
    for left, file in ((0, ASTRONAUT), (512, HOPPER)):
        with Image.open(file) as portrait:
            canvas.paste(portrait, (left, 0))
    canvas.save(group, quality=92)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(ASTRONAUT.read_bytes()[:20_000])

    page.locator('input[type="file"]').first.set_input_files([group, broken])
    expect(page.get_by_role("heading", name="2 photos, 2 faces, 1 refused")).to_be_visible(
        timeout=20_000
    )
    expect(page.get_by_text("damaged or cut short").last).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)

    photos = {row["file"]: row for row in json.loads(download(page, "JSON"))}
    assert len(photos["group.jpg"]["faces"]) == 2
    assert photos["broken.jpg"]["error"]["kind"] == "damaged_image"
    rows = list(csv.DictReader(io.StringIO(download(page, "CSV").decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == ["group.jpg", "group.jpg", "broken.jpg"]
    with zipfile.ZipFile(io.BytesIO(download(page, "ZIP of all"))) as archive:
        assert archive.namelist() == ["results.json", "results.csv", "001_group.png"]
        with Image.open(io.BytesIO(archive.read("001_group.png"))) as annotated:
            assert annotated.size == (1024, 600)
    with Image.open(io.BytesIO(download(page, r"Annotated picture \(PNG\)"))) as annotated:
        assert annotated.format == "PNG"


# Of each table's toolbar, how far below what stands above the table it begins.
FREE_ABOVE_TOOLBARS = """() =>
  [...document.querySelectorAll('[data-testid="stDataFrame"] [data-testid="stElementToolbar"]')]
    .filter((toolbar) => !toolbar.closest("details:not([open])"))
    .map((toolbar) => [
      toolbar.getBoundingClientRect().top,
      toolbar.closest('[data-testid="stElementContainer"]').previousElementSibling,
    ])
    .filter(([, above]) => above && !above.querySelector("h1, h2, h3"))
    .map(([top, above]) => top - above.getBoundingClientRect().bottom)"""


def box(element: Locator) -> dict[str, float]:
    """Where it is on the screen."""
    found = element.bounding_box()
    assert found is not None
    return dict(found)


def test_on_a_phone_home_shows_an_analysed_face_at_once(
    app_url: str, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(app_url)
    picture = page.get_by_role("img", name="Smiling: 1 face")
    expect(picture).to_be_visible(timeout=30_000)
    assert box(picture)["y"] + 0.5 * box(picture)["height"] < 844, "the face is on the screen"
    for way in ("Choose a photo", "Use the webcam"):
        expect(page.get_by_role("link", name=way)).to_be_in_viewport()
    browser.close()


def test_no_toolbar_lies_on_what_stands_above(
    app_url: str, chromium: Callable[..., Browser]
) -> None:
    browser = chromium()
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(f"{app_url}/model_metrics")
    page.get_by_text("Each expression").wait_for(timeout=30_000)
    page.get_by_test_id("stDataFrame").nth(3).wait_for(timeout=30_000)
    free_px = page.evaluate(FREE_ABOVE_TOOLBARS)
    assert free_px
    assert min(free_px) >= 0, free_px

    page.goto(f"{app_url}/upload")
    page.get_by_text("A group").click(timeout=30_000)
    picture = page.get_by_role("img", name="A group: 6 faces in boxes")
    toolbar = page.get_by_test_id("stElementToolbar").first
    expect(picture).to_be_visible(timeout=30_000)
    assert box(toolbar)["y"] >= box(picture)["y"], "inside, not on the headline"
    browser.close()


def test_a_click_on_a_bar_of_a_clip_shows_that_moment(
    app_url: str, chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    happy, surprised = (
        np.asarray(Image.open(ROOT / "samples" / name).convert("RGB").resize((320, 320)))
        for name in ("astronaut.jpg", "drawn_surprise.jpg")
    )
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(encode_clip([happy] * 20 + [surprised] * 20, fps=10))
    browser = chromium()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{app_url}/webcam")
    page.get_by_role("button", name=AGREE).click(timeout=30_000)
    page.get_by_role("radio", name="Video file").click(timeout=30_000)
    page.locator('input[type="file"]').first.set_input_files(clip)
    second = page.get_by_test_id("stSliderThumbValue").first
    for words, around_s in (("surprise", 3.0), ("happy", 1.0)):
        bar = box(page.locator(".bartext").filter(has_text=words).first)
        page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
        page.wait_for_timeout(1_500)
        assert abs(float(second.inner_text().split()[0]) - around_s) < 0.6
    browser.close()
