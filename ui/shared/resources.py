"""What all sessions of one process share: settings, models, their reports. Never an image."""

import json
from typing import Any

import streamlit as st

from core.analyzer import Analyzer
from core.config import Settings, load_settings
from core.detection import FaceDetector, create_detector, for_photos
from core.errors import ModelError, damage_is
from core.expression.classify import EmotionClassifier
from core.expression.model_card import ModelCard, load_card, model_ids
from core.expression.quality import QualityModel, load_quality_model
from core.landmarks import FaceLandmarker


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Settings of this process, read once."""
    return load_settings()


@st.cache_resource(show_spinner="Loading the face detector …")
def detector(name: str) -> FaceDetector:
    """The detector called `name`, one for all sessions."""
    return create_detector(name, settings().models_dir)


@st.cache_resource(show_spinner="Loading the expression model …")
def classifier(model_id: str) -> EmotionClassifier:
    """The model called `model_id`, one for all sessions."""
    return EmotionClassifier.load(model_id, settings().models_dir)


@st.cache_resource(show_spinner="Loading the landmark model …")
def landmarker() -> FaceLandmarker:
    """MediaPipe's face mesh, one for all sessions."""
    return FaceLandmarker.load(settings().models_dir)


@st.cache_resource(show_spinner=False)
def quality_model(model_id: str) -> QualityModel | None:
    """What a model makes of poor pictures; None where that was not measured."""
    return load_quality_model(model_id, settings().models_dir)


def analyzer(model_id: str, detector_name: str, *, tiles: bool = False) -> Analyzer:
    """An analyzer of photos over the shared parts; making one costs nothing."""
    return Analyzer(
        for_photos(detector(detector_name), tiles=tiles),
        classifier(model_id),
        None,
        min_face_px=settings().min_face_px,
        quality=quality_model(model_id),
    )


@st.cache_resource(show_spinner=False)
def cards() -> dict[str, ModelCard]:
    """Cards of all shipped expression models, by id."""
    models_dir = settings().models_dir
    return {model_id: load_card(model_id, models_dir) for model_id in model_ids(models_dir)}


def first_model() -> str:
    """Id of the model that is chosen at first: the settings' one, if it is there."""
    default = settings().default_model
    return default if default in cards() else next(iter(cards()))


@st.cache_resource(show_spinner=False)
def report(model_id: str) -> dict[str, Any] | None:
    """`evaluation.json` of a model; None where it has not been evaluated."""
    file = settings().models_dir / model_id / "evaluation.json"
    if not file.exists():
        return None
    with damage_is(ModelError(f"evaluation.json of {model_id!r} is damaged; reinstall Mien.")):
        return {**json.loads(file.read_text(encoding="utf-8"))}


def default_report() -> dict[str, Any] | None:
    """The report of the model that is chosen at first."""
    return report(settings().default_model)
