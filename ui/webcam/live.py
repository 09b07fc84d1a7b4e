"""Live video: camera on and off, its state in words, readings and timeline beside it, summary."""

from collections.abc import Callable
from typing import Final

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.expression.answer import sentence
from core.stream.frames import TrackedFace
from services.analysis.live import LiveFigures, LiveView
from ui.consent.session import held, show_box
from ui.faces.card import bars_html
from ui.runtime.runs import fragment
from ui.shared.figures import plot
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.resources import classifier, detector, settings
from ui.shared.text import plain
from ui.webcam.camera_gate import camera_answer
from ui.webcam.charts import timeline_figure
from ui.webcam.ice import ice_servers
from ui.webcam.session import LiveVideo, webcam_session
from ui.webcam.snapshot import snapshot_section
from ui.webcam.state import WORDS, State, slow_words, suggests_snapshot
from ui.webcam.summary import show_summary
from ui.webcam.webrtc import link

_WINDOW_S: Final = 30.0
_MAX_FACES: Final = 3
# Streamlit forgets a widget's state when another page is shown; so its absence tells that the
# person comes from there.
_MIRROR: Final = "live_mirror"


def live_section(to_snapshot: Callable[[], None]) -> None:
    """Render the live way of the page; call only after the notice was agreed to."""
    live = webcam_session().live
    if _MIRROR not in st.session_state:
        live.stop()
    _controls(live)
    answer = camera_answer(live.attempt if live.state.runs else 0)
    before = live.state
    live.hear(answer, connected=False, down=False)
    if live.state.runs or live.state is State.QUEUED:
        _running(live, to_snapshot)
    if live.state.runs != before.runs:
        st.rerun()  # the controls above still offer Stop
    if live.state is State.OFF and not live.problem:
        _off(live)
    elif not live.state.runs and live.state is not State.QUEUED:
        _say(live)
    if live.state is State.ENDED:
        _ended(live)
    elif live.state.is_refusal and live.state is not State.UNSUPPORTED:
        st.header("Or take a snapshot", anchor=False)
        snapshot_section("refused")


def _off(live: LiveVideo) -> None:
    video, beside = st.columns([1, 1.05], gap="medium")
    video.html('<div class="mien-no-picture">Your picture appears here</div>')
    with beside:
        _say(live)
        st.markdown(
            "- Every face gets a box and what people would say.\n"
            "- Beside it runs a timeline of the last half minute.\n"
            "- When you stop, it is summed up, for you to take home or to forget."
        )


def _running(live: LiveVideo, to_snapshot: Callable[[], None]) -> None:
    with st.container(key="live_view"):
        video, beside = st.columns([1, 1.05], gap="medium")
    with video:
        if live.processor is not None and live.state.runs:
            # Mounted while the browser still asks for permission; it plays once that is there.
            granted = live.state is not State.ASKING
            now = link(live.processor, wanted=granted, ice_servers=ice_servers(settings()))
            live.hear("", connected=now.playing, down=not now.is_up)
        readings = st.container(key="live_readings")
    with beside:
        _beside(live, live.state, to_snapshot, readings)


