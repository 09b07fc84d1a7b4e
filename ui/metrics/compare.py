"""Compare: size, speed and accuracy of all models, and any two on the same images."""

import numpy as np
import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS
from core.measures.accuracy import wilson_interval
from core.measures.groups.wording import p_text
from core.measures.paired import McNemar, mcnemar, pareto_front
from ui.metrics.charts import pareto_figure
from ui.metrics.subjects import Subject, study, subject
from ui.shared.figures import show
from ui.shared.resources import cards
from ui.shared.text import percent

_COSTS = {
    "size_mb": "size of the file (MB)",
    "ms_a_face": "milliseconds a face, one thread",
    "million_operations": "million multiply-accumulates a face",
}


def compare(which: str) -> None:
    """Both parts; needs predictions of at least one model."""
    subjects = [found for found in (subject(name, which) for name in cards()) if found]
    _trade_off(subjects)
    st.subheader("Any two on the same images")
    if len(subjects) < 2:
        st.info("A comparison needs two models with stored predictions.")
        return
    two(subjects)


def trade_off_frame(subjects: list[Subject]) -> pd.DataFrame:
    """One row a model: accuracy with interval and what it costs."""
    speeds = (study("speed") or {}).get("models", {})
    rows = []
    for one in subjects:
        card, right = cards()[one.model_id], one.predictions.right
        low, high = wilson_interval(int(right.sum()), len(right))
        measured = speeds.get(one.model_id, {})
        fits = measured.get("model_sha256") == card.sha256
        rows.append(
            {
                "model": one.model_id,
                "accuracy": float(right.mean()),
                "low": low,
                "high": high,
                "size_mb": card.n_bytes / 1e6,
                "ms_a_face": measured["p50_ms"] if fits else np.nan,
                "million_operations": card.n_macs * (2 if card.flip_average else 1) / 1e6,
            }
        )
    return pd.DataFrame(rows)


def _trade_off(subjects: list[Subject]) -> None:
    st.subheader("Size, speed, accuracy")
    frame = trade_off_frame(subjects)
    possible = [cost for cost in _COSTS if frame[cost].notna().all()]
    cost = st.segmented_control(
        "Cost", possible, default=possible[0], required=True, key="trade_off_cost",
        format_func=lambda name: _COSTS[name],
    )  # fmt: skip
    frame["on_front"] = pareto_front(frame["accuracy"].tolist(), frame[cost].tolist())
    show(
        pareto_figure(frame, cost, _COSTS[cost]),
        frame,
        key="trade_off",
        reading="up is better, left is cheaper; a filled marker is a model that no other beats in "
        "both (the Pareto front).",
        alt="Accuracy against cost of all models",
    )
    speed = study("speed")
    if "ms_a_face" in possible and speed:
        st.caption(f"Speed by `{speed['command']}` on {speed['cpu']}.")
    else:
        st.caption("Milliseconds are shown once `mien bias speed` has measured these models.")


def two(subjects: list[Subject], key: str = "compare") -> None:
    """Any two of the subjects, which are of the same images, with McNemar's test."""
    by_name = {one.name: one for one in subjects}
    left, right = st.columns(2)
    first = by_name[left.selectbox("First", list(by_name), key=f"{key}_first")]
    second = by_name[right.selectbox("Second", list(by_name), index=1, key=f"{key}_second")]
    if first.name == second.name:
        st.info("Choose two different models.")
        return
    test = mcnemar(first.predictions.right, second.predictions.right)
    st.markdown(verdict(first.name, second.name, test))
    table = pd.DataFrame(
        {
            f"{second.name} right": [test.both, test.only_second],
            f"{second.name} wrong": [test.only_first, test.neither],
        },
        index=[f"{first.name} right", f"{first.name} wrong"],
    )
    st.dataframe(table, height="auto")
    st.caption(
        "**How to read it:** only the images on which the two disagree tell them apart. McNemar's "
        f"test, {'exact binomial' if test.exact else 'chi-squared with correction'}, two-sided: "
        f"p\u00a0=\u00a0{p_text(test.p_value)}."
    )
    st.dataframe(_by_expression(first, second), hide_index=True, height="auto")
    st.caption(
        "Recall of each expression; p by McNemar on its images, corrected by Holm over the seven."
    )


def verdict(first: str, second: str, test: McNemar) -> str:
    """One sentence in plain words."""
    low, high = test.difference_ci95
    points = (
        f"{100 * abs(test.difference):.1f} points "
        f"(95\u00a0%: {100 * low:+.1f} to {100 * high:+.1f})"
    )
    if test.p_value >= 0.05:
        return (
            f"**{first}** and **{second}** differ by {points}: no more than chance gives "
            f"on {test.n:,} images. That does not show them to be equal."
        )
    better, worse = (first, second) if test.difference > 0 else (second, first)
    return f"**{better}** is right more often than **{worse}**, by {points}, beyond chance."


def _by_expression(first: Subject, second: Subject) -> pd.DataFrame:
    from core.measures.groups.gaps import holm

    rows, p_values = [], []
    for index, name in enumerate(EMOTIONS):
        inside = first.predictions.labels == index
        if not inside.any():
            continue
        a, b = first.predictions.right[inside], second.predictions.right[inside]
        test = mcnemar(a, b)
        p_values.append(test.p_value)
        rows.append(
            {
                "expression": name,
                first.name: percent(float(a.mean()), 1),
                second.name: percent(float(b.mean()), 1),
                "difference (points)": f"{100 * test.difference:+.1f}",
                "support": test.n,
            }
        )
    table = pd.DataFrame(rows)
    table["p (Holm)"] = [p_text(value) for value in holm(p_values)]
    return table
