"""A short video file through the pipeline of the live video, with progress."""

from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.pictures.video import SUFFIXES
from core.stream import RAW, SmoothingRules
from db.errors import StoreError
from services.analysis.clip_video import FacesOverTime, annotated_mp4, moment
from services.analysis.clips import (
    ClipResult,
    analyse_clip,
    clip_dict,
    clip_limits,
    stream_analyzer,
)
from services.analysis.in_passing import clip_in_passing
from services.analysis.queue import BusyError
from ui.consent.session import of_session
from ui.runtime.runs import fragment
from ui.runtime.uploads import release_uploads, uploader_key
from ui.shared.figures import clicked, plot
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import classifier, detector, settings
from ui.shared.text import counted_of as counted
from ui.shared.text import plain
from ui.shared.widgets import download
from ui.webcam.charts import band_figure, spans
from ui.webcam.session import webcam_session
from ui.webcam.summary import face_sentence, show_summary

_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]


def clip_section() -> None:
    """Uploader, progress, timeline and files; call only after the notice was agreed to."""
    if st.session_state.get(uploader_key("clip")) is None:
        file = _uploader()
        with st.expander("Model and detector", icon=":material/tune:"):
            model_id, detector_name, smooth = _choices()
    else:  # one bar, so that the result comes first
        with st.expander("Video, model and detector", icon=":material/tune:", key="inputs_clip"):
            file = _uploader()
            model_id, detector_name, smooth = _choices()
    if file is None:
        webcam_session().clip = None
        return
    wanted = (file.file_id, model_id, detector_name, smooth)
    known, result = webcam_session().clip or (None, None)
    if known != wanted or result is None or isinstance(result.error, StoreError | BusyError):
        result = _analyse(file.name, file.getvalue(), model_id, detector_name, smooth)
        webcam_session().clip = (wanted, result)
    _show(file, result, model_id, detector_name)
    refused = result.error is not None
    st.button(
        "Choose another video" if refused else "Forget this video",
        on_click=_forget,
        icon=":material/replay:" if refused else ":material/delete:",
    )


def _uploader() -> UploadedFile | None:
    limits = settings()
    return st.file_uploader(
        f"A video (MP4, WebM, AVI and others, up to {limits.max_clip_seconds} seconds and "
        f"{limits.max_clip_mb} MB)",
        type=_TYPES,
        max_upload_size=limits.max_clip_mb,
        key=uploader_key("clip"),
    )


def _forget() -> None:
    release_uploads()
    webcam_session().clip = None


def _choices() -> tuple[str, str, bool]:
    chosen = choose_model_and_detector("clip")
    return *chosen, st.toggle("Smooth the scores", value=True, key="clip_smooth")


def _analyse(
    name: str, data: bytes, model_id: str, detector_name: str, smooth: bool
) -> ClipResult:
    rules = SmoothingRules() if smooth else RAW
    engine = stream_analyzer(detector(detector_name), classifier(model_id), settings(), rules)
    place = st.empty()
    bar = place.progress(0.0, text="Analysing …")

    def progress(done_s: float, all_s: float) -> None:
        share = min(done_s / all_s, 1.0) if all_s else 0.0
        of = f" of {all_s:.0f}" if all_s else ""
        bar.progress(share, text=f"Analysing second {done_s:.0f}{of}")

    def say_waiting(n_ahead: int) -> None:
        bar.progress(0.0, text=waiting_words(n_ahead))

    store, consent = of_session()
    try:
        with my_turn(say_waiting) as let_others:
            return clip_in_passing(
                name,
                lambda: analyse_clip(
                    name, data, engine, clip_limits(settings()), progress, let_others=let_others
                ),
                model_id=model_id,
                store=store,
                consent=consent,
            )
    except BusyError as error:
        return ClipResult.refused(name, error)
    finally:
        place.empty()


def _show(file: UploadedFile, result: ClipResult, model_id: str, detector_name: str) -> None:
    if result.error is not None or result.info is None:
        st.error(plain(result.error), icon=":material/block:")
        return
    for note in result.notes:
        st.info(plain(note), icon=":material/info:")
    if not result.faces:  # the first note says so
        return
    about = clip_dict(result, model_id=model_id, detector=detector_name)
    elsewhere = {"duration_s", "frames", "faces", "timeline"}
    show_summary(
        result.faces,
        result.rows,
        duration_s=result.duration_s,
        n_frames=result.n_frames,
        about={name: value for name, value in about.items() if name not in elsewhere},
        key="clip",
        first=partial(_over_time, file, result),
        more=partial(_annotated, file, result),
    )
    width, height = result.info.size_wh
    st.caption(
        f"{width} × {height} pixels; {counted(result.n_frames, 'frame')} analysed in "
        f"{result.elapsed_s:.0f} s"
    )


@fragment
def _over_time(file: UploadedFile, result: ClipResult) -> None:
    """A bar a face over time; a click on it, or the slider, shows that moment."""
    found = spans(result.rows)
    event = plot(
        band_figure(found, result.duration_s),
        key="clip_bands",
        on_select="rerun",
        selection_mode="points",
        alt="What each face resembled over time",
    )
    if piece := clicked(event, "clip_bands"):
        st.session_state["clip_second"] = round((piece[1] + piece[2]) / 2, 1)
    picture, words = st.columns([1.25, 1], gap="medium")
    with picture:
        longest = max(found, key=lambda span: span.end_s - span.start_s)
        second = st.slider(
            "Second (or click on the bar above)",
            0.0,
            max(round(result.duration_s, 1), 0.1),
            round(min(longest.middle_s, result.duration_s), 1),
            0.1,
            key="clip_second",
            format="%.1f s",
        )
        image_rgb = moment(file.getvalue(), second, FacesOverTime(result.rows))
        if image_rgb is None:
            image_rgb = result.key_frame_rgb
        if image_rgb is not None:
            st.image(
                image_rgb,
                width="stretch",
                output_format="JPEG",
                alt=f"The video at {second:.1f} seconds, its faces numbered and boxed",
            )
    with words:
        for face in result.faces:
            st.markdown(face_sentence(face))


def _annotated(file: UploadedFile, result: ClipResult) -> None:
    """The clip with its boxes; made when it is asked for, and kept nowhere."""

    def video() -> bytes:
        faces = FacesOverTime(result.rows)
        return annotated_mp4(file.getvalue(), faces, clip_limits(settings()))

    download("Annotated video (MP4)", video, "mien_clip.mp4", icon="movie", key="clip_mp4")
