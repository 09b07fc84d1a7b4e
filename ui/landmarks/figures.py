"""Figures of the landmark study: rows of models/studies/landmarks.json in, Plotly out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ui.shared.charts import (
    QUIET,
    SERIES_COLOURS,
    broken,
    dots,
    filled,
    interval_bars,
    line,
    series_look,
    styled,
)

Rows = Sequence[Mapping[str, Any]]
_ERROR = "mean error, in distances between the eyes"


def _bars(rows: Rows, value: str, interval: str, *, thickness: int = 2) -> dict[str, Any]:
    """Error bars of rows whose `interval` is a pair around their `value`."""
    low, high = zip(*(row[interval] for row in rows), strict=True)
    return interval_bars([row[value] for row in rows], low, high, thickness=thickness)


def _dots(rows: Rows, x: str, y: str, interval: str, *, form: str = ".1%", **look: Any) -> Any:
    """A marker a row at its `x`, with its interval; `look` may replace name and marker."""
    look = {"marker": series_look(0).marker(12), "name": ""} | look
    names, hover = [str(row[y]) for row in rows], f"%{{y}}: %{{x:{form}}}"
    return dots([row[x] for row in rows], names, hover, error_x=_bars(rows, x, interval), **look)


def error_curves(curves: Mapping[str, Mapping[str, list[float]]], limit: float) -> go.Figure:
    """Share of faces with at most each error, one line a method; a line marks failure."""
    figure, hover = go.Figure(), "%{y:.1%} of the faces within %{x:.1%}"
    for index, (name, curve) in enumerate(curves.items()):
        figure.add_trace(
            line(series_look(index), curve["error"], curve["share"], hover, name=name)
        )
    figure.add_vline(x=limit, line_dash="dot", line_color=QUIET)
    styled(figure, _ERROR, "share of all faces", percent="xy")
    return figure.update_yaxes(range=[0, 1.02])


def region_errors(methods: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Mean error of each part of the face, one marker a method."""
    figure = go.Figure()
    for index, (name, method) in enumerate(methods.items()):
        regions, errors = zip(*method["by_region"].items(), strict=True)
        marker = series_look(index).marker(12)
        figure.add_trace(dots(errors, regions, "%{y}: %{x:.2%}", name=name, marker=marker))
    styled(figure, _ERROR, "", height=320, percent="x", top_down=True)
    return figure.update_xaxes(rangemode="tozero")


def noise_lines(rows: Rows, value: str, y_title: str) -> go.Figure:
    """`value`, accuracy or label_changed, by the size of the error, one line a kind.

    Rows are of one set and one way of aligning; level 1 (eyes exchanged) is left out.
    """
    figure, interval = go.Figure(), f"{value}_ci95"
    start = [row for row in rows if row["noise"] == "exact"]
    kinds = dict.fromkeys(row["noise"] for row in rows if row["noise"] != "exact")
    for look, kind in zip(map(series_look, range(len(kinds))), kinds, strict=True):
        mine = [r for r in (*start, *rows) if r["noise"] in (kind, "exact") and r["level"] < 1]
        mine = list({row["level"]: row for row in mine}.values())
        # Evenly spaced: the levels double from one to the next.
        levels, values = [f"{row['level']:.0%}" for row in mine], [row[value] for row in mine]
        bounded = all(interval in row for row in mine)
        bars = _bars(mine, value, interval, thickness=1) if bounded else None
        of_kind = {"name": kind, "marker": look.marker(8), "error_y": bars}
        figure.add_trace(line(look, levels, values, "%{x}: %{y:.1%}", **of_kind))
    styled(figure, "size of the error", y_title, percent="y")
    levels = ["0%", "1%", "2%", "4%", "8%", "16%", "32%"]
    return figure.update_xaxes(type="category", categoryorder="array", categoryarray=levels)


