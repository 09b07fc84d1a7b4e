"""Overview: how right, each expression by itself; and the model's own card."""

import re
from typing import Any

import pandas as pd
import streamlit as st

from core.measures.accuracy import wilson_interval
from services.bias_audit import findings, tables
from ui.metrics.charts import expressions_figure
from ui.metrics.subjects import Subject, joined, missing, share_with_interval
from ui.shared.figures import show
from ui.shared.resources import cards, default_report, report, settings
from ui.shared.text import percent
from ui.shared.widgets import download


def overview(subjects: list[Subject], *, own_data: bool = False) -> None:
    """What is right and what is not, of all subjects; then all headline figures.

    Args:
        subjects: models with their verdicts.
        own_data: whether the pictures are a visitor's, not FER-2013's.
    """
    if not own_data:
        _what_people_say([one.model_id for one in subjects])
    named = {one.model_id: one.predictions for one in subjects}
    by_model = {name: tables.expressions(p) for name, p in named.items()}
    first = subjects[0]
    of_first = f"{first.model_id}: " if len(subjects) > 1 else ""
    st.header("Your labels" if own_data else "FER-2013's own labels", anchor=False)
    show(
        expressions_figure(by_model),
        joined(by_model),
        key="overview",
        says=f"{findings.accuracy(named)} {of_first}{findings.expressions(first.predictions)}",
        reading="a bar is the share of the faces labelled so that are recognised, with its 95 % "
        "interval; where those of two models overlap, look at *Compare* before calling one "
        "better.",
        alt="Share recognised of each expression",
    )
    st.header("All figures", anchor=False)
    st.dataframe(tables.overview(subjects), hide_index=True, height="auto")
    st.caption(
        "In brackets the 95 % interval. Balanced accuracy is the mean share recognised over the "
        "expressions, so that rare ones count as much as common ones."
    )
    st.header("Each expression", anchor=False)
    one = pick(subjects, "per_class")
    st.dataframe(tables.expressions_text(one.predictions), hide_index=True, height="auto")


def _what_people_say(model_ids: list[str]) -> None:
    measured = {name: found for name in model_ids if (found := report(name)) and "people" in found}
    if not measured:
        return
    st.header("What people say", anchor=False)
    by_model = {name: _recalls(found["people"]) for name, found in measured.items()}
    best = max(measured, key=lambda name: measured[name]["people"]["clear_agreement"])
    people = measured[best]["people"]
    table = by_model[best].set_index("expression")["recall"]
    show(
        expressions_figure(by_model),
        joined(by_model),
        key="people",
        says=f"Where most of ten people agree on a picture, {best} says the same in "
        f"{percent(people['clear_agreement'], 1)} of {people['n_clear']:,}. Of what people call "
        f"{table.idxmin()} it misses most: {percent(table.min())} recognised.",
        reading="a bar is the share of the test pictures that most of ten taggers call so "
        "(FER+ votes) and the model, too.",
        alt="Share recognised of what most people say, by expression",
    )
    figures = pd.DataFrame({name: _people_figures(found) for name, found in measured.items()})
    st.dataframe(figures.reset_index(names="figure"), hide_index=True, height="auto")


def _recalls(people: dict[str, Any]) -> pd.DataFrame:
    """Columns `expression, recall, recall_low, recall_high, support` of the clear faces."""
    counts = people.get("clear_counts", {})
    rows = []
    for name, recall in people["clear_recall"].items():
        n = counts.get(name, 0)
        low, high = wilson_interval(round(recall * n), n) if n else (recall, recall)
        rows.append((name, recall, low, high, n))
    columns = ["expression", "recall", "recall_low", "recall_high", "support"]
    return pd.DataFrame(rows, columns=columns)


def _people_figures(found: dict[str, Any]) -> dict[str, str]:
    people = found["people"]
    figures = {
        "agrees with people, clear pictures": share_with_interval(
            people["clear_agreement"], *people["clear_ci95"]
        ),
        "the same, every expression counting alike": percent(people["clear_balanced"], 1),
        "agrees with people, all pictures": percent(people["agreement"], 1),
        "error of a predicted share": f"{100 * people['share_error']:.1f} points",
        "correlation of shares": f"{people['share_correlation']:.2f}",
    }
    for name, photos in (found.get("photos") or {}).items():
        balanced = percent(photos["balanced_accuracy"], 1)
        figures[f"{name}: accuracy"] = percent(photos["accuracy"], 1)
        figures[f"{name}: every expression counting alike"] = balanced
    return figures


def pick(subjects: list[Subject], key: str) -> Subject:
    """One of the chosen models; asks only where there are several."""
    if len(subjects) == 1:
        return subjects[0]
    by_name = {one.model_id: one for one in subjects}
    return by_name[st.selectbox("Model", list(by_name), key=f"{key}_model")]


def model_card(model_id: str) -> None:
    """The card in full: the readme that was written with it, and the file itself."""
    folder = settings().models_dir / model_id
    readme = folder / "README.md"
    if readme.exists():
        with st.container(key="model_card"):
            # Its title becomes a subtitle: a page has one first heading.
            st.markdown(re.sub("^#", "###", readme.read_text(encoding="utf-8"), flags=re.M))
    else:
        missing(f"No readme is stored for {model_id}.", "mien publish")
    with st.expander("All fields of card.json", icon=":material/data_object:"):
        st.json(cards()[model_id].model_dump())
    content = (folder / "card.json").read_bytes()
    download("Download the card (JSON)", content, f"{model_id}_card.json")
    if default_report() is None:
        missing("The model has not been evaluated.", "mien publish")
