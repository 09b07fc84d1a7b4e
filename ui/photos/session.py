"""The photos of one session: where they come from, their results, how they are forgotten.

Results are kept in the session without pixels; the bytes stay in Streamlit's own memory of the
upload, and pixels are decoded again for what is on the screen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from core.analyzer import Analyzer
from core.config import ROOT
from core.errors import MienError
from core.pictures.archive import ZipPictures, ZipRefusedError, open_zip
from core.pictures.kinds import FORMAT_WORDS, SUFFIXES
from core.types import ImageRGB
from services.analysis.photos import PhotoResult, analyse_bytes
from services.analysis.queue import BusyError
from services.store import StoreError
from ui.runtime.uploads import release_uploads
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import analyzer, settings

SAMPLES = {
    "Eileen Collins (NASA)": ROOT / "samples" / "astronaut.jpg",
    "Grace Hopper (US Navy)": ROOT / "samples" / "grace_hopper.jpg",
}

MAX_MANY = 2000
_MAX_ZIP_MB = 200

_RESULTS, _STOPPED, _GENERATION = "photo_results", "photo_stopped", "photo_generation"
_ZIP = "photo_zip"  # checked once, not at every click; goes with the upload


@dataclass(frozen=True)
class Photo:
    """One photo of this session.

    Attributes:
        id: unique in the session.
        name: of the file.
        read: gives its bytes; raises MienError where they cannot be had.
        is_sample: whether it is ours and nobody's here.
        is_one_of_many: whether it came in a ZIP and is shown as a row of a table.
    """

    id: str
    name: str
    read: Callable[[], bytes]
    is_sample: bool = False
    is_one_of_many: bool = False

    def pixels(self) -> ImageRGB:
        """Decode the photo, (height, width, 3); only for photos that were not refused."""
        return settings().picture_limits.decode(self.read()).image_rgb


# A result belongs to a photo, a model, a detector, and whether small faces were looked for.
_Key = tuple[str, str, str, bool]
AnalyseOwn = Callable[[Photo, Analyzer], PhotoResult]


def upload_widgets() -> list[Photo]:
    """The uploaders; call only after the notice was agreed to."""
    generation = st.session_state.get(_GENERATION, 0)
    types, limit_mb = [suffix[1:] for suffix in SUFFIXES], settings().max_upload_mb
    files_tab, folder_tab, zip_tab = st.tabs(["Files", "A folder", "Many photos (ZIP)"])
    files = files_tab.file_uploader(
        f"Photos ({FORMAT_WORDS}, up to {limit_mb} MB each)",
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
    with zip_tab:
        many = _zip_photos(f"zip_{generation}")
    uploaded = [*(files or []), *(folder or [])]
    return [*(Photo(file.file_id, file.name, file.getvalue) for file in uploaded), *many]


def _zip_photos(key: str) -> list[Photo]:
    """The uploader for a ZIP; its pictures are unpacked one after another, in memory."""
    archive = st.file_uploader(
        f"A ZIP of photos (up to {MAX_MANY:,} photos and {_MAX_ZIP_MB} MB)",
        type=["zip"],
        max_upload_size=_MAX_ZIP_MB,
        key=key,
    )
    if archive is None:
        st.caption("For albums: one table for all photos instead of a picture and bars for each.")
        st.session_state.pop(_ZIP, None)
        return []
    known: tuple[str, ZipPictures] | None = st.session_state.get(_ZIP)
    try:
        if known is None or known[0] != archive.file_id:
            limit = settings().max_upload_bytes
            known = (archive.file_id, open_zip(archive.getvalue(), max_file_bytes=limit))
            st.session_state[_ZIP] = known
    except ZipRefusedError as error:
        st.error(str(error), icon=":material/block:")
        return []
    pictures = known[1]
    names = pictures.pictures()
    if not names or len(names) > MAX_MANY:
        st.error(
            f"The ZIP holds {len(names):,} {FORMAT_WORDS} files; it should be 1 to "
            f"{MAX_MANY:,}. For more there is the command `mien batch`.",
            icon=":material/block:",
        )
        return []
    if others := pictures.passed_over():
        st.caption(others)
    return [
        Photo(f"{archive.file_id}/{name}", name, partial(pictures.read, name), False, True)
        for name in names
    ]


def sample_photos(chosen: list[str]) -> list[Photo]:
    """The shipped sample pictures of these titles."""
    return [Photo(f"sample:{title}", title, SAMPLES[title].read_bytes, True) for title in chosen]


def forget_photos() -> None:
    """Drop uploads and results; new widget keys make the uploaders empty."""
    release_uploads()
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
    st.session_state.pop(_RESULTS, None)
    st.session_state.pop(_STOPPED, None)
    st.session_state.pop(_ZIP, None)


def analyse_photos(
    photos: list[Photo],
    model_id: str,
    detector: str,
    analyse_own: AnalyseOwn,
    *,
    tiles: bool = False,
) -> list[tuple[Photo, PhotoResult]]:
    """Each photo with its result, in order, without pixels; shows progress and a way to stop.

    Photos analysed before are not analysed again. After a stop the list is shorter.

    Args:
        photos: of which samples are analysed without further ado, as they are nobody's here.
        model_id: of the expression model.
        detector: name of the face detector.
        analyse_own: analyses a photo of a person, under a consent.
        tiles: whether very small faces are looked for.
    """
    known: dict[_Key, PhotoResult] = st.session_state.setdefault(_RESULTS, {})
    wanted: dict[str, _Key] = {p.id: (p.id, model_id, detector, tiles) for p in photos}
    # Results of photos that were taken out of the uploader go too; what failed because the
    # store or the analyzer was busy is tried again.
    for key, result in list(known.items()):
        if key[0] not in wanted or isinstance(result.error, StoreError | BusyError):
            del known[key]
    waiting = [photo for photo in photos if wanted[photo.id] not in known]
    if waiting and not st.session_state.get(_STOPPED, False):
        done = _run(waiting, len(photos), analyzer(model_id, detector, tiles=tiles), analyse_own)
        for photo, result in done:
            known[wanted[photo.id]] = result
    waiting = [photo for photo in photos if wanted[photo.id] not in known]
    if waiting:
        st.warning(f"Stopped: {len(waiting)} of {len(photos)} photos were not analysed.")
        st.button("Go on", on_click=_set_stopped, args=(False,), icon=":material/play_arrow:")
    else:
        _set_stopped(False)
    return [(p, known[wanted[p.id]]) for p in photos if wanted[p.id] in known]


def _run(
    waiting: list[Photo], n_photos: int, engine: Analyzer, analyse_own: AnalyseOwn
) -> Iterator[tuple[Photo, PhotoResult]]:
    """Each waiting photo with its result as soon as it is there, for a click may end the run."""
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Analysing …")
        # A click interrupts this loop at its next bar.progress and runs the page again.
        if len(waiting) > 1:
            st.button("Stop", on_click=_set_stopped, args=(True,), icon=":material/stop:")
    n_before = n_photos - len(waiting)
    share = 0.0

    def say_waiting(n_ahead: int) -> None:
        bar.progress(share, text=waiting_words(n_ahead))

    for done, photo in enumerate(waiting, start=n_before):
        share = done / n_photos
        bar.progress(share, text=f"Analysing photo {done + 1} of {n_photos}")
        try:
            with my_turn(say_waiting):
                if photo.is_sample:
                    result = analyse_bytes(photo.name, photo.read(), engine, settings())
                else:
                    result = analyse_own(photo, engine)
        except MienError as error:  # too many wait, or the ZIP is damaged at this photo
            result = PhotoResult.refused(photo.name, error)
        yield photo, replace(result, image_rgb=None)
    place.empty()


def _set_stopped(value: bool) -> None:
    st.session_state[_STOPPED] = value
