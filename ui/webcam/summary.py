"""What a video leaves, live or clip: each face in a line, its timeline, files to take home."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS
from core.expression.answer import times
from core.stream.timeline import FaceSummary, TimelineRow
from services.analysis.clips import rows_csv, video_json
from ui.shared.text import percent
from ui.webcam.charts import timeline_figure


def show_summary(
    faces: Sequence[FaceSummary],
    rows: Sequence[TimelineRow],
    *,
    duration_s: float,
    n_frames: int,
    about: dict[str, Any],
    key: str,
) -> None:
    """Everything below the headline; `key` keeps two summaries on one page apart."""
    people = f"{len(faces)} face" + ("" if len(faces) == 1 else "s")
    st.markdown(f"**{duration_s:.0f} seconds, {n_frames} frames, {people}**")
    if not faces:
        st.info("No face was seen for long enough to be summed up.", icon=":material/face:")
        return
    for face in faces:
        st.markdown(face_sentence(face))
    st.dataframe(summary_table(faces), hide_index=True)
    st.plotly_chart(timeline_figure(rows), key=f"{key}_timeline", config={"displayModeBar": False})
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: rows_csv(rows), f"mien_{key}.csv", "text/csv",
            key=f"{key}_csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "JSON",
            lambda: video_json(
                faces, rows, duration_s=duration_s, n_frames=n_frames, about=about
            ),
            f"mien_{key}.json", "application/json",
            key=f"{key}_json", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def face_sentence(face: FaceSummary) -> str:
    """One line of Markdown about one face."""
    start = f"**Face {face.face}** was seen for {face.seen_s:.1f} s"
    return f"{start}: {times(face.seconds_by_band)}."


def summary_table(faces: Sequence[FaceSummary]) -> pd.DataFrame:
    """One row a face: seconds, mean scores in per cent, changes of the label."""
    rows = []
    for face in faces:
        means = face.mean_shares
        rows.append(
            {
                "face": face.face,
                "seconds": round(face.seen_s, 1),
                "most would say": face.most_seen or "–",
                **{name: percent(means[name]) if name in means else "–" for name in EMOTIONS},
                "label changes": face.n_label_changes,
            }
        )
    return pd.DataFrame(rows)
