"""How gaps between groups are put into words; docs/fairness-wording.md says why.

The word "bias" stands only for errors whose gap chance does not explain. Nothing here says that
a model is free of it.
"""

from typing import Any, Final

from core.measures.groups.breakdown import SECONDARY, BiasReport, Kind, Outcome
from core.measures.groups.gaps import ALPHA, MIN_JUDGED, Gap, Sensitivity

PREDICTED_BANNER: Final = (
    "These groups are guesses of a small model about how old or of which gender a face looks, "
    "not what the people say of themselves. It is wrong in a known share of cases and more often "
    "for some faces than for others, so a gap seen here is a hint, not a finding about people."
)


def points(share: float) -> str:
    """A difference of shares in percentage points: `points(0.123)` is "12.3 points"."""
    return f"{100 * share:.1f} points"


def gap_sentence(outcome: Outcome, kind: Kind) -> str:
    """What the gap of an outcome says."""
    gap = outcome.gap
    if gap is None:
        return (
            f"No gap is computed: fewer than two groups have {MIN_JUDGED} images or more, and "
            "smaller ones differ by chance alone."
        )
    size = (
        f"“{gap.lowest}” lies {points(gap.difference)} below “{gap.highest}” "
        f"(95\u00a0%: {100 * gap.low:.1f} to {100 * gap.high:.1f}); chance alone stays below "
        f"{points(gap.chance95)} in 95 of 100 cases"
    )
    if not gap.beyond_chance:
        several = " once several gaps are tested" if gap.difference > gap.chance95 else ""
        return f"No more than chance gives{several}: {size}. That does not show equality."
    finding = "Disparity beyond chance"
    if kind == "error":  # details are tested on their own, so "bias" stands for the main question
        finding = "Gap beyond chance" if outcome.family == SECONDARY else "Bias found"
    return f"{finding}, share {outcome.title}: {size}.{_same_mix_sentence(outcome)}"


def gap_test(gap: Gap) -> str:
    """The test behind `gap_sentence`, for those who want to know."""
    corrected = "not corrected" if gap.p_holm is None else f"{p_text(gap.p_holm)} after Holm"
    ratio = "" if gap.ratio is None else f"; ratio of the shares {gap.ratio:.2f}"
    return f"Permutation test over {gap.n_groups} groups: p {corrected}{ratio}."


def _same_mix_sentence(outcome: Outcome) -> str:
    """Whether other expressions in the groups explain the gap."""
    gap = outcome.gap
    if gap is None or gap.same_mix is None or gap.same_mix_chance95 is None:
        return ""
    if gap.same_mix > gap.same_mix_chance95 and (gap.same_mix_p_value or 1) < ALPHA:
        return (
            f" With the same mix of expressions in every group {points(gap.same_mix)} of it "
            "remain, still beyond chance."
        )
    return (
        f" With the same mix of expressions in every group it is {points(gap.same_mix)}, no more "
        "than chance gives: the groups show other expressions, some of which are harder."
    )


def sensitivity_sentence(band: Sensitivity) -> str:
    """What the annotator's own errors do to the gap."""
    return (
        f"If {100 * band.error_share:.0f}\u00a0% of these labels are wrong (the annotator's "
        f"own held-out error), redrawing as many again leaves a gap of {points(band.middle)} "
        f"({100 * band.low:.1f} to {100 * band.high:.1f}); wrong labels hide gaps, so the true "
        "one is rather larger than the one seen."
    )


def gaps_say(report: BiasReport) -> str:
    """How many attributes have a gap that chance does not explain, and the largest of them."""
    found = [
        (one.outcomes[0].gap, one.name)
        for one in [*report.attributes, *report.intersections]
        if one.outcomes[0].gap is not None
    ]
    if not found:
        return "No attribute has two groups that are large enough to be compared."
    beyond = sorted(
        ((gap.difference, name, gap) for gap, name in found if gap and gap.beyond_chance),
        key=lambda entry: -entry[0],
    )
    if not beyond:
        who = "None of the groupings differs" if len(found) > 1 else "The one grouping differs not"
        return f"{who} by more than chance gives; that does not show that groups fare alike."
    difference, name, gap = beyond[0]
    return (
        f"{len(beyond)} of {len(found)} grouping{'s' * (len(found) != 1)} "
        f"differ{'s' * (len(beyond) == 1)} by more than chance gives. Most by {name}: "
        f"“{gap.lowest}” lies {points(difference)} below “{gap.highest}”."
    )


def p_text(p_value: float) -> str:
    """A p value as people write it: `p_text(0.00001)` is "< 0.001"."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def summary_rows(report: BiasReport) -> list[dict[str, Any]]:
    """One row an attribute: its first outcome's gap, what chance gives, and the verdict."""
    found = "bias found" if report.kind == "error" else "disparity"
    rows = []
    for attribute in [*report.attributes, *report.intersections]:
        outcome = attribute.outcomes[0]
        gap = outcome.gap
        # What matters first: on a phone a table shows its first columns only.
        row: dict[str, Any] = {"attribute": attribute.name}
        if gap is None:
            row["verdict"] = "too few images"
            row |= dict.fromkeys(("gap", "chance (95 %)", "p (Holm)", "worst", "best"), "–")
        else:
            ends = {g.group: g for g in outcome.groups}
            low, high = ends[gap.lowest], ends[gap.highest]
            row |= {
                "verdict": found if gap.beyond_chance else "as by chance",
                "gap": points(gap.difference),
                "chance (95 %)": points(gap.chance95),
                "p (Holm)": p_text(1.0 if gap.p_holm is None else gap.p_holm),
                "worst": f"{gap.lowest} {100 * (low.share or 0):.1f} % (n={low.n})",
                "best": f"{gap.highest} {100 * (high.share or 0):.1f} % (n={high.n})",
            }
            if outcome.better == "low":
                row["worst"], row["best"] = row["best"], row["worst"]
        row |= {
            "labels": attribute.source,
            "share": outcome.title,
            "groups compared": 0 if gap is None else gap.n_groups,
        }
        rows.append(row)
    return rows
