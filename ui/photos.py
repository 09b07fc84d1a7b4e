"""The photos of one session: where they come from, their results, how they are forgotten.

Results are kept in the session without pixels; the bytes stay in Streamlit's own memory of the
upload, and pixels are decoded again for what is on the screen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from core.analyzer import Analyzer
from core.config import ROOT
from core.images import decode_image
from core.types import ImageRGB
from services.analyse import PhotoResult, analyse_bytes
from services.store import StoreError
from ui.resources import analyzer, settings

SAMPLES = {
    "Eileen Collins (NASA)": ROOT / "samples" / "astronaut.jpg",
    "Grace Hopper (US Navy)": ROOT / "samples" / "grace_hopper.jpg",
}

_RESULTS, _STOPPED, _GENERATION = "photo_results", "photo_stopped", "photo_generation"


@dataclass(frozen=True)
class Photo:
    """One photo of this session; `read` gives its bytes, `is_sample` says that it is ours."""

    id: str
    name: str
    read: Callable[[], bytes]
    is_sample: bool = False

    def pixels(self) -> ImageRGB:
        """Decode the photo, (height, width, 3); only for photos that were not refused."""
        limits = settings()
        return decode_image(
            self.read(), max_bytes=limits.max_upload_bytes, max_pixels=limits.max_pixels
        ).image_rgb


AnalyseOwn = Callable[[Photo, Analyzer], PhotoResult]


def upload_widgets() -> list[Photo]:
    """The uploaders for files and for a folder; call only after the notice was agreed to."""
    generation = st.session_state.get(_GENERATION, 0)
    types, limit_mb = ["jpg", "jpeg", "png", "webp"], settings().max_upload_mb
    files_tab, folder_tab = st.tabs(["Files", "A folder"])
    files = files_tab.file_uploader(
        f"Photos (JPEG, PNG or WebP, up to {limit_mb} MB each)",
        type=types,
        accept_multiple_files=True,
        max_upload_size=limit_mb,
        key=f"files_{generation}",
    )
    folder = folder_tab.file_uploader(
        "A folder of photos",
        type=types,
        accept_multiple_files="directory",
        max_upload_size=limit_mb,
        key=f"folder_{generation}",
    )
    uploaded = [*(files or []), *(folder or [])]
    return [Photo(file.file_id, file.name, file.getvalue) for file in uploaded]


def sample_photos(chosen: list[str]) -> list[Photo]:
    """The shipped sample pictures of these titles."""
    return [Photo(f"sample:{title}", title, SAMPLES[title].read_bytes, True) for title in chosen]


def forget_photos() -> None:
    """Drop uploads and results: new widget keys make Streamlit release the old files."""
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
    st.session_state.pop(_RESULTS, None)
    st.session_state.pop(_STOPPED, None)


def analyse_photos(
    photos: list[Photo], model_id: str, detector: str, analyse_own: AnalyseOwn
) -> list[tuple[Photo, PhotoResult]]:
    """Each photo with its result, in order, without pixels; shows progress and a way to stop.

    Photos analysed before are not analysed again. After a stop the list is shorter.

    Args:
        photos: of which samples are analysed without further ado, as they are nobody's here.
        model_id: of the expression model.
        detector: name of the face detector.
        analyse_own: analyses a photo of a person, under a consent.
    """
    known: dict[tuple[str, str, str], PhotoResult] = st.session_state.setdefault(_RESULTS, {})
    wanted = {photo.id: (photo.id, model_id, detector) for photo in photos}
    # Results of photos that were taken out of the uploader go too; what failed because the
    # store was busy or full is tried again.
    for key, result in list(known.items()):
        if key[0] not in wanted or isinstance(result.error, StoreError):
            del known[key]
    waiting = [photo for photo in photos if wanted[photo.id] not in known]
    if waiting and not st.session_state.get(_STOPPED, False):
        _run(waiting, len(photos), known, model_id, detector, analyse_own)
    waiting = [photo for photo in photos if wanted[photo.id] not in known]
    if waiting:
        st.warning(f"Stopped: {len(waiting)} of {len(photos)} photos were not analysed.")
        st.button("Go on", on_click=_set_stopped, args=(False,), icon=":material/play_arrow:")
    else:
        _set_stopped(False)
    return [(p, known[wanted[p.id]]) for p in photos if wanted[p.id] in known]


def _run(
    waiting: list[Photo],
    n_photos: int,
    known: dict[tuple[str, str, str], PhotoResult],
    model_id: str,
    detector: str,
    analyse_own: AnalyseOwn,
) -> None:
    engine = analyzer(model_id, detector)
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Analysing …")
        # A click interrupts this loop at its next bar.progress and runs the page again.
        if len(waiting) > 1:
            st.button("Stop", on_click=_set_stopped, args=(True,), icon=":material/stop:")
    n_before = n_photos - len(waiting)
    for done, photo in enumerate(waiting):
        bar.progress(
            (n_before + done) / n_photos,
            text=f"Analysing photo {n_before + done + 1} of {n_photos}",
        )
        if photo.is_sample:
            result = analyse_bytes(photo.name, photo.read(), engine, settings())
        else:
            result = analyse_own(photo, engine)
        known[(photo.id, model_id, detector)] = replace(result, image_rgb=None)
    place.empty()


def _set_stopped(value: bool) -> None:
    st.session_state[_STOPPED] = value
