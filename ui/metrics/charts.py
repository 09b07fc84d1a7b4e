"""Further charts of Model Metrics: intervals, training, robustness, trade-offs, groups."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.measures.groups.breakdown import Outcome
from core.measures.groups.gaps import Gap, GroupShare
from core.measures.groups.mixing import Association
from ui.shared.charts import (
    QUIET,
    SERIES_COLOURS,
    heat_map,
    interval_bars,
    literal,
    series_look,
    styled,
)
from ui.shared.text import signed

_ROW_PX = 34
_LABEL_LETTERS = 22


@dataclass(frozen=True)
class GapRow:
    """A gap with its name on the chart."""

    label: str
    gap: Gap


def expressions_figure(by_model: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Share recognised of each expression with its interval, one bar a model, best first.

    Columns `expression, recall, recall_low, recall_high, support`.
    """
    figure = go.Figure()
    first = next(iter(by_model.values()))
    order = first.sort_values("recall", ascending=False)["expression"].tolist()
    for index, (name, table) in enumerate(by_model.items()):
        table = table[table["support"] > 0]
        figure.add_bar(
            x=table["expression"],
            y=table["recall"],
            name=name,
            marker=_filled(index),
            error_y=interval_bars(
                table["recall"], table["recall_low"], table["recall_high"], thickness=1
            ),
            customdata=table["support"],
            hovertemplate="%{x}: %{y:.1%} of %{customdata} recognised",
        )
    styled(figure, "", "share recognised", height=340, legend=len(by_model) > 1)
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(categoryorder="array", categoryarray=order)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure


def _filled(index: int) -> dict[str, Any]:
    """Colour and pattern of the n-th series of bars."""
    pattern = ("", "/", ".", "x", "-", "+")[index % 6]
    return {"color": series_look(index).colour, "pattern": {"shape": pattern}}


def second_phase(curves: pd.DataFrame) -> int | None:
    """The epoch at which the loss jumps because another one is measured; None for none."""
    if "loss" not in curves:
        return None
    jumps = curves["epoch"][curves["loss"] > 2 * curves["loss"].shift()]
    return int(jumps.iloc[0]) if len(jumps) else None


def training_figure(curves: pd.DataFrame, figure_name: str) -> go.Figure:
    """Train and validation lines of `loss` or `accuracy` over epochs, the best epoch marked."""
    figure = go.Figure()
    for index, (column, title) in enumerate(
        [(figure_name, "training images"), (f"val_{figure_name}", "validation images")]
    ):
        if column in curves:
            figure.add_scatter(
                x=curves["epoch"],
                y=curves[column],
                name=title,
                mode="lines+markers",
                line=series_look(index).line,
                marker=series_look(index).marker(6),
            )
    second = second_phase(curves)
    if second is not None:
        # Named in the legend: words in the plot lie on the lines.
        figure.add_vline(
            second - 0.5, line_color=QUIET, line_dash="dot",
            name="from here on another loss", showlegend=True,
        )  # fmt: skip
    styled(figure, "epoch", figure_name, height=360)
    if figure_name == "accuracy":
        figure.update_yaxes(tickformat=".0%")
    return figure


def robustness_figure(frame: pd.DataFrame, clean: float, *, dark: bool = False) -> go.Figure:
    """Accuracy by `corruption` and `level` as a map; the number is the accuracy in per cent.

    Colour is what is lost against `clean`, the accuracy on the same images untouched.
    """
    table = frame.pivot(index="corruption", columns="level", values="accuracy")
    table = table.loc[table.mean(axis=1).sort_values().index]
    shares = table.to_numpy()
    figure = heat_map(
        clean - shares,
        [[f"{100 * share:.0f}" for share in row] for row in shares],
        [str(level) for level in table.columns],
        list(table.index),
        dark=dark,
        zmin=0,
        zmax=max(clean, 0.01),
        colorscale=[[0, "rgba(213,94,0,0)"], [1, "rgba(213,94,0,0.7)"]],
        customdata=shares,
        hovertemplate="%{y}, strength %{x}: %{customdata:.1%} right, %{z:.1%} lost<extra></extra>",
    )
    return styled(
        figure, "strength, 1 weak to 5 strong", "", height=100 + _ROW_PX * len(table), legend=False
    )


def pareto_figure(frame: pd.DataFrame, cost: str, cost_title: str) -> go.Figure:
    """Accuracy against a cost; models on the front are filled and joined, beaten ones are rings.

    Columns `model, accuracy, low, high, on_front` and the one named `cost`.
    """
    front = frame[frame["on_front"]].sort_values(cost)
    figure = go.Figure(
        go.Scatter(
            x=front[cost],
            y=front["accuracy"],
            mode="lines",
            name="no model is better in both",
            line={"color": QUIET, "dash": "dot", "shape": "hv"},
            hoverinfo="skip",
        )
    )
    # Names in the legend: beside their markers they would lie on each other.
    for index, row in enumerate(frame.itertuples()):
        figure.add_scatter(
            x=[getattr(row, cost)],
            y=[row.accuracy],
            mode="markers",
            name=row.model,
            marker=series_look(index).marker(13, hollow=not row.on_front),
            error_y=interval_bars([row.accuracy], [row.low], [row.high], thickness=1),
            hovertemplate="%{y:.1%} right, %{x:.3g}",
        )
    styled(figure, cost_title, "accuracy", height=460)
    span = float(frame[cost].max()) or 1.0
    figure.update_xaxes(range=[0, 1.1 * span])
    figure.update_yaxes(tickformat=".0%")
    return figure


