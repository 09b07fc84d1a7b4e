"""An audit as one HTML file: no script, nothing loaded from elsewhere, fit to print and send."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from core.annotate import EMOTION_COLOURS
from core.bias_report import SOURCE_TEXTS, AttributeReport
from core.curves import (
    SUMMARY,
    confusion_counts,
    coverage_accuracy,
    precision_recall_curves,
    reliability,
    roc_curves,
    summary_with_intervals,
)
from core.emotions import EMOTIONS
from core.fairness_text import (
    PREDICTED_BANNER,
    gap_sentence,
    sensitivity_sentence,
    summary_rows,
)
from core.metrics import measure
from services.audit_data import AuditResult
from services.audit_svg import Line, dots_svg, lines_svg

_DASHES: Final = ("", "8 4", "2 3", "8 3 2 3", "12 4", "12 3 2 3", "1 5")
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#16212b;--quiet:#5a6670;--line:#d5dbe0;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf1;--quiet:#a3adb5;--line:#35424d;
--paper:#11181f}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums;font-size:.9rem}
.wide{overflow-x:auto}
th,td{border:1px solid var(--line);padding:.25rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
figcaption,.quiet{color:var(--quiet);font-size:.9rem}
figure{margin:1rem 0}svg{max-width:100%;height:auto}svg text{fill:currentColor}
.note{border-left:4px solid #D55E00;padding:.4rem .8rem;margin:.8rem 0}
"""


def audit_html(result: AuditResult) -> str:
    """The report; every text that came from the data is escaped."""
    sections = [
        _head(result),
        _summary(result),
        _per_class(result),
        _confusion(result),
        _curves(result),
        _confidence(result),
        _groups(result),
        "<h2>How to use this</h2><p>A facial expression is not a feeling. These figures hold for "
        "pictures like the audited ones and for nothing else; they do not show that a model may "
        "be used to decide about people, and inferring emotions at work or in education is "
        "prohibited in the EU (AI Act, article 5(1)(f)).</p>",
    ]
    title = f"Audit of {_text(result.model_id)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        # No script can run, whatever the data holds, and nothing is loaded.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1>{''.join(sections)}</body></html>"
    )


def _text(value: object) -> str:
    return html.escape(str(value))


def _share(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.1f}&nbsp;%"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Cells are HTML already."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _markdown(text: str) -> str:
    """The two marks that our own sentences use, after escaping."""
    escaped, result = _text(text), []
    for index, part in enumerate(escaped.split("**")):
        inner = "".join(f"<em>{p}</em>" if i % 2 else p for i, p in enumerate(part.split("*")))
        result.append(f"<strong>{inner}</strong>" if index % 2 else inner)
    return "".join(result)


def _head(result: AuditResult) -> str:
    n = len(result.predictions)
    faces = {"crop": "each picture taken as a face crop"}.get(result.faces, result.faces)
    undetected = ""
    if result.undetected:
        undetected = (
            f' <p class="note">In {len(result.undetected)} pictures no face was found; they are '
            "not in the figures below. Counting them as wrong, accuracy is "
            f"{_share(float(result.predictions.right.sum()) / (n + len(result.undetected)))}.</p>"
        )
    notes = "".join(f'<p class="note">{_text(note)}</p>' for note in result.notes)
    return (
        f"<p>Data: {_text(result.name)}, {n:,} faces; model: {_text(result.model_id)}; faces: "
        f"{_text(faces)}.</p>{undetected}{notes}"
    )


def _summary(result: AuditResult) -> str:
    p = result.predictions
    frame = summary_with_intervals(p.labels, p.predicted)
    rows = [
        (
            name.replace("_", " "),
            _share(float(value)),
            f"{_share(float(low))} to {_share(float(high))}",
        )
        for name, (value, low, high) in zip(
            SUMMARY, frame.loc[list(SUMMARY)].to_numpy(float), strict=True
        )
    ]
    ece = measure(p.labels, p.probabilities).ece
    rows.append(("calibration error (15 bins)", f"{ece:.3f}", ""))
    return f"<h2>Overview</h2>{_table(('figure', 'value', '95 % interval'), rows)}"


def _per_class(result: AuditResult) -> str:
    p = result.predictions
    scores = measure(p.labels, p.probabilities).per_class
    rows = [
        (name, _share(s.recall), _share(s.precision), _share(s.f1), s.support)
        for name, s in scores.items()
    ]
    return "<h2>Each expression</h2>" + _table(
        ("expression", "recall", "precision", "F1", "support"), rows
    )


def _confusion(result: AuditResult) -> str:
    counts = confusion_counts(result.predictions.labels, result.predictions.predicted)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = []
    for true, name in enumerate(EMOTIONS):
        cells = [
            f'<span style="display:block;margin:-.25rem -.6rem;padding:.25rem .6rem;'
            f'background:rgba(86,180,233,{0.75 * shares[true, judged]:.2f})">'
            f"{counts[true, judged]} ({100 * shares[true, judged]:.0f}&nbsp;%)</span>"
            for judged in range(len(EMOTIONS))
        ]
        rows.append((name, *cells))
    return (
        "<h2>Confusion</h2>"
        + _table(("true \\ judged", *EMOTIONS), rows)
        + '<p class="quiet">A row says what became of the faces with that true label.</p>'
    )


