"""Controls that are not as Streamlit makes them, as a person uses them."""

import statistics
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from ui.metrics.page import SECTIONS

pytestmark = pytest.mark.e2e

TIMEOUT_MS = 90_000
LIMIT_MS = 150
# Moves the slider and waits until the browser has painted what follows.
MOVE = """async ([root, level]) => {
  const slider = root.querySelector("input");
  const crop = root.querySelectorAll("canvas.crop")[1];
  const before = crop.toDataURL();
  const started = performance.now();
  slider.value = level;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  return {
    elapsed_ms: performance.now() - started,
    crop_changed: crop.toDataURL() !== before,
    title: root.querySelectorAll("h4")[1].textContent,
    happy: root.querySelectorAll(".bars")[1].innerText,
    sentence: root.querySelector("p").textContent,
  };
}"""


ONE_ROW = "([row, part]) => row.offsetHeight < 2 * part.offsetHeight"


def test_the_parts_of_a_page_are_one_row_on_a_phone_with_the_chosen_one_in_sight(
    app_url: str, chromium: Callable[..., Any]
) -> None:
    page = chromium().new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    for name in SECTIONS:
        page.goto(f"{app_url}/model_metrics?metrics_section={name.replace(' ', '+')}")
        chosen = page.get_by_role("radio", name=name, exact=True)
        chosen.first.wait_for(timeout=TIMEOUT_MS)
        row = page.get_by_role("radiogroup", name="Part of this page").first
        expect(chosen.first).to_be_in_viewport(ratio=0.9, timeout=TIMEOUT_MS)
        both = [row.element_handle(), chosen.first.element_handle()]
        page.wait_for_function(ONE_ROW, arg=both, timeout=TIMEOUT_MS)  # once styles are there
        assert row.get_by_role("radio").all_inner_texts() == list(SECTIONS)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # A press chooses what a swipe has brought into sight, and it stays there.
    row.evaluate("row => row.scrollTo(0, 0)")
    page.get_by_role("radio", name="Groups", exact=True).click()
    page.wait_for_url("**metrics_section=Groups", timeout=TIMEOUT_MS)
    expect(page.get_by_role("radio", name="Groups", exact=True)).to_be_in_viewport(ratio=0.9)


def test_the_ring_around_a_list_lies_around_it(app_url: str, chromium: Callable[..., Any]) -> None:
    page = chromium().new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{app_url}/model_metrics?metrics_section=Groups")
    chosen = page.get_by_role("combobox", name="Model", exact=True)
    chosen.focus(timeout=TIMEOUT_MS)
    page.keyboard.press("Escape")
    outline = "element => getComputedStyle(element).outlineStyle"
    assert chosen.evaluate(outline) == "none", "its box would cut it"
    assert chosen.locator("xpath=..").evaluate(outline) == "solid"


def test_every_move_is_answered_at_once_and_without_the_server(
    app_url: str, chromium: Callable[..., Any]
) -> None:
    page = chromium().new_page(viewport={"width": 1280, "height": 1000})
    sent: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{app_url}/landmark_analysis")
    root = page.locator(".whatif")
    root.locator("p:not(:empty)").wait_for(timeout=TIMEOUT_MS)
    page.get_by_text("Blendshapes say how far").wait_for(timeout=TIMEOUT_MS)
    page.wait_for_timeout(1000)  # whatever the page still has to say
    sent.clear()
    moves = [page.evaluate(MOVE, [root.element_handle(), level]) for level in range(2, 33, 2)]
    times_ms = sorted(move["elapsed_ms"] for move in moves)
    print(
        f"slider: median {statistics.median(times_ms):.0f} ms, largest {times_ms[-1]:.0f} ms "
        f"from its move to the painted answer, {len(sent)} messages to the server"
    )
    assert sent == []
    assert statistics.median(times_ms) < LIMIT_MS
    assert all(move["crop_changed"] for move in moves)
    assert moves[-1]["title"] == "Points wrong by 32\u00a0%"
    assert len({move["sentence"] for move in moves}) == len(moves)
    assert moves[0]["happy"] != moves[-1]["happy"]
    track = root.locator(".mien-track").first.bounding_box()
    assert track is not None
    assert track["width"] > 100, "the bars have no width"
    # The keyboard moves it too, and another kind of error keeps its place.
    root.locator("input").focus()
    page.keyboard.press("ArrowLeft")
    assert root.locator("output").inner_text() == "31\u00a0%"
    slider = page.get_by_role("slider", name="How wrong, in % of the distance between the eyes")
    assert slider.get_attribute("aria-valuetext") == "31 %"
    before = root.locator("p").inner_text()
    page.get_by_role("button", name="Other errors").click()
    expect(root.locator("p")).not_to_have_text(before, timeout=TIMEOUT_MS)
    assert root.locator("output").inner_text() == "31\u00a0%"
