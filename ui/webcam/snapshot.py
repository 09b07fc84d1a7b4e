"""One picture from the camera by Streamlit's own widget: works wherever the page itself does."""

from urllib.parse import urlsplit

import streamlit as st

from db.types import Way
from ui.consent.session import analyse_in_passing
from ui.photos.results import show_results
from ui.photos.session import Photo
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.resources import analyzer


def snapshot_section(key: str) -> None:
    """Camera, then every face with its seven scores; call only after the notice was agreed to."""
    if not _camera_is_possible(st.context.url or ""):
        st.info(
            "Browsers give the camera to pages over https and on this very computer only, and "
            "this page is neither. Open it by https, or choose a photo instead.",
            icon=":material/no_photography:",
        )
        _link_to_upload("Choose a photo")
        return
    place, _ = st.columns([1.25, 1])
    with place:
        picture = st.camera_input("Take a snapshot", key=f"{key}_camera")
        st.caption("One picture, analysed and shown here, and forgotten with this page.")
    if picture is None:
        _link_to_upload("No camera here? Choose a photo instead")
        return
    with st.expander("Model and detector", icon=":material/tune:"):
        model_id, detector = choose_model_and_detector(key)
    photo = Photo(picture.file_id, "Snapshot", picture.getvalue)
    with st.spinner("Analysing …"):
        result = analyse_in_passing(photo, analyzer(model_id, detector), Way.SNAPSHOT)
    show_results([(photo, result)], model_id, detector)


def _camera_is_possible(url: str) -> bool:
    """Whether browsers call the page's address a secure context (W3C Secure Contexts, 3.1).

    Examples:
        >>> _camera_is_possible("http://localhost:8501"), _camera_is_possible("http://10.0.0.7")
        (True, False)
    """
    address = urlsplit(url)
    host = address.hostname or "localhost"
    local = host == "localhost" or host.endswith(".localhost") or host.startswith("127.")
    return address.scheme != "http" or local or host == "::1"


def _link_to_upload(label: str) -> None:
    st.page_link("pages/upload.py", label=label, icon=":material/add_photo_alternate:")
