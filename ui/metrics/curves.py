"""Curves: ROC, precision–recall, reliability, coverage; training and robustness."""

from typing import Any

import pandas as pd
import streamlit as st

from core.measures.curves import (
    coverage_accuracy,
    precision_recall_curves,
    reliability,
    roc_curves,
)
from services.bias_audit import findings
from ui.metrics.charts import robustness_figure, second_phase, training_figure
from ui.metrics.subjects import Subject, joined, missing, missing_study, read_json, study
from ui.shared import charts
from ui.shared.figures import dark, point, show, table_below
from ui.shared.resources import cards, settings
from ui.shared.text import percent, plain


def curves(one: Subject) -> None:
    """ROC and precision–recall of each expression against the rest."""
    p = one.predictions
    left, right = st.columns(2, gap="large")
    left.header("ROC")
    table, areas = roc_curves(p.labels, p.probabilities)
    if table.empty:
        left.info("A curve needs images with the expression and images without it.")
    else:
        with left:
            show(
                charts.roc_figure(table, areas),
                table,
                key="roc",
                says=findings.roc(areas),
                reading="the nearer a line comes to the top left corner, the better that "
                "expression is told from the rest; the number is the area below, 0.5 is chance.",
                alt="ROC curves of seven expressions against the rest",
            )
    right.header("Precision and recall")
    table, averages = precision_recall_curves(p.labels, p.probabilities)
    if table.empty:
        right.info("A curve needs images with the expression.")
    else:
        with right:
            show(
                charts.precision_recall_figure(table, averages),
                table,
                key="precision_recall",
                says=findings.precision(averages),
                reading="lines that stay high to the right find most faces of that expression "
                "with few false alarms; the number is average precision.",
                alt="Precision-recall curves of seven expressions",
            )


def _reliability(tables: dict[str, pd.DataFrame], says: str, *, key: str) -> None:
    """`tables` is what `reliability` makes of each model's scores."""
    numbers = joined(tables)
    numbers.insert(0, "model", numbers.pop("model"))
    if not (numbers["n"] >= charts.MIN_IN_MARKER).any():
        point(says)
        st.info(
            f"Too few pictures for a chart: it marks {charts.MIN_IN_MARKER} or more of about the "
            "same confidence.",
            icon=":material/bar_chart_off:",
        )
        table_below(numbers, key)
        return
    show(
        charts.reliability_figure(tables),
        numbers,
        key=key,
        says=says,
        reading="on the dotted line the model is right as often as it says; below it, it is too "
        "sure of itself. Larger markers hold more images.",
        alt="Reliability diagram: confidence against accuracy",
    )


def confidence(subjects: list[Subject], key: str = "confidence") -> None:
    """Whether the model knows how sure it may be, and what a threshold buys."""
    st.header("Reliability")
    named = {one.model_id: one.predictions for one in subjects}
    tables = {name: reliability(p.labels, p.probabilities) for name, p in named.items()}
    _reliability(tables, findings.reliability(named), key=f"{key}_reliability")
    st.header("Coverage and accuracy")
    threshold = st.slider(
        "Call faces uncertain below",
        0.0,
        0.99,
        round(subjects[0].threshold, 2),
        0.01,
        key=f"{key}_threshold_{subjects[0].model_id}",
        help="The app uses the threshold of the model's card, at which this slider starts.",
    )
    coverages = {name: coverage_accuracy(p.labels, p.probabilities) for name, p in named.items()}
    show(
        charts.coverage_figure(coverages, threshold),
        joined(coverages)[["model", *coverages[subjects[0].model_id]]],
        key=f"{key}_coverage",
        says=" ".join(findings.coverage(*entry, threshold) for entry in coverages.items()),
        reading="going left, more faces are called uncertain and the others are judged right "
        "more often; the ring is the threshold chosen above.",
        alt="Coverage against accuracy for all thresholds",
    )


def training(one: Subject) -> None:
    """Loss and accuracy of each epoch, from the run that made the model."""
    members = cards()[one.model_id].members
    if members:
        st.info(
            f"{plain(one.model_id)} was not trained: it is the mean of {' and '.join(members)}. "
            "Choose one of them.",
            icon=":material/call_merge:",
        )
        return
    content = read_json(settings().models_dir / one.model_id / "curves.json")
    frame = pd.DataFrame(content or [])
    if "epoch" not in frame:
        missing(f"No training curves are stored for {one.model_id}.", "mien publish")
        return
    for figure_name in ("accuracy", "loss"):
        if not {figure_name, f"val_{figure_name}"} & set(frame.columns):
            continue
        st.header(figure_name.capitalize())
        show(
            training_figure(frame, figure_name),
            frame,
            key=f"training_{figure_name}",
            says=_training_says(frame, figure_name),
            reading="training images are distorted on purpose, so that their line may lie on the "
            "worse side; where the validation line turns back, the model learns by heart.",
            alt=f"{figure_name} of training and validation images over epochs",
        )


def _training_says(frame: pd.DataFrame, figure_name: str) -> str:
    values = frame.get(f"val_{figure_name}", pd.Series(dtype=float)).astype(float)
    if values.isna().all():  # a recipe may leave some epochs unmeasured, or all
        return f"{len(frame)} epochs were trained."
    at = int(values.argmax() if figure_name == "accuracy" else values.argmin())
    best = float(values.iloc[at])
    value = percent(best, 1) if figure_name == "accuracy" else f"{best:.2f}"
    said = (
        f"On validation images {figure_name} was best after {frame['epoch'].iloc[at]} of "
        f"{len(frame)} epochs: {value}."
    )
    second = second_phase(frame)
    if second is not None:
        said += (
            f" From epoch {second} on it was trained for another loss, so that the training "
            "loss jumps there."
        )
    return said


def robustness(one: Subject) -> None:
    """Accuracy under corruptions, from the study file."""
    content = study(f"robustness_{one.model_id}")
    if content is None or not content.get("rows"):
        command = "mien bias robustness --data fer2013.parquet"
        missing_study("This study", "robustness", one.model_id, command)
        return
    if content.get("model_sha256") != cards()[one.model_id].sha256:
        st.warning("Measured on another version of this model; measure again.")
    corrupted(content, key="robustness")
    st.caption(f"`{content['command']}`, {content['dataset']}.")


def corrupted(content: dict[str, Any], *, key: str) -> None:
    """The map of `n, clean_accuracy, rows`, from a study or an audit."""
    frame = pd.DataFrame(content["rows"])
    show(
        robustness_figure(frame, content["clean_accuracy"], dark=dark()),
        frame,
        key=key,
        says=findings.robustness(content),
        reading="each number is the accuracy in per cent at that strength; the stronger the "
        "colour, the more is lost against untouched images.",
        alt="Accuracy by corruption and level",
    )
