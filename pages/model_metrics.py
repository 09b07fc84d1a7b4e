"""Model Metrics: how right each model is, for whom, and on your own data."""

import streamlit as st

from ui.metrics.page import page
from ui.runtime.router import through_home

through_home()
st.title("Model Metrics")
st.write(
    "How often each model is right, which mistakes it makes, for whom it works worse, and how it "
    "does on pictures of your own."
)
page()
