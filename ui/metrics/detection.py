"""Model Metrics, faces: how well each detector finds them, and what its threshold trades."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.measures.detection.curves import counts_at, curve_frame, load_evaluations, stored_curve
from core.measures.detection.evaluation import DetectionEvaluation
from ui.metrics.subjects import joined, missing, share_with_interval, study
from ui.shared.charts import (
    QUIET,
    SERIES_COLOURS,
    line,
    ring,
    series_look,
    share_axes,
    styled,
)
from ui.shared.figures import point, show, table_below
from ui.shared.resources import settings
from ui.shared.text import percent
from ui.shared.widgets import choose, figures_row

_MEASURES = {
    "precision": "share of its boxes that are faces (precision)",
    "recall": "share of the faces found (recall)",
    "f1": "both in one (F1)",
}
_COST = "processor ms a photo"
_COMMAND = "mien detect-eval --data wider_val.parquet --detector NAME --out models/NAME/…"


# By detector, best average precision first.
_evaluations = st.cache_resource(show_spinner=False)(load_evaluations)


def detection() -> None:
    """The whole section."""
    found = _evaluations(settings().models_dir)
    if not found:
        missing("No face detector has been measured.", _COMMAND)
        return
    _all_detectors(found)
    st.header("What a threshold trades")
    default = settings().default_detector
    names = list(found)
    at = names.index(default) if default in names else 0
    name = st.selectbox("Detector", names, index=at, key="detection_name")
    _threshold(found[name])
    _by_group(found[name])
    _effect()


def detector_frame(found: dict[str, DetectionEvaluation]) -> pd.DataFrame:
    """One row a detector: figures of its stored evaluation, shares 0..1."""
    return pd.DataFrame(
        [
            {
                "detector": name,
                "photos": one.n_images,
                "average precision": one.ap50,
                "best F1": one.best_f1,
                "app's threshold": one.shipped.threshold,
                "its precision": one.shipped.precision,
                "its recall": one.shipped.recall,
                "its F1": one.shipped.f1,
                _COST: one.cpu_ms_per_image,
            }
            for name, one in found.items()
        ]
    )


def _all_detectors(found: dict[str, DetectionEvaluation]) -> None:
    st.header("Which detector finds most")
    most = max(found.values(), key=lambda one: one.n_images)
    fewer = [name for name, one in found.items() if one.n_images < most.n_images]
    comparable = [name for name in found if name not in fewer]
    chosen = st.multiselect(
        "Detectors", list(found), default=comparable[:4], key="detection_curves"
    )
    if not chosen:
        st.info("Choose at least one detector.", icon=":material/arrow_upward:")
        return
    curves = {name: curve_frame(found[name]) for name in chosen}
    marks = {
        name: (found[name].shipped.recall or 0.0, found[name].shipped.precision or 0.0)
        for name in chosen
    }
    show(
        detector_curves_figure(curves, marks),
        joined(curves, "detector"),
        key="detector_curves",
        says=_curves_say({name: found[name] for name in chosen}),
        reading="up: fewer false alarms; right: fewer missed faces; a ring is where the app's "
        "threshold puts a detector.",
        alt="Precision against recall of the chosen detectors",
    )
    frame = detector_frame(found)
    shares = st.column_config.NumberColumn(format="%.3f")
    columns = dict.fromkeys(frame.columns[2:-1], shares)
    columns[_COST] = st.column_config.NumberColumn(format="%.0f")
    st.dataframe(frame, hide_index=True, height="auto", column_config=columns)
    on_fewer = f"On fewer photos, so not to be compared closely: {', '.join(fewer)}. "
    st.caption(
        f"{most.dataset}: {most.n_images} photos, {most.n_faces} faces of at least "
        f"{most.min_face_px:g} px. A face is found where a box overlaps it by half. "
        f"{on_fewer if fewer else ''}`{_COMMAND}`"
    )


def _curves_say(found: dict[str, DetectionEvaluation]) -> str:
    precision = {name: one.ap50 or 0.0 for name, one in found.items()}
    cost_ms = {name: one.cpu_ms_per_image or math.inf for name, one in found.items()}
    best = max(precision, key=precision.__getitem__)
    quick = min(cost_ms, key=cost_ms.__getitem__)
    said = f"{best} finds faces best (average precision {precision[best]:.2f})"
    if quick == best:
        return f"{said} and takes the least time, too."
    return (
        f"{said}; {quick} is the quickest ({cost_ms[quick]:.0f} ms a photo instead of "
        f"{cost_ms[best]:.0f}) at {precision[quick]:.2f}."
    )


def _groups_say(groups: pd.DataFrame) -> str:
    best, worst = (groups.loc[at] for at in groups["recall"].agg(["idxmax", "idxmin"]))
    return (
        f"“{best['group']}” faces are found most often ({percent(best['recall'])}), "
        f"“{worst['group']}” ones least ({percent(worst['recall'])})."
    )


def _threshold(evaluation: DetectionEvaluation) -> None:
    shipped, best = evaluation.shipped.threshold, evaluation.threshold
    threshold = st.slider(
        "Smallest confidence that counts",
        0.0,
        1.0,
        float(shipped or 0.5),
        0.01,
        key=f"detection_threshold_{evaluation.detector}",
    )
    point = stored_curve(evaluation).at(threshold)
    faces, missed, false_alarms = counts_at(evaluation, threshold)
    figures = {"Precision": point.precision, "Recall": point.recall, "F1": point.f1}
    figures_row(
        {name: "–" if math.isnan(x) else percent(x, 1) for name, x in figures.items()},
        meanings={
            "Precision": "Share of its boxes that are faces.",
            "Recall": "Share of the faces found.",
            "F1": "Harmonic mean of the two.",
        },
    )
    curve = curve_frame(evaluation)
    show(
        threshold_figure(curve, threshold, shipped),
        curve,
        key=f"threshold_{evaluation.detector}",
        says=f"From {threshold:.2f} on, {evaluation.detector} finds {faces:,} of the "
        f"{evaluation.n_faces:,} faces, misses {missed:,} and takes {false_alarms:,} other "
        "places for a face.",
        reading="moving right gives fewer false alarms and more missed faces; the thick line is "
        "your threshold, the dotted one the app's.",
        alt=f"Precision, recall and F1 of {evaluation.detector} over its threshold",
    )
    if best is not None and shipped is not None:
        st.caption(f"F1 is best at {best:.2f}; the app uses {shipped:.2f}.")


def _by_group(evaluation: DetectionEvaluation) -> None:
    st.header("Which faces are found")
    kinds = list(evaluation.by_group)
    kind = choose("Faces by", kinds, "detection_kind")
    groups = pd.DataFrame(
        [
            {"group": name, "faces": group.n_faces, "recall": group.recall}
            for name, group in evaluation.by_group[kind].items()
            if group.recall is not None
        ]
    )
    if groups.empty:
        st.info("No face of these photos belongs to any of these groups.")
        return
    show(
        recall_by_group_figure(groups),
        groups,
        key="detector_groups",
        says=_groups_say(groups),
        reading="a longer bar means more of these faces are found, at the threshold of best F1.",
        alt=f"Recall of {evaluation.detector} by {kind}",
    )


def _effect() -> None:
    st.header("What the detector does to the expressions")
    content = study("detectors")
    if content is None:
        missing(
            "The effect on the expressions has not been measured.",
            "python -m training.fits.detector_effect --data fer2013.parquet",
        )
        return
    frame = effect_frame(content["detectors"])
    point(_effect_says(content["detectors"]))
    st.dataframe(frame, hide_index=True, height="auto")
    table_below(frame, "detector_effect")
    st.caption(
        "**How to read it:** where a detector's second column is near that of no detector, its "
        "boxes cut faces as the model learnt them; where its last column is far below, it misses "
        f"faces. {content['data']}; model {content['model_id']}. FER-2013's crops are no photos, "
        "so this says what the cut does, not how many faces are found in a photo. "
        "`python -m training.fits.detector_effect --data fer2013.parquet`"
    )


def _effect_says(measured: dict[str, Any]) -> str:
    detectors = {name: row for name, row in measured.items() if name != "none"}
    share = {name: float(row["accuracy_of_all"]) for name, row in detectors.items()}
    best, worst = max(share, key=share.__getitem__), min(share, key=share.__getitem__)
    return (
        f"Behind {best} most faces are judged right ({percent(share[best], 1)} of all), behind "
        f"{worst} fewest ({percent(share[worst], 1)}), since it misses "
        f"{detectors[worst]['undetected']:,} of {detectors[worst]['n']:,}."
    )


def effect_frame(measured: dict[str, Any]) -> pd.DataFrame:
    """One row a detector: faces not found, and accuracy on those found and on all images."""
    return pd.DataFrame(
        [
            {
                "detector": "none (crops)" if name == "none" else name,
                "right of those found (95 %)": share_with_interval(
                    row["accuracy_of_detected"], *row["accuracy_ci95"]
                ),
                "not found": f"{row['undetected']} of {row['n']}",
                "right of all": percent(row["accuracy_of_all"], 1),
            }
            for name, row in measured.items()
        ]
    )


def detector_curves_figure(
    curves: Mapping[str, pd.DataFrame], marks: Mapping[str, tuple[float, float]]
) -> go.Figure:
    """One precision-recall line a detector; a ring at the app's (recall, precision).

    Columns `threshold, precision, recall`.
    """
    figure = go.Figure()
    hover = "from %{customdata:.2f} on: %{x:.0%} found, %{y:.0%} faces"
    for index, (name, curve) in enumerate(curves.items()):
        look, (recall, precision) = series_look(index), marks[name]
        of = {"name": name, "legendgroup": name, "customdata": curve["threshold"]}
        figure.add_trace(line(look, curve["recall"], curve["precision"], hover, **of))
        figure.add_trace(ring(look, [recall], [precision], legendgroup=name))
    share_axes(styled(figure, _MEASURES["recall"], _MEASURES["precision"], height=480))
    return figure


def threshold_figure(curve: pd.DataFrame, threshold: float, shipped: float | None) -> go.Figure:
    """Precision, recall and F1 over the threshold; lines at the chosen and the app's own."""
    figure = go.Figure()
    for index, (name, title) in enumerate(_MEASURES.items()):
        hover = "from %{x:.2f} on: %{y:.1%}<extra></extra>"
        figure.add_trace(
            line(series_look(index), curve["threshold"], curve[name], hover, name=title)
        )
    figure.add_vline(threshold, line={"color": QUIET, "width": 3})
    if shipped is not None:
        figure.add_vline(shipped, line={"color": QUIET, "width": 1, "dash": "dot"})
    styled(figure, "smallest confidence that counts (threshold)", "share", height=440)
    share_axes(figure)
    figure.update_xaxes(tickformat=".1f")  # a threshold is no share
    return figure


def recall_by_group_figure(groups: pd.DataFrame) -> go.Figure:
    """Bars of the share found, one a group of faces; columns `group, faces, recall`."""
    figure = go.Figure(
        go.Bar(
            x=groups["recall"],
            y=groups["group"],
            orientation="h",
            marker={"color": SERIES_COLOURS[0]},
            text=[f"{row.recall:.0%} of {row.faces}" for row in groups.itertuples()],
            textposition="auto",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    height, title = 90 + 44 * len(groups), _MEASURES["recall"]
    styled(figure, title, "", height=height, legend=False, percent="x", top_down=True)
    return figure.update_xaxes(range=[0, 1.02])
