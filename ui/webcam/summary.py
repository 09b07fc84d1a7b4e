"""What a video leaves, live or clip: each face in a line, its timeline, files to take home."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS
from core.expression.answer import times
from core.stream.timeline import FaceSummary, TimelineRow
from services.analysis.clips import rows_csv, video_json
from ui.shared.figures import plot
from ui.shared.text import counted_of as counted
from ui.shared.text import percent
from ui.shared.widgets import download
from ui.webcam.charts import band_figure, spans, timeline_figure


def show_summary(
    faces: Sequence[FaceSummary],
    rows: Sequence[TimelineRow],
    *,
    duration_s: float,
    n_frames: int,
    about: dict[str, Any],
    key: str,
    first: Callable[[], None] | None = None,
    more: Callable[[], None] | None = None,
) -> None:
    """The result first, then files, then numbers.

    `first` renders what each face resembled over time; bars and sentences if not given. `more`
    renders further files.
    """
    st.markdown(f"**{counted(round(duration_s), 'second')}, {counted(len(faces), 'face')}**")
    if not faces:
        st.info("No face was seen for long enough to be summed up.", icon=":material/face:")
        return
    if first is not None:
        first()
    else:
        figure = band_figure(spans(rows), duration_s)
        plot(figure, key=f"{key}_bands", alt="What each face resembled over time")
        for face in faces:
            st.markdown(face_sentence(face))
    with st.container(horizontal=True):
        if more is not None:
            more()
        figures = {"duration_s": duration_s, "n_frames": n_frames, "about": about}
        as_json = partial(video_json, faces, rows, **figures)
        download("CSV", partial(rows_csv, rows), f"mien_{key}.csv", key=f"{key}_csv")
        download("JSON", as_json, f"mien_{key}.json", key=f"{key}_json")
    with st.expander("All scores over time", icon=":material/show_chart:"):
        plot(timeline_figure(rows), key=f"{key}_timeline", alt="Seven scores over time, by face")
        st.dataframe(summary_table(faces), hide_index=True, key=f"{key}_faces")


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
