"""Overview: the headline figures with intervals, and each expression by itself."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS
from core.measures.accuracy import ClassScores, Measures, measure, wilson_interval
from core.measures.curves import SUMMARY, summary_with_intervals
from ui.metrics.charts import interval_figure
from ui.metrics.subjects import Subject, share_with_interval
from ui.shared.figures import show, table_below

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
}


# Streamlit tells calls apart by the arrays' bytes: two sets of one size are two sets.
_summary = st.cache_data(show_spinner=False, max_entries=32)(summary_with_intervals)


def summary_frame(subjects: list[Subject]) -> pd.DataFrame:
    """Columns `model, figure, value, low, high`."""
    parts = []
    for one in subjects:
        frame = _summary(one.predictions.labels, one.predictions.predicted).loc[list(SUMMARY)]
        parts.append(
            frame.rename_axis("figure")
            .reset_index()
            .assign(model=one.name, figure=[TITLES[name] for name in SUMMARY])
        )
    return pd.concat(parts, ignore_index=True)[["model", "figure", "value", "low", "high"]]


def overview(subjects: list[Subject]) -> None:
    """Headline figures of all subjects, then the expressions of one."""
    frame = summary_frame(subjects)
    wide = {
        one.name: {
            str(row["figure"]): share_with_interval(row["value"], row["low"], row["high"])
            for _, row in frame[frame["model"] == one.name].iterrows()
        }
        | {
            "calibration error": f"{measure_of(one).ece:.3f}",
            "images": f"{len(one.predictions):,}",
        }
        for one in subjects
    }
    st.dataframe(pd.DataFrame(wide).rename_axis("figure"), height="auto")
    show(
        interval_figure(frame),
        frame,
        key="overview",
        reading="the marker is the figure, the bar its 95 % interval; where the bars of two "
        "models overlap, look at *Compare* before calling one better.",
        alt="Accuracy, balanced accuracy, macro precision, recall and F1 with intervals",
    )
    st.caption(
        "Balanced accuracy is the mean recall of the expressions, so it and macro recall are the "
        "same number under two names. Accuracy has Wilson's interval, the others the percentile "
        "bootstrap (1,000 draws, seed 0), recomputed here from the scores of "
        "each image."
    )
    st.subheader("Each expression")
    one = pick(subjects, "per_class")
    per_class(one)


def measure_of(one: Subject) -> Measures:
    """All figures of `core.measures.accuracy` for one subject."""
    return measure(one.predictions.labels, one.predictions.probabilities)


def pick(subjects: list[Subject], key: str) -> Subject:
    """One of the chosen models; asks only where there are several."""
    if len(subjects) == 1:
        return subjects[0]
    by_name = {one.name: one for one in subjects}
    return by_name[st.selectbox("Model", list(by_name), key=f"{key}_model")]


def per_class(one: Subject) -> None:
    """Precision, recall and F1 of each expression with its support."""
    scores = measure_of(one).per_class
    rows = [_class_row(name, scores[name], one) for name in EMOTIONS]
    table = pd.DataFrame(rows)
    shown = pd.DataFrame(
        {
            "expression": table["expression"],
            "recall (95 %)": [
                share_with_interval(r["recall"], r["recall_low"], r["recall_high"]) for r in rows
            ],
            "precision (95 %)": [
                share_with_interval(r["precision"], r["precision_low"], r["precision_high"])
                for r in rows
            ],
            "F1": ["–" if math.isnan(r["f1"]) else f"{r['f1']:.3f}" for r in rows],
            "support": table["support"],
        }
    )
    st.dataframe(shown, hide_index=True, height="auto")
    st.caption(
        "**How to read it:** recall is the share of the true ones that is recognised, precision "
        "the share of such verdicts that is right; support is the count of test images."
    )
    table_below(table, "per_class")


def _class_row(name: str, scores: ClassScores, one: Subject) -> dict[str, Any]:
    index = EMOTIONS.index(name)
    judged = one.predictions.predicted == index
    hits = int((judged & (one.predictions.labels == index)).sum())
    recall_low, recall_high = wilson_interval(hits, scores.support)
    precision_low, precision_high = wilson_interval(hits, int(judged.sum()))
    return {
        "expression": name,
        "recall": scores.recall,
        "recall_low": recall_low,
        "recall_high": recall_high,
        "precision": scores.precision,
        "precision_low": precision_low,
        "precision_high": precision_high,
        "f1": scores.f1,
        "support": scores.support,
        "judged_so": int(judged.sum()),
    }
