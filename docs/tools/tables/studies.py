"""Tables of data sets, studies and of what was read; as `docs.tools.tables.make`."""

from typing import Any

from core.emotions import EMOTIONS, noun
from docs.tools.measured import Measured, shown
from docs.tools.tables.parts import (
    Table,
    by_first_number,
    default_evaluation,
    fine_interval,
    interval,
    p_value,
    signed,
    to_lines,
)


def classes(measured: Measured) -> Table:
    """FER-2013's images by expression and split."""
    path, ours = "models/studies/dataset_facts.json", default_evaluation(measured)
    facts, report = measured.load(path), measured.load(ours)
    if facts is None or report is None:
        return [], [], measured.command(path)
    splits = facts["fer2013"]["splits"]
    rows = [
        [noun(name), f"{splits['train']['per_class'][name]:,}",
         shown(splits["train"]["per_class"][name] / splits["train"]["n"], ".1%"),
         f"{splits['validation']['per_class'][name]:,}",
         f"{report['all']['per_class'][name]['support']:,}"]
        for name in EMOTIONS
    ]  # fmt: skip
    header = ["expression", "train", "share", "validation", "test"]
    return to_lines(header, rows), [path, ours], ""


def label_noise(measured: Measured) -> Table:
    """How often most of FER+'s taggers chose FER-2013's label, by expression."""
    path = "models/studies/dataset_facts.json"
    facts = measured.load(path)
    if facts is None:
        return [], [], measured.command(path)
    train = facts["fer2013"]["splits"]["train"]["ferplus"]
    rows = [
        [noun(name), f"{train['per_class'][name]['n']:,}",
         shown(train["per_class"][name]["agreement"], ".1%")]
        for name in EMOTIONS if name in train["per_class"]
    ]  # fmt: skip
    return (
        to_lines(["FER-2013's label", "images with votes", "most taggers agree"], rows),
        [path],
        "",
    )


def groups(measured: Measured, study: str) -> Table:
    """Gaps of the main question by attribute, against what chance gives."""
    path = f"models/studies/bias_{study}_{measured.default_model}.json"
    report = measured.load(path)
    if report is None:
        return [], [], measured.command(path)
    rows = []
    for attribute in report["attributes"]:
        outcome = attribute["outcomes"][0]
        gap = outcome.get("gap")
        if not gap:
            continue
        shares = {group["group"]: group["share"] for group in outcome["groups"]}
        rows.append([
            attribute["name"],
            f"{gap['highest']}: {shown(shares[gap['highest']], '.1%')}",
            f"{gap['lowest']}: {shown(shares[gap['lowest']], '.1%')}",
            f"{100 * gap['difference']:.1f} ({interval([gap['low'], gap['high']])})",
            f"{100 * gap['chance95']:.1f}", p_value(gap["p_holm"]),
        ])  # fmt: skip
    header = ["attribute", "highest", "lowest", "gap, points (95 %)", "chance stays below",
              "p (Holm)"]  # fmt: skip
    return to_lines(header, rows), [path], ""


def mitigation(measured: Measured) -> Table:
    """Mitigations without retraining: what each does to gap and accuracy."""
    path = f"models/studies/mitigation_{measured.default_model}.json"
    report = measured.load(path)
    if report is None:
        return [], [], measured.command(path)
    rows = [
        [row["method"], row["attribute"],
         f"{100 * row['gap_before']:.1f} → {100 * row['gap_after']:.1f}",
         f"{shown(row['gap_change'], 'pp')} ({signed(row['gap_change_ci95'])})",
         f"{shown(row['accuracy_change'], 'pp')} ({signed(row['accuracy_change_ci95'])})",
         row["verdict"]]
        for row in report["rows"]
    ]  # fmt: skip
    header = ["method", "property", "gap", "change of the gap (95 %)", "of accuracy (95 %)",
              "verdict"]  # fmt: skip
    return to_lines(header, rows), [path], ""