def change_dots(rows: Rows, names: str) -> go.Figure:
    """Paired change of accuracy with its interval, one row a condition; 0 is a line.

    Filled where it stays beyond chance after Holm's correction, hollow where not.
    """
    rows = [{**row, names: broken(str(row[names]))} for row in rows]
    figure = go.Figure()
    for clear, title in ((True, "beyond chance"), (False, "no more than chance")):
        mine = [r for r in rows if (r.get("p_holm", r["p_value"]) < 0.05) == clear]
        colour, symbol = (SERIES_COLOURS[1], "circle") if clear else (QUIET, "circle-open")
        look = {"name": title, "marker": {"symbol": symbol, "size": 12, "color": colour}}
        if mine:
            figure.add_trace(_dots(mine, "change", names, "change_ci95", form="+.1%", **look))
    figure.add_vline(x=0, line_color=QUIET)
    styled(figure, "change of accuracy", "", height=130 + 34 * len(rows))
    figure.update_xaxes(tickformat="+.1%")
    order = [str(row[names]) for row in rows][::-1]
    return figure.update_yaxes(categoryorder="array", categoryarray=order)


def error_and_scores(link: Mapping[str, Any]) -> go.Figure:
    """One dot a face: error of its points against how far its scores moved."""
    marker = {"color": SERIES_COLOURS[0], "size": 7, "opacity": 0.55}
    hover = "error %{x:.1%}, scores moved %{y:.1%}<extra></extra>"
    figure = go.Figure(dots(link["nme"], link["mass_moved"], hover, marker=marker))
    error = "error of the points, in eye distances"
    return styled(figure, error, "share of the scores that moved", legend=False, percent="xy")


def odds_ratios(rows: Rows) -> go.Figure:
    """Odds ratio per standard deviation with its interval, on a logarithmic axis."""
    figure = go.Figure(_dots(rows, "odds_ratio", "covariate", "ci95", form=".2f"))
    figure.add_vline(x=1, line_color=QUIET)
    title = "odds of a right label, per sd"
    styled(figure, title, "", height=340, legend=False, top_down=True)
    ticks = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2]
    return figure.update_xaxes(type="log", tickvals=ticks)


def bin_line(rows: Rows, unit: str) -> go.Figure:
    """Accuracy in fifths of one covariate, with intervals; the width of a bin is its label."""
    series = go.Scatter(
        x=[f"{row['low']:.3g} to {row['high']:.3g}" for row in rows],
        y=[row["accuracy"] for row in rows],
        mode="lines+markers",
        marker={"size": 10, "color": SERIES_COLOURS[0]},
        error_y=_bars(rows, "accuracy", "accuracy_ci95", thickness=1),
        customdata=[row["n"] for row in rows],
        hovertemplate="%{x}: %{y:.1%} of %{customdata} crops<extra></extra>",
    )
    figure = styled(go.Figure(series), unit, "accuracy", height=360, legend=False, percent="y")
    return figure.update_xaxes(type="category")


def jitter_bars(rows: Rows) -> go.Figure:
    """How often the label changes between frames of a still face, plain and smoothed."""
    figure = go.Figure()
    columns = {"label_flips": "each frame by itself", "label_flips_smoothed": "running mean"}
    ways = [row["aligned_by"] for row in rows]
    for index, (column, title) in enumerate(columns.items()):
        look = {"name": title, "marker": filled(index), "hovertemplate": "%{x}: %{y:.1%}"}
        figure.add_bar(x=ways, y=[row[column] for row in rows], **look)
    title = "neighbouring frames with another label"
    return styled(figure, "how the crop is aligned", title, percent="y")


def accuracy_dots(rows: Rows) -> go.Figure:
    """Accuracy with its interval by features, one colour a set."""
    figure = go.Figure()
    for index, name in enumerate(dict.fromkeys(row["set"] for row in rows)):
        mine = [row for row in rows if row["set"] == name]
        look = {"name": name, "marker": series_look(index).marker(12)}
        figure.add_trace(_dots(mine, "accuracy", "features", "accuracy_ci95", **look))
    return styled(figure, "accuracy", "", height=320, percent="x", top_down=True)


def flat(rows: Rows) -> pd.DataFrame:
    """Rows as a table; intervals become two columns, lists of faces are left out."""
    table = []
    for row in rows:
        cells: dict[str, Any] = {}
        for key, value in row.items():
            if isinstance(value, list | tuple) and len(value) == 2:
                cells[f"{key}_low"], cells[f"{key}_high"] = value
            elif not isinstance(value, list | tuple | dict):
                cells[key] = value
        table.append(cells)
    return pd.DataFrame(table)
