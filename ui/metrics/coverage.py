"""Coverage: how often the labels that are named hold the one that most people choose."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ui.metrics.subjects import Subject, missing_study, study
from ui.shared.charts import QUIET, SERIES_COLOURS, dots, interval_bars, styled
from ui.shared.figures import show
from ui.shared.text import percent
from ui.shared.widgets import choose, figures_row

CORRUPTIONS = "corruption"


def coverage(one: Subject) -> None:
    """What the study says of one model: the figures of all faces, then by a chosen property."""
    st.header("What the named labels hold", anchor=False)
    content = study(f"coverage_{one.model_id}")
    if content is None:
        command = "mien evaluate --coverage --split test --data fer2013.parquet"
        missing_study("Coverage", "coverage", one.model_id, command)
        return
    every = content["all"]
    figures_row(
        {
            "named labels are right": percent(every["coverage"], 1),
            "labels a face": f"{every['mean_labels']:.2f}",
            "one label is enough": percent(every["one_label"]),
            "too split to say": percent(every["no_agreement"]),
        }
    )
    titles = [*content["groups"], CORRUPTIONS]
    chosen = choose("By", titles, "covered_by")
    rows = table(content, chosen)
    show(
        coverage_figure(rows, content["target"]),
        rows,
        key="named_coverage",
        says=headline(content),
        reading=f"each dot should reach the line at {percent(content['target'])}; beside the name "
        "stands how many labels a face that takes on average.",
        alt=f"Coverage and number of labels by {chosen}",
    )
    st.caption(
        f"{content['dataset']}; what people say: {content['said_by']}. `{content['command']}`."
    )


def headline(content: dict[str, Any]) -> str:
    """Overall coverage and the label that is covered least, in a sentence."""
    every, target = content["all"], content["target"]
    worst = min(content["groups"]["majority label"], key=lambda row: row["coverage"])
    return (
        f"The labels that are named hold the one that most people choose in "
        f"{percent(every['coverage'])} of the faces (aim: {percent(target)}), with "
        f"{every['mean_labels']:.1f} labels a face. Covered least: {worst['group']}, "
        f"{percent(worst['coverage'])}."
    )


def table(content: dict[str, Any], by: str) -> pd.DataFrame:
    """One row a group of `by`, the least covered first."""
    rows = content["corruptions"] if by == CORRUPTIONS else content["groups"][by]
    frame = pd.DataFrame(rows).sort_values("coverage", ignore_index=True)
    frame[["low", "high"]] = frame.pop("ci95").tolist()
    frame.insert(0, by, frame.pop("corruption" if by == CORRUPTIONS else "group"))
    words = {name: name.replace("_", " ") for name in ("one_label", "no_agreement")}
    frame = frame.rename(columns={"mean_labels": "labels a face"} | words)
    return frame[[by, "n", "coverage", "low", "high", "labels a face", *words.values()]]


def coverage_figure(rows: pd.DataFrame, target: float) -> go.Figure:
    """A dot with its interval for each row, and the line that is aimed at."""
    # Beside the name: at the dot it would lie on the line.
    names = [
        f"{name}: {labels:.1f} labels"
        for name, labels in zip(rows.iloc[:, 0], rows["labels a face"], strict=True)
    ]
    hover = "%{y} a face: %{x:.1%} covered<extra></extra>"
    marker = {"size": 10, "color": SERIES_COLOURS[0]}
    bars = interval_bars(rows["coverage"], rows["low"], rows["high"])
    figure = go.Figure(dots(rows["coverage"], names, hover, marker=marker, error_x=bars))
    figure.add_vline(x=target, line_dash="dash", line_color=QUIET)
    height = 120 + 38 * len(rows)
    return styled(figure, "share of faces covered", "", height=height, legend=False, percent="x")
