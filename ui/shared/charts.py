"""Charts as pure functions: tables in, Plotly figures out, all in one style.

One palette (core.drawing.photo.CHART_COLOURS) that is seen at 3:1 on white and on near black, and
never colour alone: series differ in dash and marker too. No figure sets a background, so that each
fits the light and the dark theme; `ui.shared.figures.plot` shows it and gives its texts the
theme's ink.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.drawing.photo import CHART_COLOURS
from core.emotions import EMOTIONS

DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "4px 2px 1px 2px")
SYMBOLS: Final = ("circle", "square", "diamond", "cross", "triangle-up", "x", "star")
# For series that are no expression, such as models: the palette's strongest.
SERIES_COLOURS: Final = tuple(
    CHART_COLOURS[name] for name in ("sad", "angry", "disgust", "fear", "surprise", "neutral")
)
QUIET: Final = "#82878D"  # seen on white and on near black
_LABEL_LETTERS: Final = 22
MIN_IN_MARKER: Final = 10  # a share of fewer says nothing
ConfusionMode = Literal["counts", "rows", "columns"]


@dataclass(frozen=True)
class Look:
    """What tells one series from the others: colour, dash and marker.

    Examples:
        >>> series_look(0).line["dash"], series_look(1).line["dash"]
        ('solid', 'dash')
    """

    colour: str
    dash: str
    symbol: str

    @property
    def line(self) -> dict[str, Any]:
        """For Plotly's `line`."""
        return {"color": self.colour, "dash": self.dash, "width": 2.5}

    def marker(self, size: Any = 10, *, hollow: bool = False) -> dict[str, Any]:
        """For Plotly's `marker`; a hollow one is a ring."""
        if not hollow:
            return {"symbol": self.symbol, "color": self.colour, "size": size}
        ring = {"symbol": f"{self.symbol}-open", "color": self.colour, "size": size}
        return ring | {"line": {"width": 3}}


def series_look(index: int) -> Look:
    """Look of the n-th series that is no expression."""
    colour = SERIES_COLOURS[index % len(SERIES_COLOURS)]
    return Look(colour, DASHES[index % len(DASHES)], SYMBOLS[index % len(SYMBOLS)])


def expression_look(name: str) -> Look:
    """Look of an expression, the same in every chart."""
    index = EMOTIONS.index(name)
    return Look(CHART_COLOURS[name], DASHES[index], SYMBOLS[index])


def filled(index: int) -> dict[str, Any]:
    """For Plotly's `marker`: colour and pattern of the n-th series of bars."""
    pattern = ("", "/", ".", "x", "-", "+")[index % 6]
    return {"color": series_look(index).colour, "pattern": {"shape": pattern}}


def literal(text: object) -> str:
    """A text of outsiders for axes and legends: Plotly reads `<a href=…>` and its like as HTML."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def ink(dark: bool) -> str:
    """Colour of numbers that lie on a chart's cells, as the theme's text."""
    return "#FFFFFF" if dark else "#16212B"


def styled(
    figure: go.Figure,
    x_title: str,
    y_title: str,
    *,
    height: int = 420,
    legend: bool = True,
    percent: str = "",
    top_down: bool = False,
) -> go.Figure:
    """Margins, titles and a legend above the plot, the same for all charts.

    `percent` names the axes of shares, as in "xy"; `top_down` puts the first row on top.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 18, "t": 48 if legend else 16, "b": 8},
        xaxis_title=x_title,
        yaxis_title=y_title,
        showlegend=legend,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
        dragmode=False,
        hovermode="closest",
    )
    for axis, update in (("x", figure.update_xaxes), ("y", figure.update_yaxes)):
        update(automargin=True, tickformat=".0%" if axis in percent else None)
    if top_down:
        figure.update_yaxes(autorange="reversed")
    return figure


def line(look: Look, x: Any, y: Any, hover: str | None = None, **more: Any) -> go.Scatter:
    """A series as a line, with markers where `more` has them."""
    mode = "lines+markers" if "marker" in more else "lines"
    return go.Scatter(x=x, y=y, mode=mode, line=look.line, hovertemplate=hover, **more)


def dots(x: Any, y: Any, hover: str | None = None, **more: Any) -> go.Scatter:
    """A series as markers."""
    return go.Scatter(x=x, y=y, mode="markers", hovertemplate=hover, **more)


