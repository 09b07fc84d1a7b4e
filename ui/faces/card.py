"""One face of a result: its crop, its seven bars, and how far to believe the label."""

import html
from typing import Any

import numpy as np
import streamlit as st

from core.drawing.photo import EMOTION_COLOURS
from core.emotions import EMOTIONS
from core.expression.answer import sentence
from core.types import Answer, EmotionScores, FaceAnalysis, FaceQuality, ImageRGB
from ui.shared.text import percent

_CROP_MARGIN = 0.15
_CROP_SIDE_PX = 160
QUALITY_HELP = (
    "At 80, faces in pictures like this one are judged right 0.8 times as often as in clear ones, "
    "measured on spoilt validation images. The poorer the picture, the more labels are named."
)
_SHOWN_WIDTH_PX = 80


def face_card(
    number: int, face: FaceAnalysis, image_rgb: ImageRGB, report: dict[str, Any] | None
) -> None:
    """Render one face; `number` is the one in the annotated picture."""
    with st.container(border=True):
        with st.container(horizontal=True, gap="medium"):
            st.image(_crop(face, image_rgb), width=_SHOWN_WIDTH_PX, alt=f"Face {number}")
            text = st.container(width="stretch", gap="xsmall")
        with text:
            st.markdown(headline(number, face))
            if face.scores is not None:
                st.caption(believability(face.answer, report))
            if face.quality is not None:
                st.caption(quality_words(face.quality), help=QUALITY_HELP)
        if face.scores is not None:
            st.html(bars_html(face.scores))


def quality_words(quality: FaceQuality) -> str:
    """Such as "Picture quality 62 of 100: blurred"."""
    flaw = f": {quality.flaw}" if quality.flaw else ""
    return f"Picture quality {100 * quality.score:.0f} of 100{flaw}"


def headline(number: int, face: FaceAnalysis) -> str:
    """One line of Markdown: what people would say, or why nothing is said."""
    if face.scores is None:
        height_px = face.face.box.size_wh[1]
        return f"**Face {number}** is {height_px:.0f} pixels high: too small to be judged."
    return f"**Face {number}** – {sentence(face.answer)}"


def believability(answer: Answer, report: dict[str, Any] | None) -> str:
    """How often the model is right when this label is its first, and on which faces."""
    if report is None:
        return "This model has not been evaluated; do not rely on it."
    precision, measured_on = precision_of(report, str(answer.top))
    if precision is None:
        return f'This model never said "{answer.top}" in its test; do not rely on it.'
    first = " first" if answer.uncertain else ""
    return (
        f'When this model says "{answer.top}"{first} it is right in {percent(precision)} of the '
        f"cases ({measured_on})."
    )


def precision_of(report: dict[str, Any], label: str) -> tuple[float | None, str]:
    """How often a label named first is right, on the faces nearest to those of users; which.

    Photos come before what people say of FER-2013's test images, and that before its own labels.
    """
    for name, measured in (report.get("photos") or {}).items():
        return measured["per_class"][label]["precision"], f"{name}, test photos"
    people = (report.get("people") or {}).get("precision")
    if people:
        return people[label], "FER-2013's test images, majority of ten people"
    return report["all"]["per_class"][label]["precision"], "FER-2013's own labels, test split"


def bars_html(scores: EmotionScores) -> str:
    """Shares of people as seven bars in HTML, the largest in bold; for any theme and reader."""
    rows = []
    for emotion in EMOTIONS:
        share = scores.as_dict()[emotion]
        weight = "600" if emotion == scores.top else "400"
        rows.append(
            f'<div role="listitem" style="display:grid;grid-template-columns:5rem 1fr 3.2rem;'
            f'gap:.5rem;align-items:center;font-weight:{weight};font-size:.875rem">'
            f"<span>{html.escape(emotion)}</span>"
            f'<span style="background:rgba(128,128,128,.18);border-radius:4px;height:.7rem">'
            f'<span style="display:block;height:100%;border-radius:4px;'
            f'width:{100 * share:.1f}%;background:{EMOTION_COLOURS[emotion]}"></span></span>'
            f'<span style="text-align:right;font-variant-numeric:tabular-nums">'
            f"{percent(share, 1)}</span></div>"
        )
    return (
        '<div role="list" aria-label="What share of people would say each expression" '
        f'style="display:grid;gap:.15rem">{"".join(rows)}</div>'
    )


def _crop(face: FaceAnalysis, image_rgb: ImageRGB) -> ImageRGB:
    """The face with a little around it, at most `_CROP_SIDE_PX` wide."""
    import cv2

    height, width = image_rgb.shape[:2]
    box = face.face.box
    margin = _CROP_MARGIN * max(box.size_wh)
    x_min, y_min = max(int(box.x_min - margin), 0), max(int(box.y_min - margin), 0)
    x_max = max(min(int(box.x_max + margin), width), x_min + 1)
    y_max = max(min(int(box.y_max + margin), height), y_min + 1)
    crop = image_rgb[y_min:y_max, x_min:x_max]
    scale = _CROP_SIDE_PX / max(crop.shape[1], 1)
    size_wh = (_CROP_SIDE_PX, max(round(crop.shape[0] * scale), 1))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, size_wh, interpolation=method), np.uint8)