def landmark_errors(measured: Measured) -> Table:
    """Errors of 68 points on HELEN."""
    path = "models/studies/landmarks.json"
    report = measured.load(path)
    if report is None:
        return [], [], measured.command(path)
    rows = [
        [name, f"{shown(one['mean'], '.2%')} ({fine_interval(one['mean_ci95'])})",
         shown(one["auc"], ".3f"), shown(one["failure_rate"], ".1%"), str(one["n_missed"])]
        for name, one in report["accuracy"]["methods"].items()
    ]  # fmt: skip
    return (
        to_lines(["method", "mean error (95 %)", "AUC@0.08", "failures", "missed"], rows),
        [path],
        "",
    )


def failures(measured: Measured, n: int = 12) -> Table:
    """The surest mistakes on validation images, in words of somebody who looked at them."""
    path = f"models/studies/failures_{measured.default_model}.json"
    words_path = "docs/report/failures.toml"
    study, words = measured.load(path), measured.load(words_path) or {}
    if study is None:
        return [], [], measured.command(path)
    rows = [
        [noun(row["label"]), f"{noun(row['judged'])}, {row['score']:.2f}",
         "–" if row["votes_label"] is None
         else f"{10 * row['votes_label']:.0f} : {10 * row['votes_judged']:.0f}",
         words.get(row["name"], "*nobody described it yet*")]
        for row in study["rows"][:n]
    ]  # fmt: skip
    lines = ["| label | judged, score | votes of ten | what is to be seen |", "|---|---|---|---|"]
    return lines + [f"| {' | '.join(cells)} |" for cells in rows], [path, words_path], ""


def utkface(measured: Measured) -> Table:
    """UTKFace's faces by what annotators wrote."""
    path = "models/studies/dataset_facts.json"
    facts = (measured.load(path) or {}).get("utkface")
    if facts is None:
        return [], [], measured.command(path)
    rows = [
        [title, ", ".join(f"{name}: {count:,}" for name, count in by_first_number(facts[key]))]
        for title, key in (("gender", "by_gender"), ("race", "by_race"), ("age", "by_age_bin"))
    ]
    return ["| annotated | faces |", "|---|---|"] + [f"| {a} | {b} |" for a, b in rows], [path], ""


def literature(measured: Measured) -> Table:
    """Everything that was read rather than measured."""
    path = "docs/report/literature.toml"
    entries: list[dict[str, Any]] = measured.need(path)["entry"]
    rows = [f"| [{one['who']}]({one['source']}) | {one['says']} | {one['read']} |"
            for one in entries]  # fmt: skip
    return ["| who | what | read |", "|---|---|---|", *rows], [path], ""


def laws(measured: Measured) -> Table:
    """Laws and the dates from which they hold."""
    path = "db/policy/legal_dates.toml"
    rows = [
        f"| [{one['law']}]({one['source']}) | {one['from'].day} {one['from']:%B %Y} "
        f"| {one['says']} | {one['read']} |"
        for one in measured.need(path)["date"]
    ]
    return ["| law | from | what it says | read as |", "|---|---|---|---|", *rows], [path], ""


def detector_effect(measured: Measured) -> Table:
    """What finding the face first does to the verdicts, by detector."""
    path = "models/studies/detectors.json"
    study = measured.load(path)
    if study is None:
        return [], [], measured.command(path)
    rows = [
        ["none, the crop as it is" if name == "none" else name, f"{one['n']:,}",
         f"{one['undetected']:,}",
         f"{shown(one['accuracy_of_detected'], '.1%')} ({interval(one['accuracy_ci95'])})",
         shown(one["accuracy_of_all"], ".1%")]
        for name, one in study["detectors"].items()
    ]  # fmt: skip
    header = ["detector", "pictures", "not found", "right among the found (95 %)",
              "right among all"]  # fmt: skip
    return to_lines(header, rows), [path], ""
