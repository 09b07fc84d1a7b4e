"""Entry and router: page config, navigation over pages/, the first screen."""

from pathlib import Path

import streamlit as st

import ui.runtime
from ui.home import first_screen
from ui.photos.session import leave_page
from ui.runtime.operations import start_or_say
from ui.runtime.runs import run_or_say
from ui.runtime.uploads import release_what_is_left

start_or_say()
RUNTIME = Path(ui.runtime.__file__).parent
# Before the navigation, which else makes the browser fetch the page's icon from Google, who would
# learn of every visit.
st.set_page_config(page_title="Mien", page_icon=RUNTIME / "favicon.png", layout="wide")
PAGES = [
    st.Page(first_screen, title="Home", icon=":material/home:", default=True),
    st.Page("pages/upload.py", title="Upload", icon=":material/add_photo_alternate:"),
    st.Page("pages/webcam.py", title="Webcam", icon=":material/videocam:"),
    st.Page("pages/model_metrics.py", title="Model Metrics", icon=":material/monitoring:"),
    st.Page(
        "pages/landmark_analysis.py", title="Landmark Analysis", icon=":material/scatter_plot:"
    ),
    st.Page("pages/ethics_privacy.py", title="Ethics & Privacy", icon=":material/policy:"),
]

page = st.navigation(PAGES)
if page.title != "Home":
    st.set_page_config(page_title=f"{page.title} · Mien")
st.html(RUNTIME / "frame.css")
if release_what_is_left(page.title):
    leave_page()
run_or_say(page.run)
