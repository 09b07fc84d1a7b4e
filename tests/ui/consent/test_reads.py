"""A consent is read from the store once a run of a page, however many parts of it ask."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from services.person.consent import withdraw_by_code
from services.store import Store
from tests.helpers.agree import agree
from tests.ui.tools import button, code_of, text_of, upload
from ui.webcam.session import slots
from ui.webcam.webrtc import Link

OpenPage = Callable[[str], AppTest]


@pytest.fixture(autouse=True)
def _places(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AppTest has no browser; streamlit-webrtc needs a real server as well."""
    monkeypatch.setattr("ui.webcam.live.link", lambda *_, **__: Link(False, False))
    slots.clear()
    yield
    slots.clear()


@contextmanager
def reads(store: Store) -> Iterator[list[int]]:
    """One entry a transaction that reads from the table of consents."""
    seen: list[int] = []
    began = [0]

    def begin(_: Any) -> None:
        began[0] += 1

    def execute(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "consent_event" in statement and began[0] not in seen:
            seen.append(began[0])

    event.listen(store.engine, "begin", begin)
    event.listen(store.engine, "before_cursor_execute", execute)
    yield seen
    event.remove(store.engine, "begin", begin)
    event.remove(store.engine, "before_cursor_execute", execute)


def upload_page(open_page: OpenPage) -> AppTest:
    return upload(agree(open_page("upload"), "keep_result"))


def live_video(open_page: OpenPage) -> AppTest:
    return button(agree(open_page("webcam")), "Start the camera").click().run()


def landmarks_page(open_page: OpenPage) -> AppTest:
    return upload(agree(open_page("landmark_analysis")))


def own_data(open_page: OpenPage) -> AppTest:
    app = open_page("model_metrics")
    app = app.segmented_control(key="metrics_section").set_value("Your own data").run()
    return agree(app)


def my_consents(open_page: OpenPage) -> AppTest:
    app = agree(open_page("upload"), "keep_result")
    code = code_of(app)
    app = app.switch_page("pages/ethics_privacy.py").run()
    app = app.segmented_control(key="privacy_section").set_value("My consents").run()
    app.text_input[0].set_value(code)
    return button(app, "Look up").click().run()


@pytest.mark.parametrize("page", [upload_page, live_video, landmarks_page, own_data, my_consents])
def test_a_run_reads_the_consent_once(
    page: Callable[[OpenPage], AppTest], open_page: OpenPage, store: Store
) -> None:
    app = page(open_page).run()
    with reads(store) as seen:
        app = app.run()
    assert not app.exception
    assert len(seen) == 1


def test_what_was_taken_back_elsewhere_ends_at_the_next_run(
    open_page: OpenPage, store: Store
) -> None:
    app = upload_page(open_page)
    withdraw_by_code(store, code_of(app))
    with reads(store) as seen:
        app = app.run()
    assert "took your consent back" in text_of(app)
    assert len(seen) == 1
