"""Webcam: live video, a snapshot or a clip in; every face with its scores over time out."""

import streamlit as st

from ui.consent import notice
from ui.runtime.router import through_home
from ui.webcam.clip import clip_section, forget_clip
from ui.webcam.live import live_section
from ui.webcam.panel import end_live, forget_live
from ui.webcam.snapshot import snapshot_section

LIVE, SNAPSHOT, CLIP = "Live video", "Snapshot", "Video file"
ICONS = {
    LIVE: ":material/videocam:",
    SNAPSHOT: ":material/photo_camera:",
    CLIP: ":material/movie:",
}
WAY = "webcam_way"


def to_snapshot() -> None:
    """Switch this page to the snapshot; whatever is live ends."""
    end_live()
    st.session_state[WAY] = SNAPSHOT


through_home()
st.title("Webcam")
st.write(
    "Expressions as they change: boxes and scores in the picture, a timeline beside it. "
    "**Nothing is kept.**"
)

if not notice.agreed():
    forget_live()
    forget_clip()
    st.stop()

way = st.segmented_control(
    "How", [LIVE, SNAPSHOT, CLIP], default=LIVE, required=True, key=WAY,
    format_func=lambda name: f"{ICONS[name]} {name}", label_visibility="collapsed",
)  # fmt: skip

if way == LIVE:
    if live_section(to_snapshot):
        st.subheader("Or take a snapshot")
        snapshot_section("refused")
else:
    end_live()
    if way == SNAPSHOT:
        snapshot_section("snapshot")
    else:
        clip_section()

notice.shown_again()
