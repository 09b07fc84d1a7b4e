"""Model Metrics: not finished; says so."""

import streamlit as st

st.title("Model Metrics")
st.info(
    "Confusion matrices, calibration and bias breakdowns are being built. Until then "
    "`mien models` prints the measures of every shipped model, and `models/<id>/README.md` "
    "explains them.",
    icon=":material/construction:",
)