def ring(look: Look, x: Any, y: Any, **more: Any) -> go.Scatter:
    """A ring around a place on a series' line, in no legend."""
    marker = look.marker(15, hollow=True)
    return dots(x, y, marker=marker, showlegend=False, hoverinfo="skip", **more)


def heat_map(
    values: NDArray[np.float64],
    texts: Sequence[Sequence[str]],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    dark: bool,
    **look: Any,
) -> go.Figure:
    """Coloured cells (r, c) with their texts; `look` holds colours, range and hover."""
    figure = go.Figure(
        go.Heatmap(z=values, x=columns, y=rows, showscale=False, xgap=2, ygap=2, **look)
    )
    for row, name in enumerate(rows):
        for column, text in enumerate(texts[row]):  # by place: "1" would be taken for the second
            font = {"color": ink(dark)}
            figure.add_annotation(x=column, y=name, text=text, showarrow=False, font=font)
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(showgrid=False)
    return figure


def interval_bars(values: Any, low: Any, high: Any, *, thickness: int = 2) -> dict[str, Any]:
    """Plotly's error bars from `low` to `high` around `values`, all (n,)."""
    values = np.asarray(values, float)
    above, below = np.asarray(high, float) - values, values - np.asarray(low, float)
    bars = {"type": "data", "symmetric": False, "thickness": thickness}
    return bars | {"array": above, "arrayminus": below}


def share_axes(figure: go.Figure) -> None:
    """Both axes from 0 to 100 %, both ends named on a phone, too."""
    figure.update_xaxes(range=[-0.01, 1.01], tickformat=".0%", dtick=0.25)
    figure.update_yaxes(range=[-0.01, 1.01], tickformat=".0%")


def diagonal(name: str = "") -> go.Scatter:
    """A quiet dotted line from corner to corner, in the legend only with a name."""
    return go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name=name,
        showlegend=bool(name),
        hoverinfo="skip",
        line={"color": QUIET, "dash": "dot", "width": 1},
    )


def confusion_values(counts: NDArray[np.int64], mode: ConfusionMode) -> NDArray[np.float64]:
    """Counts, or shares of each row or column; 0 where a row or column is empty."""
    if mode == "counts":
        return counts.astype(float)
    sums = counts.sum(axis=1 if mode == "rows" else 0, keepdims=True)
    return np.asarray(counts / np.maximum(sums, 1))


