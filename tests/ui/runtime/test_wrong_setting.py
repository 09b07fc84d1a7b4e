"""A server with a wrong setting: its log names it, a visitor gets a plain sentence."""

import logging

import pytest
from streamlit.testing.v1 import AppTest

from tests.paths import ROOT
from ui.runtime import operations
from ui.shared.resources import settings


def test_a_visitor_is_told_plainly_and_the_log_says_which(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MIEN_MAX_CLIP_SECONDS", "7200")
    monkeypatch.setattr(operations, "_started", False)
    monkeypatch.setattr(operations.logs, "set_up", lambda *_: None)  # caplog's handler stays
    settings.clear()
    try:
        with caplog.at_level(logging.ERROR):
            app = AppTest.from_file(str(ROOT / "Home.py")).run(timeout=60)
    finally:
        settings.clear()
    assert not app.exception
    assert "not set up right" in app.error[0].value
    assert "MIEN" not in app.error[0].value.replace("Mien", "")
    assert "MIEN_MAX_CLIP_SECONDS is '7200'; it must be a whole number" in caplog.text
