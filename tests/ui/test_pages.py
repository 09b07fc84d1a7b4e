from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.paths import ROOT

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


def test_a_fresh_servers_first_visitor_gets_every_page_through_home() -> None:
    """Streamlit's own discovery of pages/ would leave Home.py out; `through_home` does not."""
    for file in sorted((ROOT / "pages").glob("*.py")):
        calls = [line for line in file.read_text().splitlines() if line == "through_home()"]
        assert len(calls) == 1, file.name
