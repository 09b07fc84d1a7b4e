"""The data set's own mix of groups and expressions, and mitigations before and after."""

from typing import Any

import pandas as pd
import streamlit as st

from core.measures.groups.mixing import Association
from core.measures.groups.wording import PREDICTED_BANNER
from ui.metrics.charts import association_figure, class_balance_figure
from ui.metrics.subjects import missing, missing_study, study
from ui.shared.figures import dark, show
from ui.shared.text import percent


def dataset_section() -> None:
    """Class balance, representational and stereotypical bias of FER-2013."""
    content = study("bias_dataset_fer2013")
    if content is None:
        missing("The data set has not been measured.", "mien bias dataset --data fer2013.parquet")
        return
    st.subheader("Class balance")
    counts = content["class_counts"]
    show(
        class_balance_figure(counts),
        pd.DataFrame(counts).rename_axis("expression").reset_index(),
        key="class_balance",
        reading="a model sees most of what has high bars; the evenness of the training labels is "
        f"{content['class_evenness']:.2f} of 1, as of {content['effective_classes']:.1f} equal "
        "classes.",
        alt="Images of each expression in each split",
    )
    _associations(content)


def _associations(content: dict[str, Any]) -> None:
    """Which groups are shown with which expression."""
    st.subheader("Groups and expressions")
    names = list(content["associations"])
    chosen = st.selectbox("Attribute", names, key="dataset_attribute")
    part = content["associations"][chosen]
    found = Association.model_validate(part["association"])
    if part["source"] == "predicted":
        st.warning(PREDICTED_BANNER, icon=":material/psychology_alt:")
    st.markdown(
        f"**Representation**: evenness {found.evenness:.2f} of 1, as of "
        f"{found.effective_groups:.2f} equal groups out of {len(found.counts)}. "
        f"**Stereotype**: Cramér's V {found.cramers_v:.3f} (0: groups and expressions are "
        "independent, 1: one determines the other)."
    )
    counted = pd.DataFrame(found.counts).T.rename_axis("group")
    show(
        association_figure(found, dark=dark()),
        counted.reset_index(),
        key="association",
        reading="blue with a plus: this group is shown with this expression more often than by "
        "chance, orange with a minus: less often (normalised pointwise mutual information).",
        alt=f"NPMI of {chosen} and expression",
    )
    st.caption(f"Labels {part['source']}. {part['note']} `{content['command']}`.")


def mitigation_section(model_id: str) -> None:
    """What was tried, before and after, with what it cost."""
    content = study(f"mitigation_{model_id}")
    if content is None:
        missing_study(
            "This comparison", "mitigation", model_id, "mien bias mitigate --data fer2013.parquet"
        )
        return
    st.write(content["introduction"])
    rows = content["rows"]
    st.dataframe(mitigation_frame(rows), hide_index=True, height="auto")
    st.caption(
        "**How to read it:** gaps and changes are percentage points; a change whose interval "
        "holds 0 is no more than chance gives, and the verdicts are corrected by Holm over all "
        "rows. Fitted on the validation split, measured on test."
    )
    if any("predicted" in row["attribute"] for row in rows):
        st.warning(PREDICTED_BANNER, icon=":material/psychology_alt:")
    for method, text in content["methods"].items():
        st.markdown(f"- **{method}**: {text}")
    st.download_button(
        "Download as CSV", pd.DataFrame(rows).to_csv(index=False), "mitigation.csv", "text/csv",
        on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    st.caption(f"`{content['command']}`")


def mitigation_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a method and attribute: gap and accuracy before and after, in words."""
    return pd.DataFrame(
        [
            {
                "what was tried": row["method"],
                "attribute": row["attribute"],
                "verdict": row["verdict"],
                "among": row["among"],
                "gap before": f"{100 * row['gap_before']:.1f}",
                "gap after": f"{100 * row['gap_after']:.1f}",
                "change (95 %)": _interval(row["gap_change"], *row["gap_change_ci95"]),
                "accuracy before": percent(row["accuracy_before"], 1),
                "accuracy change (95 %)": _interval(
                    row["accuracy_change"], *row["accuracy_change_ci95"]
                ),
            }
            for row in rows
        ]
    )


def _interval(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
