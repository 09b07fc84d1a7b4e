"""The first screen: what Mien does, shown on a picture; the ways in; what it cannot tell."""

from dataclasses import replace

import streamlit as st

from core.drawing.photo import draw_analysis
from services.analysis.photos import PhotoResult, analyse_bytes
from ui.faces.card import bars_html
from ui.faces.pictures import jpeg
from ui.photos.results import found_words
from ui.photos.samples import SAMPLES, choose_sample
from ui.runtime.runs import fragment
from ui.shared.resources import analyzer, default_report, settings
from ui.shared.text import percent

_SHOWN_PX = 640
_WAYS = (
    ("photo", "pages/upload.py", "Choose a photo", ":material/add_photo_alternate:"),
    ("webcam", "pages/webcam.py", "Use the webcam", ":material/videocam:"),
)
_LIMITS = """
- **Not what somebody feels.** People scowl in about a third of the cases in which they are angry,
  and smile out of politeness ([Barrett et al. 2019](https://doi.org/10.1177/1529100619832930)).
- **Not who somebody is.** Faces are not recognised, compared or remembered.
- **Nothing to decide about people by.** At work and in education that is prohibited in the EU.
"""


def first_screen() -> None:
    """Render the Home page."""
    st.title("Mien", anchor=False)
    _ways_in_and_live_sample()
    st.header("What it cannot tell", anchor=False)
    st.markdown(_LIMITS)


@fragment
def _ways_in_and_live_sample() -> None:
    """A photo, the webcam or a sample; the sample's result stands beside, as it is given now."""
    words, shown = st.columns([1, 1.1], gap="large")
    with words:
        st.markdown(
            "Finds the faces in a photo and says **what people would call each expression** – and "
            "how sure that is. Nothing is kept unless you want it."
        )
        with st.container(horizontal=True):
            for key, page, label, icon in _WAYS:
                with st.container(key=f"way_{key}", width="stretch"):
                    st.page_link(page, label=label, icon=icon, width="stretch")
        first = next(iter(SAMPLES))
        title = choose_sample("Or try a sample", key="home_sample", default=first) or first
    with shown:
        _sample_result(title)
    st.markdown(_accuracy_sentence())


def _sample_result(title: str) -> None:
    result, picture_jpeg = _analysed(title)
    if result.analysis is None:
        st.error(str(result.error), icon=":material/block:")
        return
    faces, said = result.analysis.faces, found_words([result])
    st.image(picture_jpeg, width="stretch", alt=f"{title}: {said}")
    st.markdown(f"**{said}**")
    if len(faces) == 1 and faces[0].scores is not None:
        st.html(bars_html(faces[0].scores))
    st.caption(SAMPLES[title].about)


@st.cache_resource(show_spinner=False)
def _analysed(title: str) -> tuple[PhotoResult, bytes]:
    """A sample's result and its picture with boxes: nobody's here, so kept for all visitors."""
    limits = settings()
    engine = analyzer(limits.default_model, limits.default_detector)
    result = analyse_bytes(title, SAMPLES[title].path.read_bytes(), engine, limits)
    if result.image_rgb is None or result.analysis is None:
        return result, b""
    drawn = draw_analysis(result.image_rgb, result.analysis, max_side_px=_SHOWN_PX)
    return replace(result, image_rgb=None), jpeg(drawn)


def _accuracy_sentence() -> str:
    report = default_report()
    if report is None:
        return "How often the model is right is measured on pictures that it never saw."
    if people := report.get("people"):
        said = (
            "on test pictures on which most of ten people agree, it agrees with them in "
            f"{percent(people['clear_agreement'])}"
        )
        for name, measured in (report.get("photos") or {}).items():
            said += (
                f", and with the labels of everyday photos ({name.split(',')[0]}) in "
                f"{percent(measured['accuracy'])}"
            )
    else:
        said = (
            f"it says what the label says on {percent(report['all']['accuracy'])} of "
            f"{report['all']['n']:,} test pictures; people do so on about 65\u00a0%"
        )
    return f"**How far to trust it:** {said}. [How that was measured](model_metrics)"
