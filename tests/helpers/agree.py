"""How a person says yes: what it is for, what is allowed, one button."""

from typing import Any

from streamlit.testing.v1 import AppTest

TITLES = {
    "analyse": "Analyse now",
    "keep_result": "Keep the result",
    "keep_image": "Keep the image",
    "evaluation": "Use for evaluation",
}


def agree(app: AppTest, *keep: str, context: str = "personal") -> AppTest:
    """Agree to the analysis and to `keep` (keys of TITLES) on a page of AppTest."""
    app = app.pills(key="consent_context").set_value(context).run()
    for purpose in ("analyse", *keep):
        app.checkbox(key=f"consent_{purpose}").check()
    button = next(button for button in app.button if button.label.startswith("I agree"))
    return button.click().run()


def agree_in_browser(page: Any, *keep: str) -> None:
    """Agree to the analysis and to `keep` on a page of Playwright."""
    page.get_by_role("radio", name="Trying it out, for myself").click()
    for purpose in ("analyse", *keep):
        # Streamlit hides the box itself; a person clicks its label.
        page.locator("label", has_text=TITLES[purpose]).click()
    page.get_by_role("button", name="I agree: analyse my photos").click()
