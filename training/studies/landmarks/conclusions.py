"""What each part of the study shows, in a sentence or two made from its numbers."""

from typing import Any

Part = dict[str, Any]


def percent(share: float, digits: int = 0) -> str:
    """A share as per cent."""
    return f"{100 * share:.{digits}f}\u00a0%"


def conclusion(key: str, part: Part) -> str:
    """Of one part: accuracy, e1, e2, e3, e4 or e5."""
    return {
        "accuracy": _accuracy,
        "e1": _noise,
        "e2": _sources,
        "e3": _conditions,
        "e4": _jitter,
        "e5": _fusion,
    }[key](part)


def _accuracy(part: Part) -> str:
    table, learned = part["methods"]["mesh, by table"], part["methods"]["mesh, learned"]
    return (
        f"Brought to iBUG's definition, the mesh's points lie {percent(learned['mean'], 1)} of "
        "the distance between the eyes from where people put them, instead of "
        f"{percent(table['mean'], 1)}."
    )


def _noise(part: Part) -> str:
    """Up to which level each way of aligning bears Gaussian errors, on the test split."""
    sentences = []
    for source, title in (("five", "five points"), ("mediapipe478", "all 478 points")):
        mine = [
            row
            for row in part["rows"]
            if row["set"] == "FER-2013 test"
            and row["aligned_by"] == source
            and row["noise"] == "gaussian"
        ]
        if not mine:
            continue
        harmful = [r["level"] for r in mine if r["p_holm"] < 0.05 and r["change"] < 0]
        borne = [r["level"] for r in mine if not harmful or r["level"] < harmful[0]]
        if borne:
            sentences.append(f"by {title} up to {percent(max(borne))}")
    if not sentences:
        return "Even the smallest errors of the points cost accuracy beyond chance."
    return (
        "Random errors of the points, in distances between the eyes, cost no accuracy beyond "
        f"chance in crops aligned {' and '.join(sentences)}. The crops' own points carry an "
        "error of their own, which nobody knows."
    )


def _sources(part: Part) -> str:
    clear = [
        f"{row['aligned_by']} ({100 * row['change']:+.1f} points)"
        for row in part["rows"]
        if row["set"] == "FER-2013 test" and row.get("p_holm", 1) < 0.05
    ]
    linked = part["photos"]["nme_and_scores"]["mesh, learned"]["spearman"]
    on_photos = (
        "On photos, faces whose points are further off have scores further from those under true "
        f"points (rank correlation {linked:+.2f}): an association, not a cause."
    )
    if not clear:
        said = "What aligns the crop makes no difference to the accuracy beyond chance."
    else:
        said = (
            f"These ways of aligning differ from the box alone beyond chance: {', '.join(clear)}."
        )
    return f"{said} {on_photos}"


def _conditions(part: Part) -> str:
    clear = [
        f"{row['covariate']} ({'more' if row['odds_ratio'] > 1 else 'fewer'} right labels)"
        for row in part["regression"]
        if row["ci95"][0] > 1 or row["ci95"][1] < 1
    ]
    n = len(part["regression"])
    if not clear:
        return f"None of {n} conditions goes with right labels once the others are held."
    return (
        f"Of {n} conditions, the others held, these go with right labels: {', '.join(clear)}. An "
        "association, not a cause."
    )


def _jitter(part: Part) -> str:
    rows = {row["aligned_by"]: row for row in part["rows"]}
    return (
        f"On a still face the label changes between {percent(rows['box']['label_flips'], 1)} of "
        f"neighbouring frames when the box cuts the crop, and between "
        f"{percent(rows['five']['label_flips'], 1)} when five points do. A "
        f"running mean brings the former to {percent(rows['box']['label_flips_smoothed'], 1)}. "
        "The noise is simulated."
    )


def _fusion(part: Part) -> str:
    test = [row for row in (*part["alone"], *part["pixels"]) if row["set"] == "FER-2013 test"]
    shares = {row["features"]: row["accuracy"] for row in test}
    pixels = shares.pop("pixels")
    verdict = "raise" if part["ship"] else "do not raise"
    return (
        f"Landmarks and blendshapes alone are right in {percent(max(shares.values()), 1)}, pixels "
        f"in {percent(pixels, 1)}; both together {verdict} that beyond chance."
    )
