"""What wrong points do to one face: the crop that they cut, and its scores."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.expression.classify import EmotionClassifier
from core.landmarks.noise import perturb
from core.landmarks.schemes import MESH
from core.pictures.alignment import (
    Matrix,
    Points,
    alignment,
    cut,
    load_template,
    rotation_deg,
    scale_of,
)
from core.types import EmotionScores, Landmarks
from ui.faces.view import FaceView, in_scheme
from ui.shared.resources import settings


@dataclass(frozen=True, eq=False)
class Alignment:
    """One alignment of a face: points (n, 2) in the view's pixels, those kept, what comes of it.

    `crop`, uint8 (s, s, c), is what the model sees after the picture was turned and enlarged.
    """

    points_xy: NDArray[np.float64]
    kept: NDArray[np.bool_]
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
    view: FaceView,
    scheme: str,
    kind: str,
    levels: list[float],
    seed: int,
    model: EmotionClassifier,
) -> list[Alignment | None]:
    """One outcome a level (0..1), in one batch; None where too few points are left to align by.

    The same seed gives the same errors, larger with the level; see `core.landmarks.noise.perturb`.
    """
    face_input, exact = model.card.face_input, view.points[scheme].points_xy
    goal = target(scheme) * face_input.size_px
    wrong = [perturb(exact, scheme, kind, level, np.random.default_rng(seed)) for level in levels]
    matrices = [_aligned(points[kept], goal[kept]) for points, kept in wrong]
    crops = [
        cut(view.picture_rgb, matrix, face_input) for matrix in matrices if matrix is not None
    ]
    judged = zip(crops, model.scores(face_input.normalise(np.stack(crops))), strict=True)
    return [
        None
        if matrix is None
        else Alignment(points, kept, *next(judged), rotation_deg(matrix), scale_of(matrix))
        for (points, kept), matrix in zip(wrong, matrices, strict=True)
    ]


def _aligned(points_xy: Points, goal_xy: Points) -> Matrix | None:
    """The transform of points (n, 2) to their goal; None where they are too few for one."""
    try:
        return alignment(points_xy, goal_xy)
    except ValueError:
        return None