def gaps_figure(rows: Sequence[GapRow]) -> go.Figure:
    """One bar a grouping over the band that chance alone would fill; coloured beyond it."""
    names = [_broken(row.label) for row in rows]
    figure = go.Figure(
        go.Bar(
            y=names,
            x=[100 * row.gap.chance95 for row in rows],
            orientation="h",
            name="chance alone stays within (95 %)",
            width=0.8,
            marker={"color": QUIET, "opacity": 0.35},
            customdata=[row.label for row in rows],
            hovertemplate="%{y}: chance stays below %{x:.1f} points<extra></extra>",
        )
    )
    for beyond, title, index in ((True, "beyond chance", 1), (False, "no more than chance", 0)):
        shown = [row for row in rows if row.gap.beyond_chance == beyond]
        if shown:
            figure.add_bar(
                y=[_broken(row.label) for row in shown],
                x=[100 * row.gap.difference for row in shown],
                orientation="h",
                name=title,
                width=0.36,
                marker=_filled(index),
                text=[f"{100 * row.gap.difference:.1f}" for row in shown],
                textposition="outside",
                customdata=[row.label for row in shown],
                hovertemplate="%{y}: %{x:.1f} points<extra></extra>",
            )
    row_px = 54 if any(name.count("<br>") > 1 for name in names) else 44
    styled(figure, "gap (points)", "", height=120 + row_px * len(rows))
    figure.update_layout(barmode="overlay", clickmode="event+select")
    figure.update_yaxes(categoryorder="array", categoryarray=names, autorange="reversed")
    largest = max(max(row.gap.difference, row.gap.chance95) for row in rows)
    figure.update_xaxes(range=[0, 130 * largest])
    return figure


def _broken(label: str) -> str:
    """A label in short lines, so that a phone has room for the bars."""
    pieces = label.replace(": ", ":\n").splitlines()
    return "<br>".join(literal(part) for piece in pieces for part in wrap(piece, _LABEL_LETTERS))


def groups_figure(outcome: Outcome) -> go.Figure:
    """One row a group: share and interval; groups under 30 are hollow and grey.

    The band is what chance alone would spread the groups over, around the overall share.
    """
    shown = [row for row in outcome.groups if row.share is not None]
    figure = go.Figure()
    if outcome.gap is not None and outcome.overall is not None:
        half = outcome.gap.chance95 / 2
        figure.add_vrect(
            x0=max(outcome.overall - half, 0),
            x1=min(outcome.overall + half, 1),
            fillcolor=QUIET,
            opacity=0.18,
            line_width=0,
        )
    if outcome.overall is not None:
        figure.add_vline(x=outcome.overall, line_dash="dash", line_color=QUIET)
    for status, title, colour, symbol in (
        ("judged", "30 faces or more", SERIES_COLOURS[0], "circle"),
        ("small", "fewer than 30: not compared", QUIET, "circle-open"),
    ):
        rows = [row for row in shown if row.status == status]
        if rows:
            marker = {"color": colour, "symbol": symbol, "size": 11}
            figure.add_trace(_group_markers(rows, title, marker))
    styled(figure, f"share {outcome.title}", "", height=130 + _ROW_PX * max(len(shown), 1))
    ends = [end for row in shown for end in (row.low or 0, row.high or 0)]
    narrow = bool(ends) and max(ends) - min(ends) < 0.04
    figure.update_xaxes(tickformat=".1%" if narrow else ".0%", nticks=5)
    in_order = sorted(shown, key=lambda row: by_first_number(row.group), reverse=True)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[literal(f"{row.group} (n={row.n})") for row in in_order],
    )
    return figure


def _group_markers(rows: list[GroupShare], title: str, marker: dict[str, Any]) -> go.Scatter:
    """Shares of groups with their intervals."""
    return go.Scatter(
        x=[row.share for row in rows],
        y=[literal(f"{row.group} (n={row.n})") for row in rows],
        mode="markers",
        name=title,
        marker=marker,
        error_x=interval_bars(
            [row.share for row in rows], [row.low for row in rows], [row.high for row in rows]
        ),
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )


def by_first_number(name: str) -> tuple[float, str]:
    """Sorts "3-9" before "10-19", and names without a number after those by alphabet."""
    found = re.match(r"\d+", name)
    return (float(found.group()) if found else math.inf, name)


def association_figure(found: Association, *, dark: bool = False) -> go.Figure:
    """NPMI of group and expression: blue together more, orange less often than by chance."""
    groups, labels = list(found.npmi), list(next(iter(found.npmi.values())))
    values = np.array([[found.npmi[group][label] for label in labels] for group in groups])
    orange, none, blue = "rgba(213,94,0,0.7)", "rgba(128,128,128,0)", "rgba(0,114,178,0.7)"
    figure = heat_map(
        values,
        [[signed(value, 2) for value in row] for row in values],
        labels,
        [literal(group) for group in groups],
        dark=dark,
        zmin=-0.3,
        zmax=0.3,
        colorscale=[[0, orange], [0.5, none], [1, blue]],
        hovertemplate="%{y}, %{x}: %{z:+.3f}<extra></extra>",
    )
    styled(figure, "", "", height=110 + _ROW_PX * len(groups), legend=False)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(tickangle=-35)
    return figure


def class_balance_figure(counts: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Images of each expression, one bar a split, with the count on each bar."""
    figure = go.Figure()
    for index, (split, by_class) in enumerate(counts.items()):
        figure.add_bar(
            x=list(by_class),
            y=list(by_class.values()),
            name=split,
            text=list(by_class.values()),
            textposition="outside",
            marker=_filled(index),
        )
    styled(figure, "", "images", height=380)
    # On a phone a count that would be too small to read is left out; the table below has it.
    figure.update_layout(uniformtext={"minsize": 10, "mode": "hide"})
    return figure
