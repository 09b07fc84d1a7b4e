"""Ethics & Privacy: not finished; says so."""

import streamlit as st

from ui.router import through_home

through_home()
st.title("Ethics & Privacy")
st.info(
    "Consent records, retention and erasure are being built. Until then nothing is stored: "
    "a photo is analysed in memory and forgotten when you remove it or close the page.",
    icon=":material/construction:",
)
