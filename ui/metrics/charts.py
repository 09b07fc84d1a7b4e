"""Further charts of Model Metrics: intervals, training, robustness, trade-offs, groups."""

import math
import re
from collections.abc import Mapping, Sequence
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
    broken,
    dots,
    filled,
    heat_map,
    interval_bars,
    line,
    literal,
    series_look,
    styled,
)
from ui.shared.text import signed

_ROW_PX = 34


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
            marker=filled(index),
            error_y=interval_bars(
                table["recall"], table["recall_low"], table["recall_high"], thickness=1
            ),
            customdata=table["support"],
            hovertemplate="%{x}: %{y:.1%} of %{customdata} recognised",
        )
    legend = len(by_model) > 1
    styled(figure, "", "share recognised", height=340, legend=legend, percent="y")
    figure.update_layout(barmode="group", bargap=0.3, yaxis_range=[0, 1.02])
    figure.update_xaxes(categoryorder="array", categoryarray=order)
    return figure


def second_phase(curves: pd.DataFrame) -> int | None:
    """The epoch at which the loss jumps because another one is measured; None for none."""
    if "loss" not in curves:
        return None
    jumps = curves["epoch"][curves["loss"] > 2 * curves["loss"].shift()]
    return int(jumps.iloc[0]) if len(jumps) else None


def training_figure(curves: pd.DataFrame, figure_name: str) -> go.Figure:
    """Train and validation lines of `loss` or `accuracy` over epochs, the best epoch marked."""
    figure = go.Figure()
    titles = {figure_name: "training images", f"val_{figure_name}": "validation images"}
    for look, (column, title) in zip(map(series_look, range(2)), titles.items(), strict=True):
        if column in curves:
            series = curves["epoch"], curves[column]
            figure.add_trace(line(look, *series, name=title, marker=look.marker(6)))
    second = second_phase(curves)
    if second is not None:
        # Named in the legend: words in the plot lie on the lines.
        figure.add_vline(
            second - 0.5, line_color=QUIET, line_dash="dot",
            name="from here on another loss", showlegend=True,
        )  # fmt: skip
    percent = "y" if figure_name == "accuracy" else ""
    return styled(figure, "epoch", figure_name, height=360, percent=percent)


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
    height = 100 + _ROW_PX * len(table)
    return styled(figure, "strength, 1 weak to 5 strong", "", height=height, legend=False)


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
        figure.add_trace(
            dots(
                [getattr(row, cost)],
                [row.accuracy],
                "%{y:.1%} right, %{x:.3g}",
                name=row.model,
                marker=series_look(index).marker(13, hollow=not row.on_front),
                error_y=interval_bars([row.accuracy], [row.low], [row.high], thickness=1),
            )
        )
    styled(figure, cost_title, "accuracy", height=460, percent="y")
    return figure.update_xaxes(range=[0, 1.1 * (float(frame[cost].max()) or 1.0)])


def gaps_figure(rows: Sequence[tuple[str, Gap]]) -> go.Figure:
    """One bar a grouping over the band that chance alone would fill; coloured beyond it.

    Each row is the name of a gap on the chart, and the gap.
    """
    figure = go.Figure()

    def bars(labels: Sequence[str], values: Sequence[float], words: str, **look: Any) -> None:
        figure.add_bar(
            y=[broken(label) for label in labels],
            x=[100 * value for value in values],
            orientation="h",
            customdata=labels,
            hovertemplate=f"%{{y}}: {words}%{{x:.1f}} points<extra></extra>",
            **look,
        )

    grey = {"color": QUIET, "opacity": 0.35}
    title = "chance alone stays within (95 %)"
    labels, by_chance = zip(*((label, gap.chance95) for label, gap in rows), strict=True)
    bars(labels, by_chance, "chance stays below ", name=title, width=0.8, marker=grey)
    for beyond, title, index in ((True, "beyond chance", 1), (False, "no more than chance", 0)):
        some = {label: gap.difference for label, gap in rows if gap.beyond_chance == beyond}
        gaps = list(some.values())
        if some:
            texts = {"text": [f"{100 * gap:.1f}" for gap in gaps], "textposition": "outside"}
            bars(list(some), gaps, "", name=title, width=0.36, marker=filled(index), **texts)
    row_px = 54 if any(broken(label).count("<br>") > 1 for label in labels) else 44
    styled(figure, "gap (points)", "", height=120 + row_px * len(rows), top_down=True)
    figure.update_layout(barmode="overlay", clickmode="event+select")
    names = [broken(label) for label in labels]
    figure.update_yaxes(categoryorder="array", categoryarray=names)
    largest = max(max(gap.difference, gap.chance95) for _, gap in rows)
    return figure.update_xaxes(range=[0, 130 * largest])


def groups_figure(outcome: Outcome) -> go.Figure:
    """One row a group: share and interval; groups under 30 are hollow and grey.

    The band is what chance alone would spread the groups over, around the overall share.
    """
    rows = [row.model_dump() for row in outcome.groups if row.share is not None]
    shown = pd.DataFrame(rows, columns=list(GroupShare.model_fields))
    figure = go.Figure()
    if outcome.overall is not None:
        if outcome.gap is not None:
            half = outcome.gap.chance95 / 2
            low, high = max(outcome.overall - half, 0), min(outcome.overall + half, 1)
            figure.add_vrect(x0=low, x1=high, fillcolor=QUIET, opacity=0.18, line_width=0)
        figure.add_vline(x=outcome.overall, line_dash="dash", line_color=QUIET)
    height = 130 + _ROW_PX * max(len(shown), 1)
    styled(figure, f"share {outcome.title}", "", height=height)
    shown = shown.sort_values("group", key=lambda names: names.map(by_first_number))
    shown["name"] = [literal(f"{row.group} (n={row.n})") for row in shown.itertuples()]
    for status, title, colour, symbol in (
        ("judged", "30 faces or more", SERIES_COLOURS[0], "circle"),
        ("small", "fewer than 30: not compared", QUIET, "circle-open"),
    ):
        part = shown[shown["status"] == status]
        if not part.empty:
            bars = interval_bars(part["share"], part["low"], part["high"])
            look = {"marker": {"color": colour, "symbol": symbol, "size": 11}, "name": title}
            hover = "%{y}: %{x:.1%}<extra></extra>"
            figure.add_trace(dots(part["share"], part["name"], hover, error_x=bars, **look))
    narrow = shown["high"].max() - shown["low"].min() < 0.04
    figure.update_xaxes(tickformat=".1%" if narrow else ".0%", nticks=5)
    return figure.update_yaxes(categoryorder="array", categoryarray=shown["name"][::-1])


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
    height = 110 + _ROW_PX * len(groups)
    styled(figure, "", "", height=height, legend=False, top_down=True)
    return figure.update_xaxes(tickangle=-35)


def class_balance_figure(counts: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Images of each expression, one bar a split, with the count on each bar."""
    figure = go.Figure()
    for index, (split, by_class) in enumerate(counts.items()):
        n_images = list(by_class.values())
        bar = {"name": split, "text": n_images, "textposition": "outside"}
        figure.add_bar(x=list(by_class), y=n_images, marker=filled(index), **bar)
    # On a phone a count that would be too small to read is left out; the table below has it.
    figure.update_layout(uniformtext={"minsize": 10, "mode": "hide"})
    return styled(figure, "", "images", height=380)
