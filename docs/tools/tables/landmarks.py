"""The results in docs/landmarks.md, from the study's file; `docs.tools.report` writes them."""

import json
import re
from typing import Any, Final

from docs.tools.measured import ROOT
from docs.tools.tables.parts import fine_interval, interval, to_lines

PAGE: Final = ROOT / "docs" / "landmarks.md"
STUDY: Final = ROOT / "models" / "studies" / "landmarks.json"
_BEGIN, _END = "<!-- results:begin -->", "<!-- results:end -->"
_LEVELS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.0)

Content = dict[str, Any]
Rows = list[dict[str, Any]]


def page() -> str:
    """The whole page as it should be, from the study that there is now."""
    content = json.loads(STUDY.read_text(encoding="utf-8"))
    written = PAGE.read_text(encoding="utf-8")
    results = f"{_BEGIN}\n{results_markdown(content)}\n{_END}"
    # A function, because the results may hold what a replacement would take for an escape.
    return re.sub(f"{_BEGIN}.*{_END}", lambda found: results, written, flags=re.DOTALL)


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page(), encoding="utf-8")


def results_markdown(content: Content) -> str:
    """All parts of the study, each with its conclusion and its tables."""
    n, lost = content["n_images"], content["n_without_mesh"]
    n_helen = next(iter(content["accuracy"]["methods"].values()))["n"]
    parts = [
        f"## Results of {content['made'].split()[0]}, model `{content['model']['id']}`",
        f"`{content['command']}`. Sizes: {n['train']:,} crops of FER-2013's train split for E5, "
        f"{n['validation']:,} of validation and {n['test']:,} of test, of which "
        f"{lost['validation']} and {lost['test']} have no mesh; HELEN's {n_helen} test faces. "
        "Intervals are 95 %.",
        *_exactness(content["accuracy"]),
        "### E1: wrong points on purpose",
        content["e1"]["conclusion"],
        "Change of accuracy in points on the test crops; bold is beyond chance after Holm's "
        "correction.",
        _noise(content["e1"]["rows"]),
        "### E2: what aligns the crop",
        content["e2"]["conclusion"],
        _sources(content["e2"]["rows"]),
        _photos(content["e2"]["photos"]["rows"]),
        "### E3: conditions",
        content["e3"]["conclusion"],
        _covered(content["e3"]["covered"]),
        "### E4: jitter",
        content["e4"]["conclusion"],
        _jitter(content["e4"]["rows"]),
        "### E5: landmarks alone, pixels, both",
        content["e5"]["conclusion"],
        _alone([*content["e5"]["alone"], *content["e5"]["pixels"]]),
    ]
    return "\n\n".join(parts)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(to_lines(header, rows))


def _exactness(part: Content) -> list[str]:
    methods = part["methods"]
    regions = list(next(iter(methods.values()))["by_region"])
    header = ["method", "mean (interval)", "median", "AUC@0.08", "failures", "not found", *regions]
    rows = [
        [
            name, f"{m['mean']:.2%} ({fine_interval(m['mean_ci95'])})", f"{m['median']:.2%}",
            f"{m['auc']:.3f}", f"{m['failure_rate']:.1%}", str(m["n_missed"]),
            *(f"{100 * m['by_region'][region]:.1f}" for region in regions),
        ]
        for name, m in methods.items()
    ]  # fmt: skip
    return [
        f"### How exact are points? ({part['dataset']})",
        f"Errors in shares of the {part['normaliser']}; regions in per cent.",
        _table(header, rows),
        " ".join(part["notes"]),
    ]


def _noise(rows: Rows) -> str:
    tested = [row for row in rows if row["set"] == "FER-2013 test" and "change" in row]
    pairs = list(dict.fromkeys((row["aligned_by"], row["noise"]) for row in tested))
    lines = []
    for source, kind in pairs:
        cells = {
            row["level"]: _change(row)
            for row in tested
            if row["aligned_by"] == source and row["noise"] == kind
        }
        lines.append([source, kind, *(cells.get(level, "–") for level in _LEVELS)])
    return _table(["aligned by", "error", *(f"{level:.0%}" for level in _LEVELS)], lines)


def _change(row: Content) -> str:
    text = f"{100 * row['change']:+.1f}"
    return f"**{text}**" if row["p_holm"] < 0.05 else text


def _sources(rows: Rows) -> str:
    found = {(row["set"], row["aligned_by"]): row for row in rows}
    lines = []
    for name in dict.fromkeys(row["aligned_by"] for row in rows):
        test = found["FER-2013 test", name]
        change = p = "–"
        if "change" in test:
            change, p = _with_interval(test), f"{test['p_holm']:.2g}"
        validation = found["FER-2013 validation", name]["accuracy"]
        lines.append([name, f"{validation:.1%}", f"{test['accuracy']:.1%}", change, p])
    return _table(
        ["aligned by", "validation", "test", "change on test (interval)", "p (Holm)"], lines
    )


def _with_interval(row: Content) -> str:
    low, high = row["change_ci95"]
    return f"{100 * row['change']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _photos(rows: Rows) -> str:
    header = ["photos (HELEN test), against the true points", "n", "missed", "mean error",
              "label changed", "scores moved"]  # fmt: skip
    lines = [
        [
            row["aligned_by"], str(row["n"]), str(row["n_missed"]),
            f"{row['mean_nme']:.2%}" if "mean_nme" in row else "–",
            f"{row['label_changed']:.1%}", f"{row['mass_moved']:.1%}",
        ]
        for row in rows
    ]  # fmt: skip
    return _table(header, lines)


def _covered(rows: Rows) -> str:
    header = ["covered", "change of accuracy (interval)", "mesh lost",
              "mesh moved (inter-ocular distances)"]  # fmt: skip
    lines = [
        [
            row["covered"], _with_interval(row), f"{row['n_mesh_lost']} of {row['n']}",
            "–" if row["mesh_moved"] is None else f"{row['mesh_moved']:.3f}",
        ]
        for row in rows
    ]  # fmt: skip
    return _table(header, lines)


def _jitter(rows: Rows) -> str:
    lines = [
        [
            row["aligned_by"], f"{100 * row['top_score_sd']:.1f} points",
            f"{row['label_flips']:.1%}", f"{row['label_flips_smoothed']:.1%}",
        ]
        for row in rows
    ]  # fmt: skip
    return _table(["crop by", "leading score, sd", "label changes", "with a running mean"], lines)


def _alone(rows: Rows) -> str:
    found = {(row["set"], row["features"]): row for row in rows}
    lines = []
    for name in dict.fromkeys(row["features"] for row in rows):
        test = found["FER-2013 test", name]
        lines.append(
            [
                name, test.get("classifier", "the shipped network"),
                f"{found['FER-2013 validation', name]['accuracy']:.1%}",
                f"{test['accuracy']:.1%} ({interval(test['accuracy_ci95'])})",
                f"{test['balanced_accuracy']:.1%}",
            ]
        )  # fmt: skip
    header = ["features", "classifier", "validation", "test (interval)", "test, balanced"]
    return _table(header, lines)
