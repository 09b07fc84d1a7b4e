"""Entry and router: page config, navigation over pages/, the first screen."""

import streamlit as st

from ui.home import first_screen
from ui.runtime.favicon import favicon
from ui.runtime.operations import start
from ui.runtime.uploads import release_what_is_left

start()
st.set_page_config(page_title="Mien", page_icon=favicon(), layout="wide")

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
release_what_is_left(page.title)
page.run()
