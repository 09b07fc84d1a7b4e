"""Model Metrics, "Your own data": from upload to every section of the result."""

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.emotions import EMOTIONS
from services.admin.review import Action
from services.store import Store
from tests.helpers.agree import agree
from tests.helpers.pictures import colourful, encode
from tests.ui.tools import logged

N = 8
QUICK = ["mien-fast", "mobilenet-v2"]
OpenPage = Callable[[str], AppTest]


def table(width_px: int = 48) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(
        {
            "image": [encode(colourful(48, width_px, seed), "PNG") for seed in range(N)],
            "label": [EMOTIONS[i % 7] for i in range(N)],
            "side": ["left", "right"] * (N // 2),
        }
    ).to_parquet(buffer)
    return buffer.getvalue()


def press(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    """Streamlit's test client forgets a click in a run that also hands a file over."""
    real = st.button

    def pressed(label: str, *args: Any, **options: Any) -> bool:
        return real(label, *args, **options) or label == wanted

    monkeypatch.setattr(st, "button", pressed)


def test_two_models_are_audited_compared_and_corrupted(
    open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("model_metrics")
    app.session_state["metrics_section"] = "Your own data"
    app = agree(app.run(), context="research")
    app = app.file_uploader[0].upload("mine.parquet", table(), "application/octet-stream").run()
    app.multiselect(key="audit_models").set_value(QUICK)
    app = app.selectbox(key="audit_robustness").set_value(50).run()
    with monkeypatch.context() as patched:
        press(patched, "Run the audit")
        app = app.run()
    assert not app.exception
    shown = app.segmented_control(key="audit_section")
    assert {"Compare", "Robustness"} <= set(shown.options)
    for section in shown.options:
        app = app.segmented_control(key="audit_section").set_value(section).run()
        assert not app.exception, section
        assert not app.error, section
        if section == "Confidence":
            assert any("Too few pictures for a chart" in info.value for info in app.info)
            assert len(app.get("plotly_chart")) == 1  # that of coverage
    assert len(app.get("plotly_chart")) == 1  # the map of corruptions, with its sentence
    assert any(f"of {N} pictures" in m.value for m in app.markdown)
    assert logged(store, Action.ANALYSED) == 2


@pytest.mark.parametrize(("width_px", "faces"), [(48, "crop"), (64, "detect")])
def test_the_face_is_found_in_photos_unless_told_otherwise(
    open_page: OpenPage, width_px: int, faces: str
) -> None:
    app = open_page("model_metrics")
    app.session_state["metrics_section"] = "Your own data"
    app = agree(app.run(), context="research")
    app = app.file_uploader[0].upload("mine.parquet", table(width_px), "application/x").run()
    (chosen,) = [box for box in app.selectbox if box.label == "Pictures are"]
    assert chosen.value == faces


def test_an_audit_without_a_model_is_an_empty_state(open_page: OpenPage) -> None:
    app = open_page("model_metrics")
    app.session_state["metrics_section"] = "Your own data"
    app = agree(app.run(), context="research")
    app = app.file_uploader[0].upload("mine.parquet", table(), "application/octet-stream").run()
    app = app.multiselect(key="audit_models").set_value([]).run()
    assert not app.exception
    assert any("at least one model" in info.value for info in app.info)
