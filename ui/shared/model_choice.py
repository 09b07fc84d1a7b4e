"""Choosing the expression model and the face detector, each with what is known of it."""

import streamlit as st

from core.detection import DETECTORS, NEED_DLIB
from core.detection.dlib_extra import HOW_TO_ADD, is_installed
from ui.shared.resources import cards, report, settings
from ui.shared.text import percent

_DETECTOR_TITLES = {
    "yunet": "YuNet – finds small and turned faces (default)",
    "ensemble": "Ensemble – a few more small faces, slower",
    "mien-face": "Mien's own – trained for this app",
    "blazeface": "BlazeFace – close faces only, as in a webcam picture",
    "haar": "Haar cascade – the classic of 2001, frontal faces",
    "dlib-hog": "dlib HOG – frontal faces from 40 pixels",
    "dlib-mmod": "dlib MMOD – a network, slow",
}


def choose_model_and_detector(key: str) -> tuple[str, str]:
    """Two select boxes; returns the model's id and the detector's name.

    A detector whose extra is not installed is listed; choosing it says how to add it, and the
    default one works in its place.

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
        help="How many of FER-2013's private test images each judges as they are labelled, "
        "and the size of its file. Model Metrics has the rest.",
    )
    detector = right.selectbox(
        "Face detector",
        names,
        index=names.index(default_detector),
        format_func=_detector_title,
        key=f"{key}_detector",
    )
    if detector in NEED_DLIB and not is_installed():
        right.warning(
            f"{HOW_TO_ADD} Until then {_title(default_detector)} looks for the faces.",
            icon=":material/extension_off:",
        )
        return model_id, default_detector
    return model_id, detector


def choose_tiles(key: str) -> bool:
    """Whether to look for very small faces.

    Args:
        key: prefix of the widget's key, one a page.
    """
    return st.toggle(
        "Look for very small faces",
        key=f"{key}_tiles",
        help="Looks at the photo in overlapping parts too, as for crowds and class photos. "
        "Takes up to a second a photo.",
    )


def _detector_title(name: str) -> str:
    missing = name in NEED_DLIB and not is_installed()
    return f"{_DETECTOR_TITLES.get(name, name)}{' (not installed)' * missing}"


def _title(name: str) -> str:
    return _DETECTOR_TITLES.get(name, name).partition(" – ")[0]


def _model_title(model_id: str) -> str:
    measured = report(model_id)
    size = f"{cards()[model_id].n_bytes / 1e6:.1f} MB"
    if measured is None:
        return f"{model_id} ({size})"
    accuracy = percent(measured["all"]["accuracy"], 1)
    return f"{model_id} – {accuracy} right, {size}"  # fits a phone's width
