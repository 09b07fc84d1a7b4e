"""The photos of one session: where they come from, their results, how they are forgotten.

Results are kept in the session without pixels; the bytes stay in Streamlit's own memory of the
upload. What is on the screen is drawn and encoded once, right after the analysis, and goes when
another page is opened.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.analyzer import Analyzer
from core.errors import MienError
from core.pictures.archive import ZipPictures, ZipRefusedError, open_zip
from core.pictures.files.kinds import FORMAT_WORDS, SUFFIXES, is_leftover
from core.types import ImageRGB
from db.errors import StoreError
from services.analysis.photos import PhotoResult, analyse_bytes
from services.analysis.queue import BusyError
from ui.faces.pictures import Shown, shown_of
from ui.photos.samples import SAMPLES
from ui.runtime.uploads import release_uploads, uploader_key
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import analyzer, settings
from ui.shared.state import remembered

MANY = 12  # more photos than these are shown as a grid of faces and a table
MAX_MANY = 2000
_MAX_ZIP_MB = 200


# Kinds of uploader with the titles of their tabs.
_WAYS: Final = {"files": "Files", "folder": "A folder", "zip": "Many photos (ZIP)"}
SAMPLE_KEY: Final = "sample"
_SAMPLE: Final = "sample:"


@dataclass(frozen=True)
class Photo:
    """One photo of this session; `read` raises MienError where its bytes cannot be had."""

    id: str
    name: str
    read: Callable[[], bytes]
    is_sample: bool = False

    def pixels(self) -> ImageRGB:
        """Decode the photo, (height, width, 3); only for photos that were not refused."""
        return settings().picture_limits.decode(self.read()).image_rgb


@dataclass
class PhotosState:
    """What the page remembers of its photos.

    Attributes:
        results: what came of each photo, without pixels.
        stopped: whether the person stopped the analysis.
        archive: the ZIP by its id, checked once and not at every click.
        shown: what is on the screen of a result, drawn and encoded once; goes with the page.
        left: results of photos that went when the page was left.
        sample: title of the sample that was chosen, for the way back to this page.
    """

    results: dict["_Key", PhotoResult] = field(default_factory=dict)
    stopped: bool = False
    archive: tuple[str, ZipPictures] | None = None
    shown: dict[PhotoResult, Shown] = field(default_factory=dict)
    left: list[PhotoResult] = field(default_factory=list)
    sample: str | None = None


# A result belongs to a photo, a model, a detector, and whether small faces were looked for.
_Key = tuple[str, str, str, bool]
AnalyseOwn = Callable[[Photo, Analyzer], PhotoResult]


def upload_widgets() -> list[Photo]:
    """The uploaders; call only after the notice was agreed to."""
    limit_mb = settings().max_upload_mb
    # The bar opens where the photos are.
    way_taken = _WAYS[next(iter(_filled()), "files")]
    files_tab, folder_tab, zip_tab = st.tabs(list(_WAYS.values()), default=way_taken)
    files = files_tab.file_uploader(
        f"Photos ({FORMAT_WORDS}, up to {limit_mb} MB each)",
        accept_multiple_files=True,  # of any type: what is no photo is told why, and counted
        max_upload_size=limit_mb,
        key=uploader_key("files"),
    )
    folder = folder_tab.file_uploader(
        "A folder of photos",
        type=[suffix[1:] for suffix in SUFFIXES],
        accept_multiple_files="directory",
        max_upload_size=limit_mb,
        key=uploader_key("folder"),
    )
    # The browser leaves them out by their names: nobody's letters are sent along.
    folder_tab.caption(f"{FORMAT_WORDS} files are sent; all others of the folder stay with you.")
    with zip_tab:
        many = _zip_photos()
    of_folder = sorted(folder or [], key=lambda file: file.name)
    # A ZIP's leftovers are passed over, too, without a word.
    uploaded = [*(files or []), *(file for file in of_folder if not is_leftover(file.name))]
    return [*(Photo(file.file_id, file.name, _reader(file)) for file in uploaded), *many]


def _filled() -> list[str]:
    """Kinds of uploaders that hold something."""
    return [kind for kind in _WAYS if st.session_state.get(uploader_key(kind))]


def _reader(file: UploadedFile) -> Callable[[], bytes]:
    return _other_tab if file.name.lower().endswith(".zip") else file.getvalue


def _other_tab() -> bytes:
    raise ZipRefusedError("A ZIP belongs under “Many photos (ZIP)”; please take it there.")


def _zip_photos() -> list[Photo]:
    """The uploader for a ZIP; its pictures are unpacked one after another, in memory."""
    state = remembered(PhotosState)
    title = f"A ZIP of photos (up to {MAX_MANY:,} photos and {_MAX_ZIP_MB} MB)"
    archive = st.file_uploader(
        title, type=["zip"], max_upload_size=_MAX_ZIP_MB, key=uploader_key("zip")
    )
    if archive is None:
        st.caption("For albums: a chart, the faces side by side and a table of all photos.")
        state.archive = None
        return []
    known = state.archive
    try:
        if known is None or known[0] != archive.file_id:
            limit = settings().max_upload_bytes
            known = (archive.file_id, open_zip(archive.getvalue(), max_file_bytes=limit))
            state.archive = known
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
    ids = archive.file_id
    return [Photo(f"{ids}/{name}", name, partial(pictures.read, name)) for name in names]


def passed_over() -> str:
    """What is said of the files of ZIP or folder that are no photos; "" where there are none.

    Of a folder's the browser tells nothing, not even how many there are.
    """
    archive = remembered(PhotosState).archive
    of_zip = "" if archive is None else archive[1].passed_over()
    of_folder = f"Of the folder, {FORMAT_WORDS} files were looked at; any others stayed with you."
    return " ".join(filter(None, [of_folder if "folder" in _filled() else "", of_zip]))


def sample_photos(chosen: list[str]) -> list[Photo]:
    """The shipped sample pictures of these titles."""
    return [
        Photo(f"{_SAMPLE}{title}", title, SAMPLES[title].path.read_bytes, True) for title in chosen
    ]


def remembered_sample() -> str | None:
    """Title of the sample that is chosen, or was when the page was left."""
    state = remembered(PhotosState)
    if SAMPLE_KEY in st.session_state:
        state.sample = st.session_state[SAMPLE_KEY]
    return state.sample


def any_own() -> bool:
    """Whether own photos are to be shown in this run, as the uploaders stand before it."""
    return bool(remembered(PhotosState).left or _filled())


def forget_photos() -> None:
    """Drop uploads and results."""
    release_uploads()
    state = remembered(PhotosState)
    state.results, state.shown, state.left = {}, {}, []
    state.stopped, state.archive = False, None


def forget_all() -> None:
    """Drop the sample, too: the page is as at first."""
    forget_photos()
    remembered(PhotosState).sample = None
    st.session_state.pop(SAMPLE_KEY, None)


def forget_own_photos() -> None:
    """Drop what belongs to a person, who does not agree; a sample's result stays."""
    if any(not key[0].startswith(_SAMPLE) for key in remembered(PhotosState).results):
        forget_photos()