def _controls(live: LiveVideo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        place = st.container(width="content")
        with st.popover("Settings", icon=":material/tune:"):
            smooth = st.toggle(
                "Smooth the scores",
                value=True,
                key="live_smooth",
                help="Averages the last moments, so that labels do not flicker. "
                "Off: what the model says of each single frame.",
            )
            mirror = st.toggle("Mirror", value=True, key=_MIRROR)
            model_id, detector_name = choose_model_and_detector("webcam")
            if live.state.runs:
                st.caption("Another choice counts from the next start on.")
    live.smooth(smooth)
    if live.processor is not None:
        live.processor.mirror = mirror
    on = live.state.runs or live.state is State.QUEUED
    # One button with one key: two would both be seen while the page changes.
    place.button(
        "Stop" if on else "Start the camera",
        key="live_button",
        icon=":material/stop:" if on else ":material/videocam:",
        type="primary",
        on_click=live.stop if on else live.start,
        args=() if on else (model_id, detector_name),
    )
    if not on:
        # Loaded while the person reads, so that nobody waits for it after Start.
        detector(detector_name)
        classifier(model_id)


def _say(live: LiveVideo) -> None:
    words = WORDS[live.state]
    text = words.text if not live.problem else plain(live.problem)
    show_box(words.kind, text, icon=f":material/{words.icon}:")


@fragment(run_every=1.0)
def _beside(
    live: LiveVideo, shown: State, to_snapshot: Callable[[], None], readings: DeltaGenerator
) -> None:
    """What moves by itself: state and timeline, and in the place `readings` each face in words."""
    # A consent taken back elsewhere, in another tab or by its code, ends the video here as well.
    if held() is None:
        st.rerun()
    if live.state is State.QUEUED:
        live.start(live.about["model"], live.about["detector"])
    state = live.look()
    if state.runs != shown.runs:
        st.rerun()
    _say(live)
    if suggests_snapshot(state, live.waited_s):
        st.write("A **snapshot** needs no live connection and works in any network.")
        if st.button("Take a snapshot instead", icon=":material/photo_camera:"):
            to_snapshot()
            st.rerun()
    view = None
    if state is State.LIVE and live.session is not None:
        view = live.session.view(since_s=_WINDOW_S)
        _timeline(view)
    with readings:
        # In every run: a place that a fragment left out once is closed to it later (1.67).
        if view is None:
            st.empty()
        else:
            _readings(view)


def _timeline(view: LiveView) -> None:
    if view.error is not None:
        st.error(plain(view.error), icon=":material/error:")
    slow = slow_words(view.figures.fps, view.figures.arriving_fps)
    if slow and view.duration_s > 5:
        st.warning(slow, icon=":material/speed:")
    last_s = max(view.duration_s, _WINDOW_S)
    if view.rows:
        figure = timeline_figure(view.rows, window_s=(last_s - _WINDOW_S, last_s), max_faces=2)
        plot(figure, key="live_timeline", alt="The last half minute of each face")
    st.caption(figures_line(view.figures))


def _readings(view: LiveView) -> None:
    faces = () if view.frame is None else view.frame.faces
    if not faces:
        st.info("No face in the picture.", icon=":material/face:")
    for face in faces[:_MAX_FACES]:
        st.markdown(live_headline(face))
        if face.scores is not None:
            st.html(bars_html(face.scores.scores))
    if len(faces) > _MAX_FACES:
        st.caption(f"and {len(faces) - _MAX_FACES} more")


def figures_line(figures: LiveFigures) -> str:
    """Speed in one line."""
    return (
        f"{figures.fps:.0f} labels a second, each {figures.latency_ms:.0f}\u00a0ms after its "
        "picture came."
    )


def live_headline(face: TrackedFace) -> str:
    """One line of Markdown: what people would say now, or why nothing is said."""
    if face.scores is None:
        return f"**Face {face.id}** is too small to be judged; please come closer."
    return f"**Face {face.id}** – {sentence(face.answer)}"


def _ended(live: LiveVideo) -> None:
    if live.session is None:
        return
    view, latencies_ms = live.session.view(), live.session.latencies_ms()
    st.header("This session", anchor=False)
    figures = view.figures
    show_summary(
        live.session.summaries(),
        view.rows,
        duration_s=view.duration_s,
        n_frames=figures.n_analysed,
        about={
            **live.about,
            "frames_arrived": figures.n_frames,
            "dropped": figures.n_dropped,
            "latency_ms_p95": float(np.percentile(latencies_ms, 95)) if latencies_ms else None,
            "start_steps_ms": live.steps_ms,
        },
        key="webcam",
    )
    st.button("Forget this session", on_click=live.forget, icon=":material/delete:")
