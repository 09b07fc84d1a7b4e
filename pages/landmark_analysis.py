"""Landmark Analysis: points on a face, what hangs on them, and what the study of them found."""

import streamlit as st

from ui.landmarks.page import photo_section
from ui.landmarks.study import study_section
from ui.runtime.router import through_home
from ui.shared.widgets import choose_part

through_home()

FACE, STUDY = "On a face", "What the study found"

st.title("Landmark Analysis")
st.write(
    "Where the points of a face lie, what they measure, which parts drive the score – and how "
    "much it matters when points are wrong."
)
if choose_part([FACE, STUDY], "landmark_page_view") == FACE:
    photo_section()
else:
    study_section()
