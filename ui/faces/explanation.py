"""Which parts of a face drove its score: an overlay with a legend. Upload shows it too."""

import html
from dataclasses import replace

import numpy as np
import streamlit as st

from core.drawing.landmarks import AGAINST, FOR, draw_explanation
from core.expression.answer import sentence
from core.expression.explain import (
    SURROUNDINGS,
    WEAK,
    Explanation,
    RegionEffect,
    explain,
    region_outlines,
)
from core.landmarks.schemes import MESH
from core.pictures.quarter_turns import upright
from core.types import Analysis, Answer, FaceAnalysis, ImageRGB
from ui.faces.pictures import jpeg
from ui.faces.view import NO_MESH, FaceView, face_view
from ui.shared.resources import classifier, detector
from ui.shared.text import percent, signed


def face_explained(analysis: Analysis, number: int, image_rgb: ImageRGB) -> None:
    """The overlay for the face of this number, from 1, or a sentence why there is none."""
    standing_rgb, standing = upright(image_rgb, analysis)
    found = standing.faces[number - 1]
    view = face_view(standing_rgb, found)
    if view is None:
        st.info(NO_MESH, icon=":material/face_retouching_off:")
        return
    show_explanation(view, standing_rgb, found, analysis.model_id, analysis.detector)


def show_explanation(
    view: FaceView, image_rgb: ImageRGB, found: FaceAnalysis, model_id: str, detector_name: str
) -> None:
    """The overlay, its legend and a sentence of what was found.

    The model's crop is cut from the whole photo, `image_rgb`.
    """
    explained = explain(
        image_rgb,
        found.face,
        view.original[MESH],
        classifier(model_id),
        detector(detector_name).box_geometry,
    )
    outlines = region_outlines(view.points[MESH].points_xy)
    drawn = replace(
        explained,
        effects=tuple(
            replace(effect, outline_xy=outlines[effect.region].astype(np.float32))
            for effect in explained.effects
        ),
    )
    said = explained_words(explained, found.answer)
    picture, text = st.columns([1, 1.15], gap="medium")
    picture.image(
        jpeg(draw_explanation(view.picture_rgb, drawn)),
        width="stretch",
        alt=f"Parts of the face by what they do for the score. {said.replace('**', '')}",
    )
    with text:
        st.markdown(said)
        st.html(effects_html(explained))
        st.caption(
            "Each part is filled in from its border, one at a time, and the model judges again. "
            "Effects do not add up, and they tell of the model, not of the person."
        )


def effects_html(found: Explanation) -> str:
    """The legend: one signed bar a region, orange to the right is for, blue to the left against.

    Readable by screen readers and in any theme; the sign stands beside the colour.
    """
    everything = (*found.effects, *found.together)
    largest = max((abs(effect.effect) for effect in everything), default=0.0) or 1.0
    rows = []
    for effect in everything:
        share = 50 * abs(effect.effect) / largest
        left = 50.0 if effect.effect > 0 else 50 - share
        colour = FOR if effect.effect > 0 else AGAINST
        flips = "" if effect.without == found.emotion else f" → {html.escape(effect.without)}"
        rows.append(
            f'<div role="listitem"><span>{html.escape(effect.region)}</span><span><span></span>'
            f'<span style="left:{left:.1f}%;width:{share:.1f}%;background:{colour}"></span></span>'
            f"<span>{_points(effect.effect)} pts{flips}</span></div>"
        )
    keys = (
        f'<span style="color:{FOR}">■</span> speaks for it (score falls without) &nbsp; '
        f'<span style="color:{AGAINST}">■</span> speaks against it (score rises without)'
    )
    return (
        f'<div class="mien-effects"><div>{keys}</div><div role="list" '
        f'aria-label="Effect of each part of the face on the score">{"".join(rows)}</div></div>'
    )


def _points(effect: float) -> str:
    """With its sign, and no sign of its own for nothing: "+16.3", "−1.2", "0.0"."""
    return signed(100 * effect) if round(100 * effect, 1) else "0.0"


def explained_words(found: Explanation, answer: Answer) -> str:
    """What carries the share of the label that most people would choose."""
    start = f"{percent(found.score)} of people would say **{found.emotion}**."
    if answer.uncertain:
        said = sentence(answer)
        start = f"{said[0].upper()}{said[1:]}. {start}"
    first = max(found.effects, key=lambda effect: effect.effect)
    if first.effect < WEAK:
        return f"{start} No single part carries that share.{_together(found)}"
    text = f"{start} Of all parts **{_named(first)}** counts most: without it, {_loss(first)}."
    if found.flips:
        flip = found.flips[0]
        part = "that" if flip is first else _named(flip)
        text += f" Without {part} most people would say {flip.without}."
    return text


def _named(effect: RegionEffect) -> str:
    """The region with its article: "the mouth", "what lies outside the face"."""
    if effect.region == SURROUNDINGS:
        return f"what lies {effect.region}"
    return f"the {effect.region}"


def _together(found: Explanation) -> str:
    best = max(found.together, key=lambda effect: effect.effect, default=None)
    if best is None or best.effect < WEAK:
        return " Nor do the eyes with the brows, or the mouth with chin and cheeks."
    return f" Without {best.region} together it has {_loss(best)}."


def _loss(effect: RegionEffect) -> str:
    return f"{100 * effect.effect:.0f} points less"
