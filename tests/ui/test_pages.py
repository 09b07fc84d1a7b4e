from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

OpenPage = Callable[[str], AppTest]


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("", "Mien"),
        ("upload", "Upload photos"),
        ("webcam", "Webcam"),
        ("model_metrics", "Model Metrics"),
        ("landmark_analysis", "Landmark Analysis"),
        ("ethics_privacy", "Ethics & Privacy"),
    ],
)
def test_every_page_opens(open_page: OpenPage, page: str, title: str) -> None:
    assert open_page(page).title[0].value == title
