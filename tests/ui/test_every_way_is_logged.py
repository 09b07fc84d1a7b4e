"""Ways that keep nothing: the page logs each analysis once, and shows none that is not logged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from db.errors import StoreBusyError
from services.admin.review import Action
from services.analysis.queue import Turns
from services.store import Store
from tests.helpers.agree import agree
from tests.helpers.clips import encode_clip, wandering
from tests.ui.tools import ASTRONAUT, button, details, kept, labels, logged, text_of
from ui.webcam.session import slots
from ui.webcam.webrtc import Link

OpenPage = Callable[[str], AppTest]


@dataclass
class Picture:
    """What Streamlit's camera hands over."""

    file_id: str = "1"

    def getvalue(self) -> bytes:
        return ASTRONAUT


@pytest.fixture(autouse=True)
def _places(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AppTest has no browser; streamlit-webrtc needs a real server as well."""
    monkeypatch.setattr("ui.webcam.live.link", lambda *_, **__: Link(False, False))
    slots.clear()
    yield
    slots.clear()


def test_a_snapshot_is_logged_once_and_not_kept_even_where_keeping_was_allowed(
    open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    monkeypatch.setattr("streamlit.camera_input", lambda *_, **__: taken[-1] if taken else None)
    # Allowed on Upload, where it is asked for; the Webcam page keeps nothing all the same.
    app = agree(open_page("upload"), "keep_result", "keep_image")
    app = app.switch_page("pages/webcam.py").run()
    app = app.segmented_control(key="webcam_way").set_value("Snapshot").run()
    taken.append(Picture())
    app = app.run()
    assert not app.exception
    assert "would say happy" in text_of(app)
    app = app.run()  # a click elsewhere on the page
    (row,) = details(store, Action.ANALYSED)
    assert '"way":"snapshot"' in row
    assert '"faces":1' in row
    taken.append(Picture("2"))
    app.run()
    assert logged(store, Action.ANALYSED) == 2
    assert kept(store) == (0, 0)


def test_a_snapshot_takes_its_turn_and_says_when_too_many_wait(
    open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Turns(1, 0)
    held = busy.ask()
    monkeypatch.setattr("ui.shared.queue.turns", lambda: busy)
    monkeypatch.setattr("streamlit.camera_input", lambda *_, **__: Picture())
    app = agree(open_page("webcam"))
    app = app.segmented_control(key="webcam_way").set_value("Snapshot").run()
    assert "please try again in a minute" in text_of(app)
    assert not details(store, Action.ANALYSED)
    held.leave()
    app = app.run()
    assert "would say happy" in text_of(app)
    assert len(details(store, Action.ANALYSED)) == 1


def test_a_clip_is_logged_once(
    open_page: OpenPage, store: Store, astronaut: NDArray[np.uint8]
) -> None:
    app = agree(open_page("webcam"))
    app = app.segmented_control(key="webcam_way").set_value("Video file").run()
    clip = encode_clip(wandering(astronaut, 12), codec="libx264")
    app = app.file_uploader[0].upload("walk.mp4", clip, "video/mp4").run().run()
    assert not app.exception
    (row,) = details(store, Action.ANALYSED)
    assert '"way":"clip"' in row
    assert '"frames":12' in row


def test_a_live_video_is_logged_at_its_start_and_at_its_end(
    open_page: OpenPage, store: Store
) -> None:
    app = agree(open_page("webcam"))
    assert logged(store, Action.ANALYSED) == 0
    app = button(app, "Start the camera").click().run()
    (row,) = details(store, Action.ANALYSED)
    assert '"way":"live"' in row
    assert logged(store, Action.LIVE_ENDED) == 0
    app = button(app, "Stop").click().run()
    assert not app.exception
    assert (logged(store, Action.ANALYSED), logged(store, Action.LIVE_ENDED)) == (1, 1)


def test_a_live_video_that_cannot_be_logged_does_not_begin(
    open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = agree(open_page("webcam"))

    def busy(*_: object, **__: object) -> None:
        raise StoreBusyError("The store is busy with another change; wait a few seconds.")

    monkeypatch.setattr("ui.webcam.session.LiveRecord", busy)
    app = button(app, "Start the camera").click().run()
    assert not app.exception
    assert "The store is busy" in text_of(app)
    assert "Stop" not in labels(app)
    assert slots().n_used == 0
    monkeypatch.undo()
    monkeypatch.setattr("ui.webcam.live.link", lambda *_, **__: Link(False, False))
    app = button(app, "Start the camera").click().run()
    assert "Stop" in labels(app)
    button(app, "Stop").click().run()


def test_an_own_photo_on_landmark_analysis_is_logged_once_and_a_sample_is_not(
    open_page: OpenPage, store: Store
) -> None:
    app = agree(open_page("landmark_analysis"))
    assert logged(store, Action.ANALYSED) == 0
    app = app.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run().run()
    assert not app.exception
    (row,) = details(store, Action.ANALYSED)
    assert '"way":"landmarks"' in row
    assert kept(store) == (0, 0)


def test_auditing_own_data_needs_the_same_consent(open_page: OpenPage, store: Store) -> None:
    app = open_page("model_metrics")
    app = app.segmented_control(key="metrics_section").set_value("Your own data").run()
    assert len(app.file_uploader) == 0
    app = agree(app, context="research")
    assert not app.exception
    assert len(app.file_uploader) == 2
    app = button(app, "I no longer agree").click().run()
    assert len(app.file_uploader) == 0
