"""Charts of face detectors: precision against recall, and both against the threshold."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from ui.shared.charts import QUIET, series_look, share_axes, styled

_MEASURES = {
    "precision": "share of its boxes that are faces (precision)",
    "recall": "share of the faces found (recall)",
    "f1": "both in one (F1)",
}


def detector_curves_figure(
    curves: Mapping[str, pd.DataFrame], marks: Mapping[str, tuple[float, float]]
) -> go.Figure:
    """One precision-recall line a detector; a ring where its threshold puts it.

    Args:
        curves: detector -> columns `threshold, precision, recall`.
        marks: detector -> (recall, precision) at the app's threshold.
    """
    figure = go.Figure()
    for index, (name, curve) in enumerate(curves.items()):
        look = series_look(index)
        figure.add_trace(
            go.Scatter(
                x=curve["recall"], y=curve["precision"], name=name, mode="lines",
                line=look.line,
                customdata=curve["threshold"], legendgroup=name,
                hovertemplate="from %{customdata:.2f} on: %{x:.0%} found, %{y:.0%} faces",
            )
        )  # fmt: skip
        if name in marks:
            recall, precision = marks[name]
            figure.add_trace(
                go.Scatter(
                    x=[recall], y=[precision], mode="markers", showlegend=False,
                    legendgroup=name, hoverinfo="skip",
                    marker=look.marker(15, hollow=True),
                )
            )  # fmt: skip
    styled(figure, _MEASURES["recall"], _MEASURES["precision"], height=480)
    share_axes(figure)
    return figure


def threshold_figure(curve: pd.DataFrame, threshold: float, shipped: float | None) -> go.Figure:
    """Precision, recall and F1 of one detector over the threshold; lines at two thresholds.

    Args:
        curve: columns `threshold, precision, recall, f1`.
        threshold: what the reader chose.
        shipped: what the app uses.
    """
    figure = go.Figure()
    for index, (name, title) in enumerate(_MEASURES.items()):
        look = series_look(index)
        figure.add_trace(
            go.Scatter(
                x=curve["threshold"], y=curve[name], name=title, mode="lines",
                line=look.line,
                hovertemplate="from %{x:.2f} on: %{y:.1%}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_vline(threshold, line={"color": QUIET, "width": 3})
    if shipped is not None:
        figure.add_vline(shipped, line={"color": QUIET, "width": 1, "dash": "dot"})
    styled(figure, "smallest confidence that counts (threshold)", "share", height=440)
    share_axes(figure)
    figure.update_xaxes(tickformat=".1f")  # a threshold is no share
    return figure


def recall_by_group_figure(groups: pd.DataFrame) -> go.Figure:
    """Bars of the share found, one a group of faces.

    Args:
        groups: columns `group, faces, recall`.
    """
    figure = go.Figure(
        go.Bar(
            x=groups["recall"], y=groups["group"], orientation="h",
            marker={"color": series_look(0).colour},
            text=[
                f"{recall:.0%} of {faces}"
                for recall, faces in zip(groups["recall"], groups["faces"], strict=True)
            ],
            textposition="auto", hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    height = 90 + 44 * len(groups)
    styled(figure, _MEASURES["recall"], "", height=height, legend=False)
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return figure
