"""Compare: size, speed and accuracy of all models, and any two on the same images."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS
from core.measures.accuracy import wilson_interval
from core.measures.groups.gaps import ALPHA, holm
from core.measures.groups.wording import p_text
from core.measures.paired import PairedModels, mcnemar, pareto_front
from services.bias_audit import findings
from ui.metrics.charts import pareto_figure
from ui.metrics.subjects import JUDGES, PEOPLE, Subject, missing, study, subject
from ui.shared.figures import point, show
from ui.shared.resources import cards, report, settings
from ui.shared.text import percent, plain, signed
from ui.shared.widgets import choose

_COSTS = {
    "size_mb": "size (MB)",
    "ms_a_face": "time a face (ms, one thread)",
    "million_operations": "multiplications a face (millions)",
}


def compare(which: str) -> None:
    """Both parts; needs predictions of at least one model."""
    by = choose("Right is", JUDGES, "compare_by")
    subjects = [found for found in (subject(name, which, by) for name in cards()) if found]
    if not subjects:
        missing("What people say of the test images is not there.", "mien publish")
        return
    default = settings().default_model
    subjects.sort(key=lambda one: one.model_id != default)  # the app's own choice first
    _trade_off(subjects, by)
    st.header("Any two on the same images", anchor=False)
    if len(subjects) < 2:
        st.info("A comparison needs two models with stored predictions.")
        return
    two(subjects)


def trade_off_frame(subjects: list[Subject]) -> pd.DataFrame:
    """One row a model: accuracy with interval and what it costs."""
    _, speeds = _speeds()
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


def _trade_off(subjects: list[Subject], by: str) -> None:
    st.header("Size, speed, accuracy", anchor=False)
    frame = trade_off_frame(subjects)
    possible = [cost for cost in _COSTS if frame[cost].notna().any()]
    cost = choose("Cost", possible, "trade_off_cost", titles=_COSTS.__getitem__)
    without = frame.loc[frame[cost].isna(), "model"].tolist()
    frame = frame[frame[cost].notna()].reset_index(drop=True)
    frame["on_front"] = pareto_front(frame["accuracy"].tolist(), frame[cost].tolist())
    show(
        pareto_figure(frame, cost, _COSTS[cost]),
        frame,
        key="trade_off",
        says=_trade_off_says(frame, cost, by),
        reading="up is better, left is cheaper; a filled marker is a model that no other beats in "
        "both, a ring one that is beaten.",
        alt="Accuracy against cost of all models",
    )
    if by == PEOPLE:
        n = len(subjects[0].predictions)
        st.caption(f"On {n:,} test images of which more than half of ten people say the same.")
    elif for_people := [
        one.model_id for one in subjects if "people" in (report(one.model_id) or {})
    ]:
        st.caption(
            f"{' and '.join(for_people)} learned what people say rather than these labels, which "
            "are a search engine's."
        )
    if cost == "ms_a_face":
        left_out = f" Not measured yet: {', '.join(without)}." if without else ""
        st.caption(f"One face at a time on one thread of {_speeds()[0]}.{left_out}")


def _speeds() -> tuple[str, dict[str, Any]]:
    """The machine that `mien bias speed` ran on last, and what each model took there."""
    machines: dict[str, dict[str, Any]] = (study("speed") or {}).get("machines") or {"": {}}
    return list(machines.items())[-1]


def _trade_off_says(frame: pd.DataFrame, cost: str, by: str) -> str:
    best = frame.iloc[int(frame["accuracy"].argmax())]
    said = f"By {by} {best['model']} is right most often ({percent(best['accuracy'], 1)})"
    other = frame[frame["model"] == settings().default_model]
    if other.empty or other.iloc[0]["model"] == best["model"]:
        return f"{said}."
    mine = other.iloc[0]
    return (
        f"{said}; the app's own choice, {mine['model']}, lies "
        f"{100 * (best['accuracy'] - mine['accuracy']):.1f} points below at "
        f"{percent(mine[cost] / best[cost])} of its {_COSTS[cost].partition(' (')[0]}."
    )


def two(subjects: list[Subject], key: str = "compare") -> None:
    """Any two of the subjects, which are of the same images, with McNemar's test."""
    by_name = {one.model_id: one for one in subjects}
    left, right = st.columns(2)
    first = by_name[left.selectbox("First", list(by_name), key=f"{key}_first")]
    second = by_name[right.selectbox("Second", list(by_name), index=1, key=f"{key}_second")]
    if first.model_id == second.model_id:
        st.info("Choose two different models.")
        return
    test = mcnemar(first.predictions.right, second.predictions.right)
    pair = PairedModels(
        first=first.model_id, second=second.model_id, test=test, p_holm=test.p_value
    )
    point(findings.pair(pair))
    by_expression = _by_expression(first, second)
    st.dataframe(by_expression.drop(columns="p"), hide_index=True, height="auto")
    st.caption(
        "Share recognised of each expression; the difference is the first less the second, in "
        "points."
    )
    with st.expander("The test behind it", icon=":material/function:"):
        table = pd.DataFrame(
            {
                "": [f"{first.model_id} right", f"{first.model_id} wrong"],
                f"{second.model_id} right": [test.both, test.only_second],
                f"{second.model_id} wrong": [test.only_first, test.neither],
            }
        )
        st.dataframe(table, hide_index=True, height="auto")
        st.markdown(
            "Only the images on which the two disagree tell them apart. "
            f"{plain(findings.pair_test(pair))} Of each expression likewise, corrected by Holm "
            "over the seven:"
        )
        st.dataframe(by_expression[["expression", "p"]], hide_index=True, height="auto")


def _by_expression(first: Subject, second: Subject) -> pd.DataFrame:
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
                first.model_id: percent(float(a.mean()), 1),
                second.model_id: percent(float(b.mean()), 1),
                "difference": signed(100 * test.difference),
                "images": test.n,
            }
        )
    table = pd.DataFrame(rows)
    table["p"] = [p_text(value) for value in holm(p_values)]
    table["beyond chance"] = ["yes" if value < ALPHA else "no" for value in holm(p_values)]
    return table
