"""Webcam: not finished; says so."""

import streamlit as st

st.title("Webcam")
st.info(
    "Live expressions from the webcam are being built. Until then take a picture with your "
    "camera and analyse it on the Upload page.",
    icon=":material/construction:",
)
