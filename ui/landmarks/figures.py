"""Figures of the landmark study: rows of models/studies/landmarks.json in, Plotly out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ui.shared.charts import QUIET, SERIES_COLOURS, interval_bars, series_look, styled

Rows = Sequence[Mapping[str, Any]]


def _bars(rows: Rows, value: str, interval: str, *, thickness: int = 2) -> dict[str, Any]:
    """Error bars of rows whose `interval` is a pair around their `value`."""
    low, high = zip(*(row[interval] for row in rows), strict=True)
    return interval_bars([row[value] for row in rows], low, high, thickness=thickness)


def _dots(
    figure: go.Figure, rows: Rows, x: str, y: str, interval: str, *, form: str = ".1%", **look: Any
) -> None:
    """A marker a row at its `x`, with its interval; `look` may replace name and marker."""
    shown = {"marker": series_look(0).marker(12), "name": ""} | look
    figure.add_scatter(
        x=[row[x] for row in rows],
        y=[str(row[y]) for row in rows],
        mode="markers",
        error_x=_bars(rows, x, interval),
        hovertemplate=f"%{{y}}: %{{x:{form}}}",
        **shown,
    )


def error_curves(curves: Mapping[str, Mapping[str, list[float]]], limit: float) -> go.Figure:
    """Share of faces with at most each error, one line a method; a line marks failure."""
    figure = go.Figure()
    for index, (name, curve) in enumerate(curves.items()):
        figure.add_scatter(
            x=curve["error"],
            y=curve["share"],
            name=name,
            mode="lines",
            line=series_look(index).line,
            hovertemplate="%{y:.1%} of the faces within %{x:.1%}",
        )
    figure.add_vline(x=limit, line_dash="dot", line_color=QUIET)
    styled(figure, "mean error, in distances between the eyes", "share of all faces")
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return figure


def region_errors(methods: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Mean error of each part of the face, one marker a method."""
    figure = go.Figure()
    for index, (name, method) in enumerate(methods.items()):
        figure.add_scatter(
            x=list(method["by_region"].values()),
            y=list(method["by_region"]),
            name=name,
            mode="markers",
            marker=series_look(index).marker(12),
            hovertemplate="%{y}: %{x:.2%}",
        )
    styled(figure, "mean error, in distances between the eyes", "", height=320)
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return figure


def noise_lines(rows: Rows, value: str, y_title: str) -> go.Figure:
    """`value`, accuracy or label_changed, by the size of the error, one line a kind.

    Rows are of one set and one way of aligning; level 1 (eyes exchanged) is left out.
    """
    figure, interval = go.Figure(), f"{value}_ci95"
    start = [row for row in rows if row["noise"] == "exact"]
    kinds = list(dict.fromkeys(row["noise"] for row in rows if row["noise"] != "exact"))
    for index, kind in enumerate(kinds):
        mine = [r for r in (*start, *rows) if r["noise"] in (kind, "exact") and r["level"] < 1]
        mine = list({row["level"]: row for row in mine}.values())
        bounded = all(interval in row for row in mine)
        figure.add_scatter(
            # Evenly spaced: the levels double from one to the next.
            x=[f"{row['level']:.0%}" for row in mine],
            y=[row[value] for row in mine],
            name=kind,
            mode="lines+markers",
            error_y=_bars(mine, value, interval, thickness=1) if bounded else None,
            line=series_look(index).line,
            marker=series_look(index).marker(8),
            hovertemplate="%{x}: %{y:.1%}",
        )
    styled(figure, "size of the error", y_title)
    levels = ["0%", "1%", "2%", "4%", "8%", "16%", "32%"]
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=levels)
    figure.update_yaxes(tickformat=".0%")
    return figure


def change_dots(rows: Rows, names: str) -> go.Figure:
    """Paired change of accuracy with its interval, one row a condition; 0 is a line.

    Filled where it stays beyond chance after Holm's correction, hollow where not.
    """
    figure = go.Figure()
    for clear, title in ((True, "beyond chance"), (False, "no more than chance")):
        mine = [r for r in rows if (r.get("p_holm", r["p_value"]) < 0.05) == clear]
        colour, symbol = (SERIES_COLOURS[1], "circle") if clear else (QUIET, "circle-open")
        look = {"name": title, "marker": {"symbol": symbol, "size": 12, "color": colour}}
        if mine:
            _dots(figure, mine, "change", names, "change_ci95", form="+.1%", **look)
    figure.add_vline(x=0, line_color=QUIET)
    styled(figure, "change of accuracy", "", height=130 + 34 * len(rows))
    figure.update_xaxes(tickformat="+.1%")
    figure.update_yaxes(categoryorder="array", categoryarray=[str(r[names]) for r in rows][::-1])
    return figure


