"""Which parts of a face drove its score: an overlay with a legend. Upload shows it too."""

import html
from typing import Any

import streamlit as st

from core.emotions import noun, resembles
from core.explain import Explanation, explain
from core.landmarks.draw import AGAINST, FOR, draw_explanation
from core.types import FaceAnalysis, ImageRGB
from ui.landmark_view import NO_MESH, FaceView, face_view
from ui.resources import classifier, detector
from ui.text import percent

_CLEAR = 0.01  # effects under one point are drawn as none


def explanation_toggle(
    number: int, found: FaceAnalysis, image_rgb: ImageRGB, model_id: str, detector_name: str,
    *, key: str,
) -> None:  # fmt: skip
    """A switch under a face; the overlay is computed when it is on.

    Args:
        number: the face's number in the picture.
        found: the face; nothing is shown for one that is too small to be judged.
        image_rgb: the whole photo.
        model_id: of the expression model.
        detector_name: of the detector that found the face.
        key: unique on the page.
    """
    if found.scores is None:
        return
    if not st.toggle(f"What drove the score of face {number}?", key=key):
        return
    view = face_view(image_rgb, found)
    if view is None:
        st.info(NO_MESH, icon=":material/face_retouching_off:")
        return
    show_explanation(view, model_id, detector_name)


def show_explanation(view: FaceView, model_id: str, detector_name: str) -> None:
    """The overlay, its legend and a sentence of what was found."""
    found = explain(
        view.picture_rgb, view.face, view.points["mediapipe478"],
        classifier(model_id), detector(detector_name).box_geometry,
    )  # fmt: skip
    picture, beside = st.columns([1, 1.15], gap="medium")
    picture.image(
        draw_explanation(view.picture_rgb, found), width="stretch", output_format="JPEG",
        alt=f"Parts of the face by what they do for the score: {_sentence(found)}",
    )  # fmt: skip
    with beside:
        st.markdown(_sentence(found))
        st.html(effects_html(found))
        st.caption(
            "Each part is filled in from its border, one at a time, and the model judges again. "
            "Effects do not add up, and they tell of the model, not of the person."
        )


def effects_html(found: Explanation) -> str:
    """The legend: one signed bar a region, orange to the right is for, blue to the left against.

    Readable by screen readers and in any theme; the sign stands beside the colour.
    """
    largest = max((abs(effect.effect) for effect in found.effects), default=0.0) or 1.0
    rows = []
    for effect in found.effects:
        share = 50 * abs(effect.effect) / largest
        left = 50.0 if effect.effect > 0 else 50 - share
        colour = FOR if effect.effect > 0 else AGAINST
        flips = "" if effect.without == found.emotion else f" → {html.escape(effect.without)}"
        rows.append(
            '<div role="listitem" style="display:grid;grid-template-columns:7rem 1fr 7.2rem;'
            'gap:.5rem;align-items:center;font-size:.875rem">'
            f"<span>{html.escape(effect.region)}</span>"
            '<span style="position:relative;background:rgba(128,128,128,.18);height:.7rem;'
            'border-radius:4px"><span style="position:absolute;left:50%;top:-2px;bottom:-2px;'
            'width:1px;background:currentColor;opacity:.5"></span>'
            f'<span style="position:absolute;height:100%;left:{left:.1f}%;width:{share:.1f}%;'
            f'background:{colour};border-radius:3px"></span></span>'
            '<span style="font-variant-numeric:tabular-nums">'
            f"{100 * effect.effect:+.1f} pts{flips}</span></div>"
        )
    keys = (
        f'<span style="color:{FOR}">■</span> speaks for it (score falls without) &nbsp; '
        f'<span style="color:{AGAINST}">■</span> speaks against it (score rises without)'
    )
    return (
        f'<div style="font-size:.875rem;margin-bottom:.4rem">{keys}</div>'
        '<div role="list" aria-label="Effect of each part of the face on the score" '
        f'style="display:grid;gap:.15rem">{"".join(rows)}</div>'
    )


def _sentence(found: Explanation) -> str:
    """Such as "Happiness has 97 %; without the mouth it would have 21 points less."."""
    start = f"The expression **{resembles(found.emotion)}** by {percent(found.score)}."
    strong = [effect for effect in found.effects if effect.effect > _CLEAR]
    if not strong:
        return (
            f"{start} No single part carries that score: it hardly falls whichever one is covered."
        )
    first = strong[0]
    text = f"{start} Most of it hangs on the **{first.region}**: {_loss(first)} without it."
    if found.flips:
        flip = found.flips[0]
        part: Any = "that" if flip is first else f"the {flip.region}"
        text += f" Without {part} it would sooner resemble {noun(flip.without)}."
    return text.replace("the **outside the face**", "**what lies outside the face**")


def _loss(effect: Any) -> str:
    return f"{100 * effect.effect:.0f} points less"