def _curves(result: AuditResult) -> str:
    p = result.predictions
    roc, areas = roc_curves(p.labels, p.probabilities)
    recall, averages = precision_recall_curves(p.labels, p.probabilities)
    return (
        "<h2>Curves</h2>"
        + _figure(
            _expression_lines(roc, "false_positive_rate", "true_positive_rate", areas),
            ("false alarms among other faces", "share recognised"),
            "ROC; the number is the area under each line, 0.5 is chance.",
        )
        + _figure(
            _expression_lines(recall, "recall", "precision", averages),
            ("recall", "precision"),
            "Precision and recall; the number is average precision.",
        )
    )


def _expression_lines(
    curves: pd.DataFrame, x: str, y: str, numbers: dict[str, float]
) -> list[Line]:
    return [
        Line(
            f"{name} {numbers[str(name)]:.3f}",
            part[x].tolist(),
            part[y].tolist(),
            EMOTION_COLOURS[str(name)],
            _DASHES[EMOTIONS.index(str(name))],
        )
        for name, part in curves.groupby("expression", sort=False)
    ]


def _figure(lines: list[Line], titles: tuple[str, str], caption: str) -> str:
    if not lines:
        return f'<p class="quiet">{_text(caption)} Not defined for this data.</p>'
    drawn = lines_svg(lines, *titles)
    return f"<figure>{drawn}<figcaption>{_text(caption)}</figcaption></figure>"


def _confidence(result: AuditResult) -> str:
    p = result.predictions
    bins = reliability(p.labels, p.probabilities)
    coverage = coverage_accuracy(p.labels, p.probabilities)
    at = coverage.iloc[round(100 * result.threshold)]
    judged = "no face reaches the app's threshold."
    if at["n"]:
        judged = (
            f"at the app's threshold of {result.threshold:.2f}, "
            f"{_share(float(at['coverage']))} of the faces are judged and "
            f"{_share(float(at['accuracy']))} of those rightly."
        )
    table = _table(
        ("confidence", "images", "right", "95 % interval"),
        [
            (_share(said), int(n), _share(right), f"{_share(low)} to {_share(high)}")
            for n, said, right, low, high in bins[
                ["n", "confidence", "accuracy", "low", "high"]
            ].to_numpy(float)
        ],
    )
    line = Line("this data", bins["confidence"].tolist(), bins["accuracy"].tolist(), "#0072B2", "")
    ideal = Line("says what is true", [0.0, 1.0], [0.0, 1.0], "#8A8F94", "2 4")
    return (
        "<h2>Confidence</h2>"
        + _figure(
            [line, ideal],
            ("how sure the model says it is", "how often it is right"),
            "Reliability; below the dotted line the model is too sure of itself.",
        )
        + table
        + f"<p>Coverage and accuracy: {judged}</p>"
    )


def _groups(result: AuditResult) -> str:
    report = result.bias
    if not report.attributes:
        return "<h2>Groups</h2><p>No column to group by was chosen.</p>"
    rows = summary_rows(report)
    parts = ["<h2>Groups</h2>", _table([_text(c) for c in rows[0]], [
        [_text(value) for value in row.values()] for row in rows
    ])]  # fmt: skip
    parts += [_attribute(a, report.kind) for a in [*report.attributes, *report.intersections]]
    return "".join(parts)


def _attribute(attribute: AttributeReport, kind: Any) -> str:
    first = attribute.outcomes[0]
    parts = [
        f"<h3>{_text(attribute.name)}</h3>",
        f'<p class="quiet">Labels {_text(SOURCE_TEXTS[attribute.source])}.</p>',
    ]
    if attribute.source == "predicted":
        parts.append(f'<p class="note">{_markdown(PREDICTED_BANNER)}</p>')
    parts += [f"<p>{_markdown(gap_sentence(first, kind))}</p>", dots_svg(first)]
    if attribute.sensitivity is not None:
        parts.append(f"<p>{_markdown(sensitivity_sentence(attribute.sensitivity))}</p>")
    header = ("share", "gap", "chance (95 %)", "p (Holm)", "lowest", "highest")
    rows = [
        (_text(o.title), _share(o.gap.difference), _share(o.gap.chance95),
         f"{o.gap.p_holm:.3f}" if o.gap.p_holm is not None else "–",
         _text(o.gap.lowest), _text(o.gap.highest))
        for o in attribute.outcomes if o.gap is not None
    ]  # fmt: skip
    groups = [
        (_text(g.group), g.n, _share(g.share), f"{_share(g.low)} to {_share(g.high)}", g.status)
        for g in first.groups
    ]
    parts.append(_table(("group", "n", first.title, "95 % interval", "status"), groups))
    if rows:
        parts.append(_table(header, rows))
    return "".join(parts)