def confusion_figure(
    counts: NDArray[np.int64], mode: ConfusionMode, *, dark: bool = False
) -> go.Figure:
    """A 7 × 7 map whose cells can be clicked; more colour is more. `dark` fits the numbers.

    Heat maps send no clicks to Streamlit, so one unseen marker lies on each cell.
    """
    values = confusion_values(counts, mode)
    texts = [[f"{v:.0f}" if mode == "counts" else f"{100 * v:.0f}" for v in row] for row in values]
    largest = values.max() or 1
    figure = heat_map(
        values,
        texts,
        EMOTIONS,
        EMOTIONS,
        dark=dark,
        zmin=0,
        zmax=largest,
        hoverinfo="skip",
        # From nothing to blue: what lies under it is the theme's own background.
        colorscale=[[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,1)"]],
    )
    for number, value in enumerate(values.ravel()):
        on_blue = dark or bool(value > 0.55 * largest)
        figure.layout.annotations[number].font = {"color": ink(on_blue), "size": 13}
    figure.add_trace(_clickable_cells(counts, values, mode))
    styled(figure, "judged as", "true label", height=470, legend=False, top_down=True)
    figure.update_layout(clickmode="event+select")
    figure.update_xaxes(side="bottom", tickangle=-35)
    return figure


def _clickable_cells(
    counts: NDArray[np.int64], values: NDArray[np.float64], mode: ConfusionMode
) -> go.Scatter:
    """An unseen marker on each cell, which says its true label and verdict when clicked."""
    texts = [f"{count} images" for count in counts.ravel()]
    if mode != "counts":
        texts = [f"{t}, {share:.1%}" for t, share in zip(texts, values.ravel(), strict=True)]
    cells = [[true, judged] for true in EMOTIONS for judged in EMOTIONS]
    true, judged = zip(*cells, strict=True)
    return dots(
        judged,
        true,
        "true %{y}, judged %{x}: %{text}<extra></extra>",
        name="cells",
        customdata=cells,
        text=texts,
        marker={"symbol": "square", "size": 34, "color": "rgba(0,0,0,0)"},
        selected={"marker": {"color": SERIES_COLOURS[1], "opacity": 0.45}},
        unselected={"marker": {"opacity": 0}},
    )


def histogram_figure(confidence: Any, threshold: float) -> go.Figure:
    """How sure the model was, in tenths, with the threshold under which it says so."""
    counts, edges = np.histogram(confidence, bins=20, range=(0, 1))
    hover = "confidence about %{x:.0%}: %{y} images<extra></extra>"
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure(go.Bar(x=middles, y=counts, width=0.046, hovertemplate=hover))
    figure.update_traces(marker_color=SERIES_COLOURS[0])
    figure.add_vline(
        x=threshold,
        line_dash="dash",
        line_color=SERIES_COLOURS[1],
        annotation_text="uncertain below",
        annotation_position="top left",
        annotation_yanchor="bottom",
    )
    styled(figure, "confidence", "images", height=260, legend=False, percent="x")
    figure.update_xaxes(range=[0, 1.01], dtick=0.25)
    figure.update_layout(margin_t=28)
    return figure


def roc_figure(curves: pd.DataFrame, areas: Mapping[str, float]) -> go.Figure:
    """False against true positives, one line an expression."""
    figure = go.Figure(diagonal())
    titles = "false alarms among other faces", "share recognised"
    return _per_expression(
        figure, curves, "false_positive_rate", "true_positive_rate", areas, titles
    )


def precision_recall_figure(curves: pd.DataFrame, averages: Mapping[str, float]) -> go.Figure:
    """Recall against precision, one line an expression."""
    titles = "share recognised (recall)", "share right (precision)"
    return _per_expression(go.Figure(), curves, "recall", "precision", averages, titles)


def _per_expression(
    figure: go.Figure,
    curves: pd.DataFrame,
    x: str,
    y: str,
    numbers: Mapping[str, float],
    titles: tuple[str, str],
) -> go.Figure:
    """Adds one line an expression, its number beside its name."""
    for name, part in curves.groupby("expression", sort=False):
        title = f"{name} {numbers[str(name)]:.3f}"
        figure.add_trace(line(expression_look(str(name)), part[x], part[y], name=title))
    share_axes(styled(figure, *titles, height=500))
    return figure


def broken(label: str) -> str:
    """A label in short lines, so that a phone has room for what stands beside it."""
    pieces = label.replace(": ", ":\n").splitlines()
    return "<br>".join(literal(part) for piece in pieces for part in wrap(piece, _LABEL_LETTERS))


def reliability_figure(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Confidence against accuracy, one line a model; larger markers hold more, few have none."""
    figure = go.Figure(diagonal("says what is true"))
    for index, (name, whole) in enumerate(tables.items()):
        table = whole[whole["n"] >= MIN_IN_MARKER]  # fewer say nothing; the table below has all
        sizes = 6 + 12 * np.sqrt(table["n"] / max(table["n"].max(), 1)) if len(table) else []
        figure.add_trace(
            line(
                series_look(index),
                table["confidence"],
                table["accuracy"],
                "said %{x:.0%}, right %{y:.0%} of %{customdata} images",
                name=name,
                marker=series_look(index).marker(sizes),
                error_y=interval_bars(table["accuracy"], table["low"], table["high"], thickness=1),
                customdata=table["n"],
            )
        )
    share_axes(styled(figure, "how sure the model says it is", "how often it is right"))
    return figure


def coverage_figure(tables: Mapping[str, pd.DataFrame], threshold: float) -> go.Figure:
    """Share of faces judged against how right those are; a ring marks the threshold."""
    figure = go.Figure()
    hover = "from %{customdata:.2f} on: %{x:.0%} judged, %{y:.0%} right"
    for index, (name, table) in enumerate(tables.items()):
        look, shown = series_look(index), table[table["n"] >= MIN_IN_MARKER]
        at = shown.iloc[(shown["threshold"] - threshold).abs().to_numpy().argsort()[:1]]
        of = {"name": name, "customdata": shown["threshold"]}
        figure.add_trace(line(look, shown["coverage"], shown["accuracy"], hover, **of))
        figure.add_trace(ring(look, at["coverage"], at["accuracy"]))
    titles = "share of faces that are judged", "share of those judged right"
    styled(figure, *titles, percent="xy")
    figure.update_xaxes(range=[-0.01, 1.02], dtick=0.25)
    return figure
