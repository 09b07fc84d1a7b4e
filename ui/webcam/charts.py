"""A video over time: a ribbon of what people would say of each face, and lines of its shares."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.drawing.photo import CHART_COLOURS
from core.emotions import EMOTIONS
from core.expression.answer import BANDS, band
from core.stream.timeline import TimelineRow
from ui.shared.charts import expression_look, ink, styled

MAX_FACES: Final = 4
MAX_POINTS: Final = 240
# Hatched like this where colour alone would not do; grey bands are always hatched.
_PATTERNS: Final = dict(zip(BANDS, ("", "/", "\\", "", "x", "-", "", "/", "+", "."), strict=True))
# A longer gap in a face's rows is a gap in its lines.
_GAP_S: Final = 1.5
# Share of a phone's width that a letter takes: words that do not fit their piece are left out.
_CHARACTER: Final = 0.025
_RIBBON: Final = {"y": -0.16, "width": 0.18}


@dataclass(frozen=True)
class Span:
    """From when to when a face was in one band."""

    face: int
    band: str
    start_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        """Half way."""
        return (self.start_s + self.end_s) / 2


def spans(rows: Sequence[TimelineRow]) -> list[Span]:
    """Rows joined where a face stays in one band, by face and time; a gap ends a span."""
    found: list[Span] = []
    for number in sorted({row.face for row in rows}):
        mine = [row for row in rows if row.face == number]
        steps = [b.t_s - a.t_s for a, b in pairwise(mine)]
        step_s = min(sorted(steps)[len(steps) // 2], _GAP_S) if steps else 0.1
        of_face: list[Span] = []
        for row in mine:
            now, end_s = band(row.answer), row.t_s + step_s
            if of_face and row.t_s - of_face[-1].end_s <= _GAP_S:
                stays = now == of_face[-1].band
                of_face[-1] = replace(of_face[-1], end_s=end_s if stays else row.t_s)
                if stays:
                    continue
            of_face.append(Span(number, now, row.t_s, end_s))
        found += of_face
    return found


def band_figure(found: Sequence[Span], duration_s: float) -> go.Figure:
    """One bar a face over the whole video, a piece a span; a click on a piece selects it."""
    figure = go.Figure()
    for name in BANDS:
        pieces = [span for span in found if span.band == name]
        if pieces:
            bar = _pieces(pieces, [f"Face {span.face}" for span in pieces], name, 0.7)
            room_s = duration_s * _CHARACTER * len(name)
            texts = [name if span.end_s - span.start_s > room_s else "" for span in pieces]
            figure.add_trace(bar.update(text=texts))
    faces = [f"Face {number}" for number in sorted({span.face for span in found}, reverse=True)]
    styled(figure, "seconds", "", height=110 + 46 * max(len(faces), 1))
    figure.update_layout(barmode="overlay", clickmode="event+select")
    figure.update_xaxes(range=[0, max(duration_s, 0.5)], showgrid=False)
    return figure.update_yaxes(categoryorder="array", categoryarray=faces)


def _pieces(pieces: Sequence[Span], y: Sequence[Any], name: str, width: float) -> go.Bar:
    lasting = [span.end_s - span.start_s for span in pieces]
    return go.Bar(
        orientation="h",
        y=list(y),
        base=[round(span.start_s, 2) for span in pieces],
        x=[round(seconds, 2) for seconds in lasting],
        width=width,
        name=name,
        customdata=[[span.face, round(span.start_s, 2), round(span.end_s, 2)] for span in pieces],
        textposition="inside",
        insidetextanchor="middle",
        textfont={"color": "#FFFFFF"},
        constraintext="none",
        textangle=0,
        cliponaxis=True,
        marker={
            "color": CHART_COLOURS.get(name, "#5F666D"),
            "line": {"width": 1, "color": ink(dark=True)},
            "pattern": {
                "shape": _PATTERNS[name],
                # Else the colour is left out, and white lies on a light page.
                "fillmode": "overlay",
                "fgcolor": "#FFFFFF",
                "size": 5,
                "solidity": 0.15,
            },
        },
        # Both: with only one of them Plotly (3.x) fails at the click, and nothing is selected.
        selected={"textfont": {"color": "#FFFFFF"}},
        unselected={"marker": {"opacity": 0.75}, "textfont": {"color": "#FFFFFF"}},
        hovertemplate="Face %{customdata[0]}, "
        + name
        + " from %{customdata[1]} to %{customdata[2]} s<extra></extra>",
    )


def timeline_figure(
    rows: Sequence[TimelineRow],
    *,
    window_s: tuple[float, float] | None = None,
    max_faces: int = MAX_FACES,
) -> go.Figure:
    """A ribbon and seven lines for each face, at most `max_faces` of them, the latest ones.

    `window_s` is the first and last second of the axis; all of the rows if not given.
    """
    numbers = faces_to_show(rows, max_faces)
    n_plots = max(len(numbers), 1)
    figure = make_subplots(
        rows=n_plots, cols=1, shared_xaxes=True, vertical_spacing=0.09 / n_plots
    )
    for place, number in enumerate(numbers, start=1):
        mine = [row for row in rows if row.face == number]
        judged = thinned([row for row in mine if row.probabilities is not None])
        for emotion in EMOTIONS:
            figure.add_trace(_line(judged, emotion, show_legend=place == 1), row=place, col=1)
        for trace in _ribbon(spans(mine)):
            figure.add_trace(trace, row=place, col=1)
        figure.update_yaxes(title_text=f"Face {number}", row=place, col=1)
    if window_s is not None:
        figure.update_xaxes(range=list(window_s))
    figure.update_yaxes(
        range=[-0.27, 1.03], tickformat=".0%", tickvals=[0, 0.5, 1], zeroline=False
    )
    figure.update_xaxes(title_text="seconds", row=n_plots, col=1)
    figure.update_layout(
        height=100 + 125 * n_plots,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        barmode="overlay",
        # Below: on a phone the first face's lines are on the first screen.
        legend={"orientation": "h", "yref": "container", "y": 0, "x": 0, "font": {"size": 11}},
        hovermode="closest",
        dragmode=False,
        uirevision="live",  # hidden lines outlive the next update
    )
    return figure


def faces_to_show(rows: Sequence[TimelineRow], max_faces: int = MAX_FACES) -> list[int]:
    """Numbers of the faces seen last, at most `max_faces`, in order."""
    last_seen = {row.face: row.t_s for row in rows}
    latest = sorted(last_seen, key=lambda face: (-last_seen[face], face))
    return sorted(latest[:max_faces])


def thinned(rows: Sequence[TimelineRow]) -> list[TimelineRow]:
    """At most about `MAX_POINTS` of the rows, evenly, the last one always."""
    step = -(-len(rows) // MAX_POINTS) or 1
    return [*rows[-1::-step]][::-1]


def _ribbon(found: Sequence[Span]) -> list[go.Bar]:
    bars = []
    for name in dict.fromkeys(span.band for span in found):
        pieces = [span for span in found if span.band == name]
        bar = _pieces(pieces, [_RIBBON["y"]] * len(pieces), name, _RIBBON["width"])
        bars.append(bar.update(showlegend=False))
    return bars


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
        hovertemplate=f"{emotion} %{{y:.0%}}<extra></extra>",
    )
