"""What if the points were wrong: a slider, and the crop and scores before and after."""

from typing import Final

import streamlit as st

from core.landmarks.noise import NOISE_KINDS
from core.landmarks.schemes import FIVE, IBUG, MESH
from core.types import EmotionScores
from ui.faces.view import SCHEME_TITLES, FaceView
from ui.landmarks.levels import Alignment, outcomes
from ui.landmarks.slider import slider
from ui.runtime.runs import fragment
from ui.shared.resources import classifier
from ui.shared.text import percent, signed
from ui.shared.widgets import choose

LEVELS: Final = [percents / 100 for percents in range(33)]
_SEED = "landmark_seed"


def _another() -> None:
    st.session_state[_SEED] = st.session_state.get(_SEED, 0) + 1


@fragment
def whatif_section(view: FaceView, model_id: str, above: EmotionScores) -> None:
    """Choices, slider, chart and both sides; runs by itself, and not for moves of the slider.

    `above` are the page's scores of the same face, cut out by the detector's box.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Kind of error", list(NOISE_KINDS), key="whatif_kind", width=180)
        titles = {FIVE: "5", IBUG: "68", MESH: "478"}
        scheme = choose("Aligned by", list(titles), "whatif_scheme", titles=titles.__getitem__)
        st.button("Other errors", on_click=_another, icon=":material/casino:")
    st.caption(f"{kind.capitalize()}: {NOISE_KINDS[kind]}.")
    unit = "points" if kind == "dropped" else "distance between the eyes"
    found = outcomes(
        view, scheme, kind, LEVELS, st.session_state.get(_SEED, 0), classifier(model_id)
    )
    slider(f"How wrong, in % of the {unit}", view.picture_rgb, found, sentences(found, scheme))
    st.caption(why_not_the_same(found[0], above, scheme))


def why_not_the_same(exact: Alignment | None, above: EmotionScores, scheme: str) -> str:
    """Why the score of exact points is not the one above; "" where it is the same."""
    if exact is None:
        return ""
    here = percent(exact.scores.as_dict()[above.top], 1)
    there = percent(above.top_probability, 1)
    if here == there:
        return ""
    return (
        f"With exact points the score of {above.top} is {here} here and {there} above and on "
        f"Upload: there the detector's box cuts the face out, here {SCHEME_TITLES[scheme]} do."
    )


def sentences(found: list[Alignment | None], scheme: str) -> list[str]:
    """What each outcome differs in from the first; empty where there is none."""
    first = found[0]
    assert first is not None
    return ["" if one is None else _sentence(first, one, scheme) for one in found]


def _sentence(before: Alignment, after: Alignment, scheme: str) -> str:
    turned = after.rotation_deg - before.rotation_deg
    turned = (turned + 180) % 360 - 180
    larger = after.scale / before.scale - 1
    first, second = before.scores, after.scores
    if first.top == second.top:
        label = f"still most like {first.top}"
    else:
        label = f"most like {second.top} instead of {first.top}"
    share = second.as_dict()[first.top]
    return (
        f"By {SCHEME_TITLES[scheme]} the crop turns by {signed(turned)}° and "
        f"{'grows' if larger >= 0 else 'shrinks'} by {abs(100 * larger):.1f}\u00a0%. "
        f"The face is {label}; the score of {first.top} goes from "
        f"{percent(first.top_probability, 1)} to {percent(share, 1)}."
    )
