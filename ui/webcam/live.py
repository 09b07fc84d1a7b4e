"""Live video: camera on and off, its state in words, figures, faces, timeline and summary."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.emotions import resembles
from core.stream.frames import TrackedFace
from services.analysis.live import LiveFigures
from ui.consent.session import held
from ui.faces.card import bars_html
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.resources import settings
from ui.shared.text import percent
from ui.webcam.camera_gate import camera_answer
from ui.webcam.charts import timeline_figure
from ui.webcam.ice import ice_servers
from ui.webcam.panel import LivePanel, panel, slots
from ui.webcam.state import GRANTED, WORDS, Connection, Signs, connection, suggests_snapshot
from ui.webcam.summary import show_summary
from ui.webcam.webrtc import Link, link

_WINDOW_S = 30.0
_MAX_FACES = 4
_RERUN = "live_rerun"


def live_section(to_snapshot: Callable[[], None]) -> bool:
    """Render the live way of the page; call only after the notice was agreed to.

    Args:
        to_snapshot: switches the page to the snapshot.

    Returns:
        Whether the camera was refused, so that the page should show the snapshot as well.
    """
    mine = panel()
    _controls(mine)
    answer = camera_answer(mine.attempt if mine.wanted else 0)
    state = connection(_signs(mine, answer, Link(False, False)))
    if state.is_refusal:
        mine.stop(refusal=state)
        mine.hanging_up = False
        st.rerun()  # the controls above still offer Stop
    if mine.problem:
        st.error(mine.problem, icon=":material/database_off:")
    elif mine.waiting:
        _wait_for_a_place(to_snapshot)
    elif mine.refusal is not None:
        _say(mine.refusal)
    elif mine.wanted or mine.hanging_up:
        _running(mine, answer, to_snapshot)
    elif mine.session is not None:
        _ended(mine)
    else:
        _say(Connection.IDLE)
    return mine.refusal is not None


def _controls(mine: LivePanel) -> None:
    with st.expander("Model and detector", icon=":material/tune:"):
        model_id, detector = choose_model_and_detector("webcam")
        if mine.wanted:
            st.caption("Another choice counts from the next start on.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if mine.wanted or mine.waiting:
            st.button("Stop", on_click=mine.stop, icon=":material/stop:", type="primary")
        else:
            st.button(
                "Start the camera", on_click=mine.start, args=(model_id, detector),
                icon=":material/videocam:", type="primary",
            )  # fmt: skip
        smooth = st.toggle(
            "Smooth the scores", value=True, key="live_smooth",
            help="Averages the last moments, so that labels do not flicker. "
            "Off: what the model says of each single frame.",
        )  # fmt: skip
        mirror = st.toggle("Mirror", value=True, key="live_mirror")
    mine.set_options(smooth=smooth, mirror=mirror)


def _running(mine: LivePanel, answer: str, to_snapshot: Callable[[], None]) -> None:
    """Video on the left, readings on the right, timeline below; all move by themselves."""
    video, readings = st.columns([1.25, 1], gap="large")
    now = Link(False, False)
    with video:
        if mine.processor is not None:
            # Rendered also after Stop, until the browser has hung up: it does so only if told.
            servers: list[Any] = ice_servers(settings())
            granted = mine.wanted and answer == GRANTED
            now = link(mine.processor, wanted=granted, ice_servers=servers)
        _status(mine, answer, now, to_snapshot)
    mine.was_live = mine.was_live or mine.has_frames
    if mine.wanted and mine.was_live and not now.is_up:
        mine.stop()  # hung up from the browser's side
    if mine.hanging_up and not now.is_up:
        mine.hanging_up = False
        st.rerun()
    with readings:
        _readings(mine)
    _timeline(mine)


def _signs(mine: LivePanel, answer: str, now: Link) -> Signs:
    return Signs(
        wanted=mine.wanted,
        answer=answer,
        # While the browser still reports that it is connecting, pictures may flow already.
        playing=now.is_up,
        has_frames=mine.has_frames,
        was_live=mine.was_live,
        waited_s=mine.waited_s,
    )


@st.fragment(run_every=1.0)
def _status(mine: LivePanel, answer: str, now: Link, to_snapshot: Callable[[], None]) -> None:
    # A consent taken back elsewhere, in another tab or by its code, ends the video here as well.
    if st.session_state.pop(_RERUN, False) or held() is None:
        st.rerun()
    if mine.wanted:
        slots().hold(mine.user)
    signs = _signs(mine, answer, now)
    state = connection(signs)
    _say(state)
    if suggests_snapshot(state, signs.waited_s):
        _offer_snapshot(to_snapshot)


def _say(state: Connection) -> None:
    words = WORDS[state]
    box = {"info": st.info, "success": st.success, "warning": st.warning, "error": st.error}
    box[words.kind](words.text, icon=f":material/{words.icon}:")


def _offer_snapshot(to_snapshot: Callable[[], None]) -> None:
    def go() -> None:
        to_snapshot()
        st.session_state[_RERUN] = True

    st.write("A **snapshot** needs no live connection and works in any network.")
    st.button("Take a snapshot instead", on_click=go, icon=":material/photo_camera:")


@st.fragment(run_every=2.0)
def _wait_for_a_place(to_snapshot: Callable[[], None]) -> None:
    if st.session_state.pop(_RERUN, False):
        st.rerun()
    mine = panel()
    places = slots()
    if mine.waiting and places.hold(mine.user):
        mine.start(
            st.session_state.get("webcam_model", settings().default_model),
            st.session_state.get("webcam_detector", settings().default_detector),
        )
        st.rerun()
    st.info(
        f"All {places.limit} places for live video are taken just now. Yours starts by itself "
        "as soon as one is free; you can leave this page open.",
        icon=":material/hourglass:",
    )
    _offer_snapshot(to_snapshot)


@st.fragment(run_every=0.5)
def _readings(mine: LivePanel) -> None:
    if mine.session is None:
        return
    view = mine.session.view(since_s=0.1)
    if view.frame is not None:
        st.caption(figures_line(view.figures))
    if view.error is not None:
        st.error(view.error, icon=":material/error:")
    faces = () if view.frame is None or not mine.wanted else view.frame.faces
    if view.frame is not None and mine.wanted and not faces:
        st.info("No face in the picture.", icon=":material/face:")
    for face in faces[:_MAX_FACES]:
        st.markdown(live_headline(face))
        if face.scores is not None:
            st.html(bars_html(face.scores.scores))
    if len(faces) > _MAX_FACES:
        st.caption(f"and {len(faces) - _MAX_FACES} more")


def figures_line(figures: LiveFigures) -> str:
    """Speed in one line of Markdown."""
    dropped = percent(figures.n_dropped / max(figures.n_frames, 1))
    return (
        f"**{figures.fps:.0f}** frames a second · latency **{figures.latency_ms:.0f}\u00a0ms** · "
        f"{dropped} of the frames dropped"
    )


def live_headline(face: TrackedFace) -> str:
    """One line of Markdown: what the face resembles now, or why nothing is said."""
    if face.scores is None:
        return f"**Face {face.id}** is too small to be judged; please come closer."
    share = percent(face.scores.label_probability)
    if face.scores.uncertain:
        return f"**Face {face.id}** – **uncertain** (most like {face.scores.label}, {share})"
    return f"**Face {face.id}** {resembles(face.scores.label)} ({share})"


@st.fragment(run_every=1.0)
def _timeline(mine: LivePanel) -> None:
    if mine.session is None or not mine.wanted:
        return
    view = mine.session.view(since_s=_WINDOW_S)
    if view.rows:
        last_s = max(view.duration_s, _WINDOW_S)
        figure = timeline_figure(view.rows, window_s=(last_s - _WINDOW_S, last_s))
        st.plotly_chart(figure, key="live_timeline", config={"displayModeBar": False})


def _ended(mine: LivePanel) -> None:
    """What a video leaves when it is over."""
    if mine.session is None:
        return
    _say(Connection.ENDED if mine.was_live else Connection.IDLE)
    view = mine.session.view()
    if view.frame is None:
        return
    st.subheader("This session")
    figures = view.figures
    show_summary(
        mine.session.summaries(),
        view.rows,
        duration_s=view.duration_s,
        n_frames=figures.n_analysed,
        about={**mine.about, "frames_arrived": figures.n_frames, "dropped": figures.n_dropped},
        key="webcam",
    )
    st.button("Forget this session", on_click=mine.forget, icon=":material/delete:")
