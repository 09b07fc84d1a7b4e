"""How a person says yes: one button, or what may be kept ticked one by one and its button."""

from typing import Any

from streamlit.testing.v1 import AppTest

AGREE, AGREE_AND_KEEP = "Analyse, keep nothing", "Analyse and keep what is ticked"
TITLES = {
    "keep_result": "Keep the result",
    "keep_image": "Keep the image",
    "evaluation": "Use for evaluation",
}


def agree(app: AppTest, *keep: str, context: str = "personal") -> AppTest:
    """Agree to the analysis and to `keep` (keys of TITLES) on a page of AppTest."""
    chosen = app.pills(key="consent_context")
    if context != (chosen.value or "personal"):
        app = chosen.set_value(context).run()
    for purpose in keep:
        app.checkbox(key=f"consent_{purpose}").check()
    label = AGREE_AND_KEEP if keep else AGREE
    return next(button for button in app.button if button.label == label).click().run()


def agree_in_browser(page: Any, *keep: str) -> None:
    """Agree to the analysis and to `keep` on a page of Playwright."""
    if not keep:
        page.get_by_role("button", name=AGREE).click()
        return
    page.get_by_text("Keep something as well?").click()
    for purpose in keep:
        # Streamlit hides the box itself; a person clicks its label.
        page.locator("label", has_text=TITLES[purpose]).click()
    page.get_by_role("button", name=AGREE_AND_KEEP).click()
