"""A short video file through the pipeline of the live video, with progress."""

import json

import streamlit as st

from core.pictures.video import SUFFIXES
from core.stream import RAW, SmoothingRules
from services.analysis.clips import (
    ClipResult,
    analyse_clip,
    clip_dict,
    clip_limits,
    stream_analyzer,
)
from services.analysis.in_passing import clip_in_passing
from services.analysis.queue import BusyError
from services.store import StoreError
from ui.consent.session import of_session
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import classifier, detector, settings
from ui.webcam.session import webcam_session
from ui.webcam.summary import show_summary

_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]


def clip_section() -> None:
    """Uploader, progress, timeline and files; call only after the notice was agreed to."""
    limits = settings()
    file = st.file_uploader(
        f"A video (MP4, WebM, AVI and others, up to {limits.max_clip_seconds} seconds and "
        f"{limits.max_clip_mb} MB)",
        type=_TYPES,
        max_upload_size=limits.max_clip_mb,
        key="clip_file",
    )
    with st.expander("Model and detector", icon=":material/tune:"):
        model_id, detector_name = choose_model_and_detector("clip")
        smooth = st.toggle("Smooth the scores", value=True, key="clip_smooth")
    if file is None:
        webcam_session().clip = None
        return
    wanted = (file.file_id, model_id, detector_name, smooth)
    known, result = webcam_session().clip or (None, None)
    if known != wanted or result is None or isinstance(result.error, StoreError | BusyError):
        result = _analyse(file.name, file.getvalue(), model_id, detector_name, smooth)
        webcam_session().clip = (wanted, result)
    _show(result, model_id, detector_name)


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
                model_id=model_id, store=store, consent=consent,
            )  # fmt: skip
    except BusyError as error:
        return ClipResult.refused(name, error)
    finally:
        place.empty()


def _show(result: ClipResult, model_id: str, detector_name: str) -> None:
    if result.error is not None or result.info is None:
        st.error(str(result.error), icon=":material/block:")
        return
    for note in result.notes:
        st.info(note, icon=":material/info:")
    if result.key_frame_rgb is not None:
        picture, _ = st.columns([1.25, 1])
        picture.image(
            result.key_frame_rgb, width="stretch", caption="Which face has which number",
            alt="A frame of the video with its faces numbered",
        )  # fmt: skip
    width, height = result.info.size_wh
    speed = result.duration_s / max(result.elapsed_s, 1e-6)
    st.caption(
        f"{width} × {height} pixels, {result.info.codec}; {result.n_frames} frames analysed in "
        f"{result.elapsed_s:.1f} s, {speed:.1f} times as fast as it plays"
    )
    about = clip_dict(result, model_id=model_id, detector=detector_name)
    for name in ("duration_s", "frames", "faces", "timeline"):
        about.pop(name)
    show_summary(
        result.faces, result.rows, duration_s=result.duration_s, n_frames=result.n_frames,
        about=json.loads(json.dumps(about)), key="clip",
    )  # fmt: skip
