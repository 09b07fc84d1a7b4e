"""For whom it works worse: gaps beside what chance gives, the data's own mix, mitigations."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.measures.groups import wording
from core.measures.groups.breakdown import SOURCE_TEXTS, AttributeReport, BiasReport, Outcome
from core.measures.groups.gaps import Gap
from core.measures.groups.mixing import Association
from services.bias_audit.tables import gaps_text
from ui.metrics import charts
from ui.metrics.subjects import missing, missing_study, study
from ui.shared.figures import clicked, dark, point, show
from ui.shared.resources import cards
from ui.shared.text import percent, plain, signed
from ui.shared.widgets import choose_part, download

# Title of a breakdown -> study and command; people before pixels.
_STUDIES = {
    "Guessed age and gender": (
        "bias_predicted",
        "mien bias predicted --data fer2013.parquet --annotations utkface.parquet",
    ),
    "Annotated age, gender and race": (
        "bias_utkface",
        "mien bias utkface --data utkface.parquet",
    ),
    "Pictures: light, sharpness, pose": (
        "bias_measured",
        "mien bias measured --data fer2013.parquet",
    ),
}
_DATASET, _MITIGATION = "The data set itself", "What was tried against it"
_SHOWN = 12  # bars on the chart; the table has all


def groups(model_id: str) -> None:
    """The section: gaps of everything measured, one of them closer, and two studies."""
    said = []
    for title, (name, _) in _STUDIES.items():
        content = study(f"{name}_{model_id}")
        if content is not None and content["kind"] == "error":
            said.append(f"{title}: {wording.gaps_say(BiasReport.model_validate(content))}")
    if said:
        point(" ".join(said))
    part = choose_part([*_STUDIES, _DATASET, _MITIGATION], "groups_source")
    if part == _DATASET:
        dataset_section()
    elif part == _MITIGATION:
        mitigation_section(model_id)
    else:
        _study(part, model_id)


def _study(title: str, model_id: str) -> None:
    name, command = _STUDIES[title]
    content = study(f"{name}_{model_id}")
    if content is None:
        missing_study("This breakdown", name, model_id, command)
        return
    if content["model_sha256"] != cards()[model_id].sha256:
        st.warning("Computed for another version of this model; run its command again.")
    breakdown(BiasReport.model_validate(content), key=name)


def compared(report: BiasReport) -> list[tuple[AttributeReport, Outcome]]:
    """Attributes with the outcome that is asked of them first, the largest gap first.

    Of a set without true expressions that is the outcome with the largest gap: which of them
    differs is what one wants to know.
    """
    found = []
    for attribute in [*report.attributes, *report.intersections]:
        outcome = attribute.outcomes[0]
        if report.kind == "disparity":
            outcome = max(
                attribute.outcomes, key=lambda one: one.gap.difference if one.gap else -1.0
            )
        found.append((attribute, outcome))
    return sorted(found, key=lambda pair: -pair[1].gap.difference if pair[1].gap else 1.0)


def gap_rows(report: BiasReport) -> list[tuple[str, Gap]]:
    """The gaps of `compared` with their names, the largest first."""
    disparity = report.kind == "disparity"
    return [
        (f"{one.name}: {outcome.title}" if disparity else one.name, outcome.gap)
        for one, outcome in compared(report)
        if outcome.gap is not None
    ]


def breakdown(report: BiasReport, *, key: str) -> None:
    """One report: its gaps by size, then one attribute closer, then where it all comes from."""
    pairs = compared(report)
    if not pairs:
        st.info("This data has no column to group by.", icon=":material/group_off:")
        return
    if any(one.source == "predicted" for one, _ in pairs):
        st.warning(wording.PREDICTED_BANNER, icon=":material/psychology_alt:")
    by_name = {one.name: (one, outcome) for one, outcome in pairs}
    _gaps(report, pairs, key)
    st.header("One of them closer", anchor=False)
    attribute, outcome = by_name[st.selectbox("Groups by", by_name, key=f"{key}_attribute")]
    if len(attribute.outcomes) > 1:
        by_title = {one.title: one for one in attribute.outcomes}
        title = st.selectbox(
            "Compared share",
            list(by_title),
            index=list(by_title).index(outcome.title),
            key=f"{key}_outcome_{attribute.name}",
        )
        outcome = by_title[title]
    _outcome(report, attribute, outcome, key)
    _further(attribute, key)
    for caveat in report.caveats:
        st.caption(plain(caveat))


def _gaps(report: BiasReport, pairs: list[tuple[AttributeReport, Outcome]], key: str) -> None:
    disparity = report.kind == "disparity"
    rows = gap_rows(report)[:_SHOWN]
    named = [one for one, outcome in pairs if outcome.gap is not None]
    if not rows:
        point(wording.gaps_say(report))
        return
    event = show(
        charts.gaps_figure(rows),
        pd.DataFrame(wording.summary_rows(report)),
        key=f"{key}_gaps",
        says=_largest(pairs) if disparity else wording.gaps_say(report),
        reading="a bar is the difference between the best and the worst group; the grey band "
        "behind it is what chance alone would stay within. Of several bars some pass it by luck; "
        "only what passes it clearly is called beyond chance. Click a bar to look closer.",
        alt="Gaps between groups beside what chance gives",
        on_select="rerun",
        selection_mode="points",
    )
    if found := clicked(event, key):
        label = found[0] if isinstance(found, list) else found
        names = {row[0]: one.name for row, one in zip(rows, named, strict=False)}
        st.session_state[f"{key}_attribute"] = names[label]


def _largest(pairs: list[tuple[AttributeReport, Outcome]]) -> str:
    attribute, outcome = pairs[0]
    gap = outcome.gap
    if gap is None:
        return "No attribute has two groups that are large enough to be compared."
    return (
        f"Faces differ most by {attribute.name} in the share {outcome.title}: "
        f"{100 * gap.difference:.1f} points between “{gap.lowest}” and “{gap.highest}”. Without "
        "true labels that is a difference and not an error: people in these pictures may show "
        "different expressions."
    )


def _outcome(report: BiasReport, attribute: AttributeReport, outcome: Outcome, key: str) -> None:
    if not outcome.groups:
        st.info("Nothing to count here: no image belongs to this share.")
        return
    st.markdown(verdict_badge(outcome))
    says = wording.gap_sentence(outcome, report.kind)
    if attribute.sensitivity is not None and outcome is attribute.outcomes[0]:
        says += f" {wording.sensitivity_sentence(attribute.sensitivity)}"
    show(
        charts.groups_figure(outcome),
        pd.DataFrame([row.model_dump() for row in outcome.groups]),
        key=f"{key}_groups",
        says=says,
        reading="each marker is a group with its 95 % interval; the dashed line is the share over "
        f"all{', the grey band as wide as chance spreads the groups' if outcome.gap else ''}.",
        alt=f"Share {outcome.title} by {attribute.name}",
    )
    hidden = [row for row in outcome.groups if row.status == "hidden"]
    if hidden:
        names = ", ".join(f"{plain(row.group)} (n={row.n})" for row in hidden)
        st.caption(f"Hidden because of fewer than 10 images: {names}.")
    without = f" {attribute.n_without:,} images have no value here." if attribute.n_without else ""
    st.caption(f"Labels {SOURCE_TEXTS[attribute.source]}. {plain(attribute.note)}{without}")


def verdict_badge(outcome: Outcome) -> str:
    """Whether chance explains the gap, in words and colour."""
    if outcome.gap is None:
        return ":gray-badge[:material/remove: too few images]"
    if outcome.gap.beyond_chance:
        return ":orange-badge[:material/warning: beyond chance]"
    return ":blue-badge[:material/check: no more than chance gives]"


def _further(attribute: AttributeReport, key: str) -> None:
    with st.expander("Every share, and the tests behind it", icon=":material/balance:"):
        table = gaps_text(attribute)
        st.dataframe(table, hide_index=True, key=f"{key}_odds", height="auto")
        first = attribute.outcomes[0].gap
        if first is not None:
            st.caption(wording.gap_test(first))
        st.caption(
            "Odds are equalised where, for each expression, every group's faces are recognised "
            "as often and mistaken for it as often."
        )
        if attribute.further:
            further = pd.DataFrame(attribute.further).round(3)
            st.dataframe(further, hide_index=True, key=f"{key}_further", height="auto")


def dataset_section() -> None:
    """Class balance, representational and stereotypical bias of FER-2013."""
    content = study("bias_dataset_fer2013")
    if content is None:
        missing("The data set has not been measured.", "mien bias dataset --data fer2013.parquet")
        return
    counts = content["class_counts"]
    show(
        charts.class_balance_figure(counts),
        pd.DataFrame(counts).reset_index(names="expression"),
        key="class_balance",
        says=_balance_says(counts),
        reading="a model sees most of what has high bars; the evenness of the training labels is "
        f"{content['class_evenness']:.2f} of 1, as of {content['effective_classes']:.1f} equal "
        "classes.",
        alt="Images of each expression in each split",
    )
    _associations(content)


def _balance_says(counts: Mapping[str, Mapping[str, int]]) -> str:
    split, by_class = max(counts.items(), key=lambda entry: sum(entry[1].values()))
    most, fewest = (some(by_class, key=by_class.__getitem__) for some in (max, min))
    times = by_class[most] / max(by_class[fewest], 1)
    return (
        f"Of the {split} pictures {by_class[most]:,} are labelled {most} and only "
        f"{by_class[fewest]:,} {fewest}: {times:.0f} times as many."
    )


def _association_says(found: Association) -> str:
    cells = [
        (value, group, label) for group, row in found.npmi.items() for label, value in row.items()
    ]
    (value, group, label), (less, other, rare) = max(cells), min(cells)
    return (
        f"“{group}” is shown as {label} most beyond chance ({signed(value, 2)}), “{other}” as "
        f"{rare} most below it ({signed(less, 2)}); 0 is no connection, 1 a certain one."
    )


def _associations(content: dict[str, Any]) -> None:
    st.header("Groups and expressions", anchor=False)
    names = list(content["associations"])
    chosen = st.selectbox("Attribute", names, key="dataset_attribute")
    part = content["associations"][chosen]
    found = Association.model_validate(part["association"])
    if part["source"] == "predicted":
        st.warning(wording.PREDICTED_BANNER, icon=":material/psychology_alt:")
    show(
        charts.association_figure(found, dark=dark()),
        pd.DataFrame(found.counts).T.reset_index(names="group"),
        key="association",
        says=_association_says(found),
        reading="blue with a plus: this group is shown with this expression more often than by "
        "chance, orange with a minus: less often (normalised pointwise mutual information).",
        alt=f"NPMI of {chosen} and expression",
    )
    st.caption(
        f"Labels {part['source']}. {part['note']} The groups are as even as "
        f"{found.effective_groups:.2f} equal ones out of {len(found.counts)}; Cramér's V of group "
        f"and expression is {found.cramers_v:.3f} (0: independent, 1: one determines the other). "
        f"`{content['command']}`"
    )


def mitigation_section(model_id: str) -> None:
    """What was tried, before and after, with what it cost."""
    content = study(f"mitigation_{model_id}")
    if content is None:
        command = "mien bias mitigate --data fer2013.parquet"
        missing_study("This comparison", "mitigation", model_id, command)
        return
    rows = content["rows"]
    point(_mitigation_says(rows))
    st.caption(content["introduction"])
    st.dataframe(mitigation_frame(rows), hide_index=True, height="auto")
    st.caption(
        "**How to read it:** gaps and changes are percentage points; a change whose interval "
        "holds 0 is no more than chance gives, and the verdicts are corrected by Holm over all "
        "rows. Fitted on the validation split, measured on test."
    )
    if any("predicted" in row["attribute"] for row in rows):
        st.warning(wording.PREDICTED_BANNER, icon=":material/psychology_alt:")
    for method, text in content["methods"].items():
        st.markdown(f"- **{method}**: {text}")
    download("Download as CSV", pd.DataFrame(rows).to_csv(index=False), "mitigation.csv")
    st.caption(f"`{content['command']}`")


def _mitigation_says(rows: list[dict[str, Any]]) -> str:
    smaller = [row for row in rows if row["gap_change_ci95"][1] < 0]
    if not smaller:
        return f"None of the {len(rows)} attempts made a gap smaller by more than chance gives."
    best = min(smaller, key=lambda row: row["gap_change"])
    return (
        f"{len(smaller)} of {len(rows)} attempts made a gap smaller, by its interval. Most: "
        f"{best['method']} for {best['attribute']}, {-100 * best['gap_change']:.1f} points, with "
        f"accuracy changed by {signed(100 * best['accuracy_change'])}."
    )


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
    return f"{signed(100 * value)} ({signed(100 * low)} to {signed(100 * high)})"
