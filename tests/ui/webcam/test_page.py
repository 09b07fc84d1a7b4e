"""The Webcam page through AppTest: consent first, ways, limits, clips. The browser is in e2e."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from tests.helpers.agree import agree
from tests.helpers.clips import encode_clip, wandering
from tests.ui.tools import button, labels, text_of
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


@pytest.fixture
def webcam(open_page: OpenPage) -> AppTest:
    """The page after consent."""
    return agree(open_page("webcam"))


def choose(app: AppTest, way: str) -> AppTest:
    return app.segmented_control(key="webcam_way").set_value(way).run()


def test_nothing_that_takes_a_picture_exists_before_consent(open_page: OpenPage) -> None:
    app = open_page("webcam")
    assert "Start the camera" not in labels(app)
    assert len(app.get("camera_input")) == len(app.file_uploader) == 0
    assert len(app.get("component_instance")) == 0
    assert len(app.get("bidi_component")) == 0


def test_the_page_opens_with_the_camera_off_and_three_ways(webcam: AppTest) -> None:
    assert not webcam.exception
    assert "Start the camera" in labels(webcam)
    assert "The camera is off. Nothing is sent." in text_of(webcam)
    assert len(webcam.get("component_instance")) == 0  # nothing of WebRTC before a start
    assert [toggle.label for toggle in webcam.toggle] == ["Smooth the scores", "Mirror"]
    assert webcam.toggle[0].value is True


def test_start_asks_for_permission_and_stop_ends_it(webcam: AppTest) -> None:
    app = button(webcam, "Start the camera").click().run()
    assert not app.exception
    assert "Please allow the camera" in text_of(app)
    assert "Start the camera" not in labels(app)
    assert slots().n_used == 1
    app = button(app, "Stop").click().run()
    assert not app.exception
    assert "The camera is off" in text_of(app)
    assert slots().n_used == 0


def test_the_snapshot_is_offered_at_once_and_by_name(webcam: AppTest) -> None:
    app = choose(webcam, "Snapshot")
    assert not app.exception
    assert len(app.get("camera_input")) == 1
    assert "Start the camera" not in labels(app)


def test_who_comes_when_all_places_are_taken_waits_and_is_told(webcam: AppTest) -> None:
    for i in range(slots().limit):
        assert slots().hold(f"somebody {i}")
    app = button(webcam, "Start the camera").click().run()
    assert "All places for live video are taken" in text_of(app)
    assert "Take a snapshot instead" in labels(app)
    slots().release("somebody 0")
    app = app.run()
    assert "Please allow the camera" in text_of(app)
    assert slots().n_used == slots().limit


def test_leaving_the_page_gives_the_place_back_when_the_person_returns(webcam: AppTest) -> None:
    app = button(webcam, "Start the camera").click().run()
    assert slots().n_used == 1
    app = app.switch_page("pages/upload.py").run()
    app = app.switch_page("pages/webcam.py").run()
    assert not app.exception
    assert "Start the camera" in labels(app)
    assert slots().n_used == 0


def test_taking_the_consent_back_ends_the_video(webcam: AppTest) -> None:
    app = button(webcam, "Start the camera").click().run()
    app = button(app, "I no longer agree").click().run()
    assert not app.exception
    assert "Stop" not in labels(app)
    assert slots().n_used == 0


def test_a_clip_gives_a_summary_a_timeline_and_files(
    webcam: AppTest, astronaut: NDArray[np.uint8]
) -> None:
    app = choose(webcam, "Video file")
    clip = encode_clip(wandering(astronaut, 30), codec="libx264")
    app = app.file_uploader[0].upload("walk.mp4", clip, "video/mp4").run()
    assert not app.exception
    text = text_of(app)
    assert "1 second, 1 face" in text
    assert "30 frames analysed" in text
    assert "**Face 1** was seen for" in text
    assert "happy all the time" in text
    assert len(app.get("plotly_chart")) == 2  # bars, and the scores behind them
    assert {element.label for element in app.get("download_button")} >= {"CSV", "JSON"}
    app = app.slider(key="clip_second").set_value(0.9).run()
    assert not app.exception
    assert "Annotated video (MP4)" in {e.label for e in app.get("download_button")}
    app = button(app, "Forget this video").click().run()
    assert "frames analysed" not in text_of(app)
    assert app.file_uploader[0].value is None


def test_a_file_that_is_no_clip_is_refused_in_words(webcam: AppTest) -> None:
    app = choose(webcam, "Video file")
    app = app.file_uploader[0].upload("walk.mp4", b"no video", "video/mp4").run()
    assert not app.exception
    assert "This is no MP4, MOV" in text_of(app)
    assert "Choose another video" in labels(app)
