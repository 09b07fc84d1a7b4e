"""What if the points were wrong: a slider, and the crop and scores before and after."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.alignment import alignment, cut, load_template, rotation_deg, scale_of
from core.classify import EmotionClassifier
from core.landmarks.draw import draw_points
from core.landmarks.noise import NOISE_KINDS, perturb
from core.landmarks.schemes import FIVE, IBUG, MESH
from core.types import EmotionScores, Landmarks
from ui.faces import bars_html
from ui.landmark_view import SCHEME_TITLES, FaceView, in_scheme
from ui.resources import classifier, settings
from ui.text import percent

_SEED = "landmark_seed"
_SHOWN_PX = 300
_CROP_SHOWN_PX = 120
_DOT_SIZE = 2.4  # the picture is shown at half its size


@dataclass(frozen=True, eq=False)
class Outcome:
    """One alignment: the points, the crop (s, s, c) and its scores; how the crop was placed."""

    points: Landmarks
    crop: NDArray[np.uint8]
    scores: EmotionScores
    rotation_deg: float
    scale: float


@st.cache_resource(show_spinner=False)
def target(scheme: str) -> NDArray[np.float64]:
    """Where FER-2013's crops have a scheme's points, in shares of the side."""
    template = Landmarks(load_template(settings().models_dir).astype(np.float32), MESH)
    return in_scheme(template, scheme).points_xy.astype(np.float64)


def outcomes(
    view: FaceView, scheme: str, kind: str, level: float, seed: int, model: EmotionClassifier
) -> tuple[Outcome, Outcome | None]:
    """With exact and with wrong points; the second is None where too few points are left."""
    face_input = model.card.face_input
    marks = view.points[scheme]
    rng = np.random.default_rng(seed)
    wrong, kept = perturb(marks.points_xy, scheme, kind, level, rng)
    goal = target(scheme) * face_input.size_px
    matrices = [alignment(marks.points_xy, goal)]
    with suppress(ValueError):  # fewer than two points are left
        matrices.append(alignment(wrong[kept], goal[kept]))
    crops = [cut(view.picture_rgb, matrix, face_input) for matrix in matrices]
    scores = model.scores(face_input.normalise(np.stack(crops)))
    points = [marks, Landmarks(wrong[kept].astype(np.float32), scheme)]
    both = [
        Outcome(p, crop, score, rotation_deg(matrix), scale_of(matrix))
        for p, crop, score, matrix in zip(points, crops, scores, matrices, strict=False)
    ]
    return both[0], both[1] if len(both) > 1 else None


def _another() -> None:
    st.session_state[_SEED] = st.session_state.get(_SEED, 0) + 1


@st.fragment
def whatif_section(view: FaceView, model_id: str) -> None:
    """Slider and both sides; runs by itself, without the rest of the page."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Kind of error", list(NOISE_KINDS), key="whatif_kind", width=180)
        scheme = st.segmented_control(
            "Aligned by", [FIVE, IBUG, MESH], default=FIVE, required=True, key="whatif_scheme",
            format_func={FIVE: "5", IBUG: "68", MESH: "478"}.__getitem__,
        )  # fmt: skip
        st.button("Other errors", on_click=_another, icon=":material/casino:")
    unit = "points" if kind == "dropped" else "inter-ocular distance"
    level = st.slider(f"How wrong, in % of the {unit}", 0, 32, 8, key="whatif_level")
    st.caption(f"{kind.capitalize()}: {NOISE_KINDS[kind]}.")
    before, after = outcomes(
        view, scheme, kind, level / 100, st.session_state.get(_SEED, 0), classifier(model_id)
    )
    left, right = st.columns(2, gap="medium")
    with left:
        _side("Points as found", view, before)
    with right:
        if after is None:
            st.warning("Fewer than two points are left: nothing can be aligned by them.")
            return
        _side(f"Points wrong by {level} %", view, after)
    st.markdown(_sentence(before, after, scheme))


def _side(title: str, view: FaceView, outcome: Outcome) -> None:
    st.markdown(f"**{title}**")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        small = _small(view, outcome.points)
        st.image(small, width=170, output_format="JPEG", alt="The face with its points")
        st.image(
            np.repeat(outcome.crop, 3, axis=2) if outcome.crop.shape[2] == 1 else outcome.crop,
            width=_CROP_SHOWN_PX, output_format="PNG", caption="what the model sees",
        )  # fmt: skip
    st.html(bars_html(outcome.scores))


def _small(view: FaceView, points: Landmarks) -> NDArray[np.uint8]:
    import cv2

    scale = _SHOWN_PX / max(view.picture_rgb.shape[:2])
    height, width = view.picture_rgb.shape[:2]
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    picture = cv2.resize(view.picture_rgb, size_wh, interpolation=cv2.INTER_AREA)
    marks = Landmarks(points.points_xy * scale, points.scheme)
    return draw_points(np.asarray(picture, np.uint8), marks, size=_DOT_SIZE)


def _sentence(before: Outcome, after: Outcome, scheme: str) -> str:
    turned = after.rotation_deg - before.rotation_deg
    turned = (turned + 180) % 360 - 180
    larger = after.scale / before.scale - 1
    first, second = before.scores, after.scores
    if first.top == second.top:
        label = f"still most like {first.top}"
    else:
        label = f"most like **{second.top}** instead of {first.top}"
    share = second.as_dict()[first.top]
    return (
        f"By {SCHEME_TITLES[scheme]} the crop turns by {turned:+.1f}° and grows by "
        f"{100 * larger:+.1f}\u00a0%. The face is {label}; the score of {first.top} goes from "
        f"{percent(first.top_probability)} to {percent(share)}."
    )
