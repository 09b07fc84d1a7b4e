"""Bias breakdowns: shares by group, gaps beside what chance gives, where labels come from."""

from typing import Any

import pandas as pd
import streamlit as st

from core.measures.groups.breakdown import SOURCE_TEXTS, AttributeReport, BiasReport, Outcome
from core.measures.groups.wording import (
    PREDICTED_BANNER,
    gap_sentence,
    sensitivity_sentence,
    summary_rows,
)
from ui.metrics.charts import groups_figure
from ui.metrics.studies import dataset_section, mitigation_section
from ui.metrics.subjects import missing, missing_study, study
from ui.shared.figures import show
from ui.shared.resources import cards, default_report, settings

_SOURCES = {
    "FER-2013, measured": ("bias_measured", "mien bias measured --data fer2013.parquet"),
    "FER-2013, predicted age and gender": (
        "bias_predicted",
        "mien bias predicted --data fer2013.parquet --annotations utkface.parquet",
    ),
    "UTKFace, annotated": ("bias_utkface", "mien bias utkface --data utkface.parquet"),
    "The data set itself": ("", ""),
    "What was tried against it": ("", ""),
}


def groups(model_id: str) -> None:
    """The section: a source, then its breakdown."""
    st.write(
        "A model that is right on average may be wrong more often for some people or some "
        "pictures. Here every share has its count and interval, and every gap stands beside the "
        "gap that chance alone would give."
    )
    source = st.selectbox("Breakdown", list(_SOURCES), key="groups_source")
    if source == "The data set itself":
        dataset_section()
        return
    if source == "What was tried against it":
        mitigation_section(model_id)
        return
    name, command = _SOURCES[source]
    content = study(f"{name}_{model_id}")
    if content is None:
        missing_study("This breakdown", name, model_id, command)
        return
    if content["model_sha256"] != cards()[model_id].sha256:
        st.warning("Computed for another version of this model; run its command again.")
    breakdown(BiasReport.model_validate(content), key=name)


def breakdown(report: BiasReport, *, key: str) -> None:
    """One report: caveats, overview of the gaps, then one attribute and one outcome."""
    every = [*report.attributes, *report.intersections]
    if not every:
        st.info("This data has no column to group by.", icon=":material/group_off:")
        return
    for caveat in report.caveats:
        st.caption(caveat)
    _overview(report, key)
    by_name = {f"{one.name} ({one.source})": one for one in every}
    attribute = by_name[st.selectbox("Attribute", list(by_name), key=f"{key}_attribute")]
    if attribute.source == "predicted":
        st.warning(PREDICTED_BANNER, icon=":material/psychology_alt:")
    st.caption(f"Labels {SOURCE_TEXTS[attribute.source]}. {attribute.note}")
    if attribute.n_without:
        st.caption(f"{attribute.n_without:,} images have no value here and are left out.")
    outcome = attribute.outcomes[0]
    if len(attribute.outcomes) > 1:
        by_title = {one.title: one for one in attribute.outcomes}
        title = st.selectbox(
            "Compared share", list(by_title), key=f"{key}_outcome_{attribute.name}"
        )
        outcome = by_title[title]
    _outcome(report, attribute, outcome, key)
    _further(attribute, key)


def _overview(report: BiasReport, key: str) -> None:
    rows = summary_rows(report)
    if not rows:
        return
    st.markdown(f"**All attributes** ({report.title}, {report.n:,} images)")
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="auto", key=f"{key}_overview")
    st.caption(
        "**How to read it:** the gap is the best group's share less the worst group's; chance "
        "would stay below the next column in 95 of 100 cases if groups made no difference. "
        "p is corrected by Holm over the attributes."
    )


def _outcome(report: BiasReport, attribute: AttributeReport, outcome: Outcome, key: str) -> None:
    if not outcome.groups:
        st.info("Nothing to count here: no image belongs to this share.")
        return
    st.markdown(gap_sentence(outcome, report.kind))
    if attribute.sensitivity is not None and outcome is attribute.outcomes[0]:
        st.markdown(sensitivity_sentence(attribute.sensitivity))
    show(
        groups_figure(outcome),
        pd.DataFrame([row.model_dump() for row in outcome.groups]),
        key=f"{key}_groups",
        reading="each marker is a group with its 95 % interval; the dashed line is the share over "
        "all, the grey band as wide as chance spreads the groups.",
        alt=f"Share {outcome.title} by {attribute.name}",
    )
    hidden = [row for row in outcome.groups if row.status == "hidden"]
    if hidden:
        names = ", ".join(f"{row.group} (n={row.n})" for row in hidden)
        st.caption(f"Hidden because of fewer than 10 images: {names}.")


def _further(attribute: AttributeReport, key: str) -> None:
    odds = [
        (outcome.title, outcome.gap)
        for outcome in attribute.outcomes
        if outcome.key.startswith(("hit_", "false_")) and outcome.gap is not None
    ]
    if odds:
        with st.expander("Equalised odds: every expression", icon=":material/balance:"):
            rows = [
                {
                    "share": title,
                    "gap": round(gap.difference, 3),
                    "by chance (95 %)": round(gap.chance95, 3),
                    "p (Holm)": round(gap.p_holm or 1.0, 3),
                    "lowest": gap.lowest,
                    "highest": gap.highest,
                }
                for title, gap in odds
            ]
            st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"{key}_odds", height="auto")
            st.caption(
                "Odds are equalised where, for each expression, every group's faces are "
                "recognised as often and mistaken for it as often."
            )
    if attribute.further:
        with st.expander("Macro F1, calibration, uncertain share", icon=":material/table:"):
            st.dataframe(
                pd.DataFrame(attribute.further).round(3), hide_index=True,
                key=f"{key}_further", height="auto",
            )  # fmt: skip


def model_card(model_id: str) -> None:
    """The card in full: the readme that was written with it, and the file itself."""
    folder = settings().models_dir / model_id
    readme = folder / "README.md"
    if readme.exists():
        # On a phone its tables are wider than the page: they scroll, the page does not, and no
        # figure is parted from its unit.
        st.html(
            "<style>.st-key-model_card table{display:block;overflow-x:auto}"
            ".st-key-model_card td:not(:first-child){white-space:nowrap}</style>"
        )
        with st.container(key="model_card"):
            st.markdown(_headings_down(readme.read_text(encoding="utf-8")))
    else:
        missing(f"No readme is stored for {model_id}.", "mien publish")
    card: dict[str, Any] = cards()[model_id].model_dump()
    with st.expander("All fields of card.json", icon=":material/data_object:"):
        st.json(card)
    st.download_button(
        "Download the card (JSON)", (folder / "card.json").read_bytes(), f"{model_id}_card.json",
        "application/json", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if default_report() is None:
        missing("The model has not been evaluated.", "mien publish")


def _headings_down(markdown: str) -> str:
    """The readme's title becomes a subtitle: a page has one first heading."""
    return "\n".join(
        f"##{line}" if line.startswith("#") else line for line in markdown.splitlines()
    )
