"""Landmark Analysis: not finished; says so."""

import streamlit as st

from ui.router import through_home

through_home()
st.title("Landmark Analysis")
st.info(
    "The study of how landmark accuracy bears on expression recognition, and a view of the "
    "478 points on a face, are being built.",
    icon=":material/construction:",
)
