"""Timelines of the seven scores, one plot a face."""

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.emotions import EMOTIONS
from core.stream.timeline import TimelineRow
from ui.shared.charts import expression_look

MAX_FACES: Final = 4
MAX_POINTS: Final = 240
# A longer gap in a face's rows is a gap in its lines.
_GAP_S: Final = 1.5


def timeline_figure(
    rows: Sequence[TimelineRow], *, window_s: tuple[float, float] | None = None
) -> go.Figure:
    """Seven lines for each face, at most `MAX_FACES` of them, the latest ones.

    Args:
        rows: in the order of time.
        window_s: first and last second of the axis; all of the rows if not given.
    """
    numbers = faces_to_show(rows)
    figure = make_subplots(
        rows=max(len(numbers), 1),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.12 / max(len(numbers), 1),
        subplot_titles=[f"Face {number}" for number in numbers] or None,
    )
    for place, number in enumerate(numbers, start=1):
        mine = thinned([r for r in rows if r.face == number and r.probabilities is not None])
        for emotion in EMOTIONS:
            figure.add_trace(_line(mine, emotion, show_legend=place == 1), row=place, col=1)
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    if window_s is not None:
        figure.update_xaxes(range=list(window_s))
    figure.update_yaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1])
    figure.update_xaxes(title_text="seconds", row=max(len(numbers), 1), col=1)
    figure.update_layout(
        height=120 + 160 * max(len(numbers), 1),
        margin={"l": 8, "r": 8, "t": 72, "b": 8},
        legend={"orientation": "h", "yref": "container", "yanchor": "top", "y": 1, "x": 0},
        hovermode="x unified",
        uirevision="live",  # zoom and hidden lines outlive the next update
    )
    return figure


def faces_to_show(rows: Sequence[TimelineRow]) -> list[int]:
    """Numbers of the faces seen last, at most `MAX_FACES`, in order."""
    last_seen = {row.face: row.t_s for row in rows}
    latest = sorted(last_seen, key=lambda face: (-last_seen[face], face))
    return sorted(latest[:MAX_FACES])


def thinned(rows: Sequence[TimelineRow]) -> list[TimelineRow]:
    """At most about `MAX_POINTS` of the rows, evenly, the last one always."""
    step = -(-len(rows) // MAX_POINTS) or 1
    return [*rows[-1::-step]][::-1]


def _line(rows: Sequence[TimelineRow], emotion: str, *, show_legend: bool) -> go.Scatter:
    times: list[float | None] = []
    shares: list[float | None] = []
    index = EMOTIONS.index(emotion)
    for row in rows:
        if times and times[-1] is not None and row.t_s - times[-1] > _GAP_S:
            times.append(None)
            shares.append(None)
        times.append(round(row.t_s, 2))
        probabilities: Any = row.probabilities
        shares.append(round(float(probabilities[index]), 3))
    return go.Scatter(
        x=times,
        y=shares,
        name=emotion,
        legendgroup=emotion,
        showlegend=show_legend,
        mode="lines",
        line=expression_look(emotion).line,
    )