def leave_page() -> None:
    """Drop all pictures when another page is opened; what was found stays until forgotten."""
    state = remembered(PhotosState)
    own = [result for key, result in state.results.items() if not key[0].startswith(_SAMPLE)]
    state.left = own or state.left
    state.results, state.shown, state.archive, state.stopped = {}, {}, None, False


def left_results() -> list[PhotoResult]:
    """Results whose photos went when the page was left; none once there are new ones."""
    return remembered(PhotosState).left


def shown(photo: Photo, result: PhotoResult, *, faces_only: bool = False) -> Shown:
    """What is on the screen of a result, drawn at its first look; for photos not refused."""
    state = remembered(PhotosState)
    known = state.shown.get(result)
    if known is None or (known.picture_jpeg is None and not faces_only):
        if result.analysis is None:
            raise ValueError(f"{result.name} was refused: there is nothing to show of it")
        state.shown[result] = shown_of(photo.pixels(), result.analysis)
    return state.shown[result]


def analyse_photos(
    photos: list[Photo],
    model_id: str,
    detector: str,
    analyse_own: AnalyseOwn,
    *,
    tiles: bool = False,
) -> list[tuple[Photo, PhotoResult]]:
    """Each photo with its result, in order, without pixels; shows progress and a way to stop.

    Photos analysed before are not analysed again. After a stop the list is shorter. Samples, which
    are nobody's here, are analysed without further ado, a person's by `analyse_own`, under a
    consent.
    """
    state = remembered(PhotosState)
    known = state.results
    wanted: dict[str, _Key] = {p.id: (p.id, model_id, detector, tiles) for p in photos}
    # Results of photos that were taken out of the uploader go too; what failed because the
    # store or the analyzer was busy is tried again.
    for key, result in list(known.items()):
        if key[0] not in wanted or isinstance(result.error, StoreError | BusyError):
            del known[key]
            state.shown.pop(result, None)
    if any(not photo.is_sample for photo in photos):
        state.left = []
    waiting = [photo for photo in photos if wanted[photo.id] not in known]
    if waiting and not state.stopped:
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
        kept = replace(result, image_rgb=None)
        if result.image_rgb is not None and result.analysis is not None:
            # Here, where the pixels are at hand: nothing is decoded again to be shown.
            remembered(PhotosState).shown[kept] = shown_of(
                result.image_rgb, result.analysis, faces_only=n_photos > MANY
            )
        yield photo, kept
    place.empty()


def _set_stopped(value: bool) -> None:
    remembered(PhotosState).stopped = value
