"""What the landmark study found: HELEN's errors and the experiments E1 to E5, each with figure."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from ui.landmarks import figures
from ui.metrics.subjects import missing, read_json, share_with_interval
from ui.shared.figures import show
from ui.shared.resources import cards, settings
from ui.shared.text import percent, signed
from ui.shared.widgets import choose, choose_part

COMMAND = "mien study landmarks --fer fer2013.parquet --helen helen68.parquet"


def study_section() -> None:
    """The study, part by part, or what makes it where it is missing."""
    content = read_json(settings().models_dir / "studies" / "landmarks.json")
    if not isinstance(content, dict) or "accuracy" not in content:
        missing("The study has not been made for this installation.", COMMAND)
        return
    key, render = PARTS[choose_part(list(PARTS), "study_part")]
    st.markdown(f"**What it shows.** {content[key]['conclusion']}")
    render(content[key])
    _provenance(content)


def _provenance(content: dict[str, Any]) -> None:
    made_with = content["model"]
    st.caption(
        f"Model {made_with['id']}, {content['made']}, `{content['command']}`. Experiments by the "
        "project itself on public sets; intervals are 95 %, tests are paired."
    )
    card = cards().get(made_with["id"])
    if card is None or card.sha256 != made_with["sha256"]:
        st.warning(
            "The study was made with another version of the model than the one installed now.",
            icon=":material/history:",
        )


def _accuracy(part: dict[str, Any]) -> None:
    methods = part["methods"]
    st.dataframe(_methods_table(methods), hide_index=True, height="auto")
    st.caption(f"{part['dataset']}. Normaliser: {part['normaliser']}. {' '.join(part['notes'])}")
    left, right = st.columns(2)
    with left:
        curves = part["curves"]
        show(
            figures.error_curves(curves, 0.08),
            pd.DataFrame(
                {"error": next(iter(curves.values()))["error"]}
                | {name: curve["share"] for name, curve in curves.items()}
            ),
            key="landmark_error_curves",
            reading="the higher a line rises on the left, the more faces have points that are "
            "nearly exact; faces that were not found count as failures.",
            alt="Cumulated errors of each landmark method",
        )
    with right:
        show(
            figures.region_errors(methods),
            pd.DataFrame({name: m["by_region"] for name, m in methods.items()})
            .rename_axis("region")
            .reset_index(),
            key="landmark_region_errors",
            reading="further left is more exact; a jaw has no corners, so people too differ in "
            "where along it a point belongs.",
            alt="Mean error by part of the face",
        )


def _methods_table(methods: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "method": name,
                "mean error": share_with_interval(m["mean"], *m["mean_ci95"], digits=2),
                "AUC at 8 %": "–" if m["auc"] is None else f"{m['auc']:.3f}",
                "failures (over 8 % or not found)": share_with_interval(
                    m["failure_rate"], *m["failure_rate_ci95"], digits=2
                ),
                "not found": f"{m['n_missed']} of {m['n']}",
            }
            for name, m in methods.items()
        ]
    )


def _noise(part: dict[str, Any]) -> None:
    rows = part["rows"]
    sets = list(dict.fromkeys((row["set"], row["aligned_by"]) for row in rows))
    index = next((i for i, pair in enumerate(sets) if pair == ("FER-2013 test", "five")), 0)
    chosen = st.selectbox(
        "Set and alignment",
        sets,
        index=index,
        key="noise_set",
        format_func=lambda pair: f"{pair[0]}, aligned by {pair[1]}",
    )
    mine = [row for row in rows if (row["set"], row["aligned_by"]) == chosen]
    has_labels = "accuracy" in mine[0]
    value = "accuracy" if has_labels else "label_changed"
    show(
        figures.noise_lines(
            mine, value, "accuracy" if has_labels else "faces whose label changed"
        ),
        figures.flat(mine),
        key="landmark_noise",
        reading="each step to the right doubles the error of the points; a line that stays level "
        "means that such errors hardly matter.",
        alt="Accuracy by the size of the landmark error",
    )
    swapped = [row for row in mine if row["level"] == 1]
    if swapped and has_labels:
        st.caption(
            f"Eyes exchanged altogether: {100 * swapped[0]['accuracy']:.1f} % right "
            f"({signed(100 * swapped[0]['change'])} points)."
        )
    st.caption(" ".join(f"**{kind}**: {text}." for kind, text in part["kinds"].items()))


def _sources(part: dict[str, Any]) -> None:
    sets = list(dict.fromkeys(row["set"] for row in part["rows"]))
    chosen = choose("Set", sets, "e2_set", default=sets[-1])
    mine = [row for row in part["rows"] if row["set"] == chosen]
    show(
        figures.change_dots([row for row in mine if "change" in row], "aligned_by"),
        figures.flat(mine),
        key="landmark_sources",
        reading="right of the line the crop aligned so is judged better than the box alone, left "
        "of it worse; the control moves the box by half a pixel.",
        alt="Change of accuracy by what aligns the crop",
    )
    st.markdown("**On photos with true points**")
    st.dataframe(_photo_table(part["photos"]["rows"]), hide_index=True, height="auto")
    st.caption(
        "The same photo aligned by the points that people set is the reference: how often the "
        "leading expression is another one, and what share of the scores moved."
    )
    links = part["photos"]["nme_and_scores"]
    names = list(links)
    method = st.selectbox("Method", names, index=names.index("mesh, learned"), key="e2_method")
    link = links[method]
    low, high = link["ci95"]
    show(
        figures.error_and_scores(link),
        pd.DataFrame({"nme": link["nme"], "mass_moved": link["mass_moved"]}),
        key="landmark_error_and_scores",
        reading="a cloud that rises means that worse points go with other scores: rank "
        f"correlation {signed(link['spearman'], 2)} (95 % interval {signed(low, 2)} to "
        f"{signed(high, 2)}, {link['n']} faces). An association, not a cause.",
        alt="Landmark error against the change of the scores",
    )


def _photo_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "aligned by": row["aligned_by"],
                "error of the points": percent(row["mean_nme"], 1) if "mean_nme" in row else "–",
                "label changed": percent(row["label_changed"], 1),
                "scores moved": percent(row["mass_moved"], 1),
                "faces": row["n"],
                "not found": row["n_missed"],
            }
            for row in rows
        ]
    )


def _conditions(part: dict[str, Any]) -> None:
    show(
        figures.odds_ratios(part["regression"]),
        figures.flat(part["regression"]),
        key="landmark_odds",
        reading="right of 1 goes with right labels, left of 1 with wrong ones, while the others "
        "and the true label are held; an interval over 1 says nothing either way.",
        alt="Odds ratios of being right by covariate",
    )
    names = list(part["covariates"])
    name = st.selectbox("Accuracy by", names, key="e3_covariate")
    mine = [row for row in part["bins"] if row["covariate"] == name]
    show(
        figures.bin_line(mine, part["covariates"][name]),
        figures.flat(mine),
        key="landmark_bins",
        reading="fifths of the crops from low to high; here nothing is held, so other causes mix "
        "in.",
        alt=f"Accuracy by fifths of {name}",
    )
    st.markdown("**Covered on purpose**")
    show(
        figures.change_dots(part["covered"], "covered"),
        figures.flat(part["covered"]),
        key="landmark_covered",
        reading="what painting a part of the crop grey costs, and in the table how far the mesh "
        "moves by it, in distances between the eyes.",
        alt="Change of accuracy when parts of the face are covered",
    )


def _jitter(part: dict[str, Any]) -> None:
    show(
        figures.jitter_bars(part["rows"]),
        figures.flat(part["rows"]),
        key="landmark_jitter",
        reading="a still face should keep its label; lower is steadier.",
        alt="Changes of the label on a still face",
    )
    tremble = part["point_jitter"]
    st.caption(
        f"{part['set']}: {part['n_faces']} faces, {part['n_frames']} frames each, noise of "
        f"{part['noise_grey_levels']:.0f} grey levels, JPEG quality {part['jpeg_quality']}; "
        f"{part['n_lost']} faces were lost in a frame and are not in it. Points: "
        f"{100 * tremble['mean']:.2f} % of the distance between the eyes, 95th percentile "
        f"{100 * tremble['p95']:.2f} %."
    )


def _fusion(part: dict[str, Any]) -> None:
    rows = [*part["alone"], *part["pixels"]]
    show(
        figures.accuracy_dots(rows),
        figures.flat(rows),
        key="landmark_fusion",
        reading="further right is better; crops without a mesh count as wrong for landmarks.",
        alt="Accuracy of landmarks, blendshapes and pixels",
    )
    comparisons = [
        {"comparison": title, **part[key]}
        for key, title in (
            ("validation_cross_validated", "both – pixels, validation (cross-validated)"),
            ("test", "both – pixels, test"),
            ("test_against_refitted_pixels", "both – refitted pixels, test"),
        )
    ]
    show(
        figures.change_dots(comparisons, "comparison"),
        figures.flat(comparisons),
        key="landmark_fusion_change",
        reading="right of the line, landmarks beside the pixels raise the accuracy.",
        alt="Change of accuracy when landmarks join the pixels",
    )


PARTS: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "How exact are points?": ("accuracy", _accuracy),
    "Wrong points": ("e1", _noise),
    "What aligns": ("e2", _sources),
    "Conditions": ("e3", _conditions),
    "Jitter": ("e4", _jitter),
    "Landmarks alone": ("e5", _fusion),
}
