"""Webcam: live video, a snapshot or a clip in; every face with its scores over time out."""

import streamlit as st

from ui.consent import notice
from ui.runtime.router import through_home
from ui.shared.widgets import choose_part
from ui.webcam.clip import clip_section
from ui.webcam.live import live_section
from ui.webcam.session import forget_webcam, webcam_session
from ui.webcam.snapshot import snapshot_section

LIVE, SNAPSHOT, CLIP = "Live video", "Snapshot", "Video file"
ICONS = {
    LIVE: ":material/videocam:",
    SNAPSHOT: ":material/photo_camera:",
    CLIP: ":material/movie:",
}
WAY = "webcam_way"


def to_snapshot() -> None:
    """Show the snapshot on the next run; whatever is live ends."""
    webcam_session().live.stop()
    webcam_session().way = SNAPSHOT


through_home()
st.title("Webcam")
st.write("Live, or from a video file. **Nothing is kept.**")

if not notice.agreed():
    forget_webcam()
    st.stop()

if webcam_session().way:
    st.session_state[WAY], webcam_session().way = webcam_session().way, ""
way = choose_part(list(ICONS), WAY, titles=lambda name: f"{ICONS[name]} {name}")
if way == LIVE:
    live_section(to_snapshot)
else:
    webcam_session().live.stop()
    if way == SNAPSHOT:
        snapshot_section("snapshot")
    else:
        clip_section()

notice.shown_again()
