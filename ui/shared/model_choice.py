"""Choosing the expression model and the face detector, each with what is known of it."""

from dataclasses import dataclass

import streamlit as st

from core.detection import DETECTORS, NEED_DLIB
from core.detection.dlib_extra import HOW_TO_ADD, is_installed
from core.detection.terms import detector_terms
from ui.shared.resources import cards, first_model, report, settings
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

    Detectors whose extra is not installed are not listed; the help says how to add them.
    """
    missing = [name for name in DETECTORS if name in NEED_DLIB and not is_installed()]
    models, names = list(cards()), [name for name in DETECTORS if name not in missing]
    left, right = st.columns(2)
    model_id = left.selectbox(
        "Expression model",
        models,
        index=models.index(first_model()),
        format_func=_model_title,
        key=f"{key}_model",
        help="How often a model is right on pictures that it never saw. People: it says what most "
        "of ten people say of FER-2013's small pictures, where they agree. Photos: on RAF-DB's "
        "photos. Labels: by FER-2013's own labels. Model Metrics has the rest.",
    )
    detector = right.selectbox(
        "Face detector",
        names,
        index=names.index(settings().default_detector),
        format_func=lambda name: _DETECTOR_TITLES.get(name, name),
        key=f"{key}_detector",
        help=f"{len(missing)} more can be added. {HOW_TO_ADD}" if missing else None,
    )
    left.caption(learned(model_id), help=cards()[model_id].pretraining or None)
    right.caption(detector_terms(detector, settings().models_dir))
    return model_id, detector


def learned(model_id: str) -> str:
    """From what a model learned, and on what terms it may be used.

    Its card's `pretraining` says what it or its teachers began from.
    """
    card = cards()[model_id]
    names = [data.name.partition(",")[0] for data in (card.data, *card.further_data)]
    return f"Learned from {' and '.join(names)}. {card.licence}"


@dataclass(frozen=True)
class Choice:
    """With what photos are looked at.

    Attributes:
        model_id: of the expression model.
        detector: name of the face detector.
        tiles: whether very small faces are looked for.
        other_model_id: of a second model to compare with, if any.
    """

    model_id: str
    detector: str
    tiles: bool = False
    other_model_id: str | None = None

    @classmethod
    def usual(cls) -> "Choice":
        """What is used as long as nobody chooses."""
        return cls(settings().default_model, settings().default_detector)


def choose_models(key: str) -> Choice:
    """Model, detector, small faces, and a second model to compare with."""
    model_id, detector = choose_model_and_detector(key)
    left, right = st.columns(2, vertical_alignment="bottom")
    others = [name for name in cards() if name != model_id]
    other = left.selectbox(
        "Compare with",
        others,
        index=None,
        placeholder="no other model",
        format_func=_model_title,
        key=f"{key}_other",
    )
    tiles = right.toggle(
        "Very small faces",
        key=f"{key}_tiles",
        help="Looks at the photo in overlapping parts too, as for crowds and class photos. "
        "Takes up to a second a photo.",
    )
    return Choice(model_id, detector, tiles, other)


def _model_title(model_id: str) -> str:
    usual = " (default)" if model_id == settings().default_model else ""
    measured = report(model_id)
    if measured is None:
        return f"{model_id}{usual}"
    if people := measured.get("people"):
        said = f"{percent(people['clear_agreement'])} people"
        for photos in (measured.get("photos") or {}).values():
            said += f", {percent(photos['accuracy'])} photos"
    else:
        said = f"{percent(measured['all']['accuracy'])} labels"
    return f"{model_id}{usual}: {said}"  # fits a phone's width
