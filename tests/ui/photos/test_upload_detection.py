"""Upload: which detector looks, for how small faces; what is said of turned and poor photos."""

import importlib.util
import io
import re
from collections.abc import Callable

import pytest
from PIL import Image, ImageFilter
from streamlit.testing.v1 import AppTest

from core.detection import DETECTORS, NEED_DLIB
from core.detection.dlib_extra import is_installed
from tests.helpers.agree import agree
from tests.paths import ROOT
from tests.ui.tools import choose_sample, text_of

OpenPage = Callable[[str], AppTest]


def with_sample(open_page: OpenPage) -> AppTest:
    app = open_page("upload")
    return choose_sample(app)


def choose(app: AppTest, detector: str) -> AppTest:
    box = next(box for box in app.selectbox if box.label == "Face detector")
    app = box.set_value(detector).run()
    assert not app.exception
    return app


def test_every_detector_is_offered_and_another_one_finds_her_too(open_page: OpenPage) -> None:
    app = with_sample(open_page)
    (box,) = [box for box in app.selectbox if box.label == "Face detector"]
    assert len(box.options) == len(DETECTORS) - (0 if is_installed() else len(NEED_DLIB))
    for name in ("haar", "ensemble"):
        assert "would say happy" in text_of(choose(app, name))


def test_detectors_that_are_not_installed_are_not_offered_but_told_of(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "dlib" else real(name, *rest),
    )
    (box,) = [box for box in with_sample(open_page).selectbox if box.label == "Face detector"]
    assert len(box.options) == len(DETECTORS) - len(NEED_DLIB)
    assert "2 more can be added" in box.help
    assert "uv sync --extra dlib" in box.help


def test_small_faces_are_looked_for_when_asked(open_page: OpenPage) -> None:
    app = with_sample(open_page)
    (toggle,) = [t for t in app.toggle if t.label == "Very small faces"]
    assert not toggle.value
    app = toggle.set_value(True).run()
    assert not app.exception
    assert "would say happy" in text_of(app)


def test_a_photo_on_its_side_is_turned_and_a_blurred_face_called_poor(
    open_page: OpenPage,
) -> None:
    with Image.open(ROOT / "samples" / "astronaut.jpg") as photo:
        spoilt = photo.filter(ImageFilter.GaussianBlur(5)).transpose(Image.Transpose.ROTATE_270)
        data = io.BytesIO()
        spoilt.save(data, "PNG")
    app = agree(open_page("upload"))
    app = app.file_uploader[0].upload("side.png", data.getvalue(), "image/png").run()
    assert not app.exception
    words = text_of(app)
    assert "The photo lies on its side" in words
    quality = re.search(r"Picture quality (\d+) of 100: blurred", words)
    assert quality
    assert int(quality[1]) < 80