def error_and_scores(link: Mapping[str, Any]) -> go.Figure:
    """One dot a face: error of its points against how far its scores moved."""
    figure = go.Figure()
    figure.add_scatter(
        x=link["nme"],
        y=link["mass_moved"],
        mode="markers",
        marker={"color": SERIES_COLOURS[0], "size": 7, "opacity": 0.55},
        hovertemplate="error %{x:.1%}, scores moved %{y:.1%}<extra></extra>",
    )
    error = "error of the face's points, in distances between the eyes"
    styled(figure, error, "share of the scores that moved", legend=False)
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(tickformat=".0%")
    return figure


def odds_ratios(rows: Rows) -> go.Figure:
    """Odds ratio per standard deviation with its interval, on a logarithmic axis."""
    figure = go.Figure()
    _dots(figure, rows, "odds_ratio", "covariate", "ci95", form=".2f")
    figure.add_vline(x=1, line_color=QUIET)
    styled(figure, "odds of a right label, per sd", "", height=340, legend=False)
    figure.update_xaxes(type="log", tickvals=[0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2])
    figure.update_yaxes(autorange="reversed")
    return figure


def bin_line(rows: Rows, unit: str) -> go.Figure:
    """Accuracy in fifths of one covariate, with intervals; the width of a bin is its label."""
    figure = go.Figure()
    figure.add_scatter(
        x=[f"{row['low']:.3g} to {row['high']:.3g}" for row in rows],
        y=[row["accuracy"] for row in rows],
        mode="lines+markers",
        marker={"size": 10, "color": SERIES_COLOURS[0]},
        error_y=_bars(rows, "accuracy", "accuracy_ci95", thickness=1),
        customdata=[row["n"] for row in rows],
        hovertemplate="%{x}: %{y:.1%} of %{customdata} crops<extra></extra>",
    )
    styled(figure, unit, "accuracy", height=360, legend=False)
    figure.update_xaxes(type="category")
    figure.update_yaxes(tickformat=".0%")
    return figure


def jitter_bars(rows: Rows) -> go.Figure:
    """How often the label changes between frames of a still face, plain and smoothed."""
    figure = go.Figure()
    columns = {"label_flips": "each frame by itself", "label_flips_smoothed": "running mean"}
    for index, (column, title) in enumerate(columns.items()):
        figure.add_bar(
            x=[row["aligned_by"] for row in rows],
            y=[row[column] for row in rows],
            name=title,
            marker={"color": SERIES_COLOURS[index], "pattern": {"shape": ("", "/")[index]}},
            hovertemplate="%{x}: %{y:.1%}",
        )
    styled(figure, "how the crop is aligned", "neighbouring frames with another label")
    figure.update_yaxes(tickformat=".0%")
    return figure


def accuracy_dots(rows: Rows) -> go.Figure:
    """Accuracy with its interval by features, one colour a set."""
    figure = go.Figure()
    for index, name in enumerate(dict.fromkeys(row["set"] for row in rows)):
        mine = [row for row in rows if row["set"] == name]
        marker = series_look(index).marker(12)
        _dots(figure, mine, "accuracy", "features", "accuracy_ci95", name=name, marker=marker)
    styled(figure, "accuracy", "", height=320)
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return figure


def flat(rows: Rows) -> pd.DataFrame:
    """Rows as a table; intervals become two columns, lists of faces are left out."""
    table = []
    for row in rows:
        line: dict[str, Any] = {}
        for key, value in row.items():
            if isinstance(value, list | tuple) and len(value) == 2:
                line[f"{key}_low"], line[f"{key}_high"] = value
            elif not isinstance(value, list | tuple | dict):
                line[key] = value
        table.append(line)
    return pd.DataFrame(table)
