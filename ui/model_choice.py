"""Choosing the expression model and the face detector, each with what is known of it."""

import streamlit as st

from core.detection import DETECTORS
from ui.resources import cards, report, settings
from ui.text import percent

_DETECTOR_TITLES = {
    "yunet": "YuNet – finds small and turned faces (default)",
    "blazeface": "BlazeFace – close faces only, as in a webcam picture",
}


def choose_model_and_detector(key: str) -> tuple[str, str]:
    """Two select boxes; returns the model's id and the detector's name.

    Args:
        key: prefix of the widgets' keys, one a page.
    """
    models, names = list(cards()), list(DETECTORS)
    default_model, default_detector = settings().default_model, settings().default_detector
    left, right = st.columns(2)
    model_id = left.selectbox(
        "Expression model",
        models,
        index=models.index(default_model) if default_model in models else 0,
        format_func=_model_title,
        key=f"{key}_model",
    )
    detector = right.selectbox(
        "Face detector",
        names,
        index=names.index(default_detector),
        format_func=lambda name: _DETECTOR_TITLES.get(name, name),
        key=f"{key}_detector",
    )
    return model_id, detector


def _model_title(model_id: str) -> str:
    measured = report(model_id)
    size = f"{cards()[model_id].n_bytes / 1e6:.1f} MB"
    if measured is None:
        return f"{model_id} ({size})"
    accuracy = percent(measured["all"]["accuracy"], 1)
    return f"{model_id} – right in {accuracy} of FER-2013's test ({size})"
