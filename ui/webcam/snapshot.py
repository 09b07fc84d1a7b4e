"""One picture from the camera by Streamlit's own widget: works wherever the page itself does."""

import streamlit as st

from services.analysis.in_passing import Way
from ui.consent.session import analyse_in_passing
from ui.photos.results import show_results
from ui.photos.session import Photo
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.resources import analyzer


def snapshot_section(key: str) -> None:
    """Camera, then every face with its seven scores; call only after the notice was agreed to.

    Args:
        key: prefix of the widgets' keys, one a place.
    """
    place, _ = st.columns([1.25, 1])
    with place:
        picture = st.camera_input("Take a snapshot", key=f"{key}_camera")
        st.caption("One picture, analysed and shown here, and forgotten with this page.")
    if picture is None:
        st.page_link(
            "pages/upload.py", label="No camera here? Choose a photo instead",
            icon=":material/add_photo_alternate:",
        )  # fmt: skip
        return
    with st.expander("Model and detector", icon=":material/tune:"):
        model_id, detector = choose_model_and_detector(key)
    photo = Photo(picture.file_id, "Snapshot", picture.getvalue)
    with st.spinner("Analysing …"):
        result = analyse_in_passing(photo, analyzer(model_id, detector), Way.SNAPSHOT)
    show_results([(photo, result)], model_id, detector)
