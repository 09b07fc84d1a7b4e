"""An audit as one HTML file: no script, nothing loaded from elsewhere, fit to print and send."""

from typing import Any, Final

import numpy as np
import pandas as pd

from core.drawing.photo import EMOTION_COLOURS
from core.emotions import EMOTIONS
from core.measures.accuracy import measure
from core.measures.curves import (
    SUMMARY,
    confusion_counts,
    coverage_accuracy,
    precision_recall_curves,
    reliability,
    roc_curves,
    summary_with_intervals,
)
from core.measures.groups.breakdown import SOURCE_TEXTS, AttributeReport
from core.measures.groups.wording import (
    PREDICTED_BANNER,
    gap_sentence,
    sensitivity_sentence,
    summary_rows,
)
from services.bias_audit.html import document, figure, interval, markdown, share_text, table, text
from services.bias_audit.judge import AuditResult, ModelAudit
from services.bias_audit.report_more import compared, robustness_section
from services.bias_audit.svg import Line, dots_svg

_DASHES: Final = ("", "8 4", "2 3", "8 3 2 3", "12 4", "12 3 2 3", "1 5")


def audit_html(result: AuditResult) -> str:
    """The report; every text that came from the data is escaped."""
    names = ", ".join(one.model_id for one in result.models)
    body = [
        _head(result),
        compared(result) if len(result.models) > 1 else "",
        *(_model(one) for one in result.models),
        "<h2>How to use this</h2><p>A facial expression is not a feeling. These figures hold for "
        "pictures like the audited ones and for nothing else; they do not show that a model may "
        "be used to decide about people, and inferring emotions at work or in education is "
        "prohibited in the EU (AI Act, article 5(1)(f)).</p>",
    ]
    return document(f"Audit of {names}", "".join(body))


def _model(one: ModelAudit) -> str:
    sections = (
        _summary, _per_class, _confusion, _curves, _confidence, robustness_section, _groups,
    )  # fmt: skip
    return f"<h2>{text(one.model_id)}</h2>" + "".join(section(one) for section in sections)


def _head(result: AuditResult) -> str:
    n = len(result.rows)
    faces = {"crop": "each picture taken as a face crop"}.get(result.faces, result.faces)
    undetected = ""
    if result.undetected:
        n_all = n + len(result.undetected)
        of_all = ", ".join(
            f"{share_text(float(one.predictions.right.sum()) / n_all)} ({text(one.model_id)})"
            for one in result.models
        )
        undetected = (
            f' <p class="note">In {len(result.undetected)} pictures no face was found; they are '
            f"not in the figures below. Counting them as wrong, accuracy is {of_all}.</p>"
        )
    notes = "".join(f'<p class="note">{text(note)}</p>' for note in result.notes)
    return (
        f"<p>Data: {text(result.name)}, {n:,} faces; faces: {text(faces)}.</p>{undetected}{notes}"
    )


def _summary(one: ModelAudit) -> str:
    p = one.predictions
    frame = summary_with_intervals(p.labels, p.predicted)
    rows = [
        (
            name.replace("_", " "),
            share_text(float(value)),
            interval(float(low), float(high)),
        )
        for name, (value, low, high) in zip(
            SUMMARY, frame.loc[list(SUMMARY)].to_numpy(float), strict=True
        )
    ]
    ece = measure(p.labels, p.probabilities).ece
    rows.append(("calibration error (15 bins)", f"{ece:.3f}", ""))
    return f"<h3>Overview</h3>{table(('figure', 'value', '95 % interval'), rows)}"


def _per_class(one: ModelAudit) -> str:
    p = one.predictions
    scores = measure(p.labels, p.probabilities).per_class
    rows = [
        (name, share_text(s.recall), share_text(s.precision), share_text(s.f1), s.support)
        for name, s in scores.items()
    ]
    return "<h3>Each expression</h3>" + table(
        ("expression", "recall", "precision", "F1", "support"), rows
    )


def _confusion(one: ModelAudit) -> str:
    counts = confusion_counts(one.predictions.labels, one.predictions.predicted)
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
        "<h3>Confusion</h3>"
        + table(("true \\ judged", *EMOTIONS), rows)
        + '<p class="quiet">A row says what became of the faces with that true label.</p>'
    )


def _curves(one: ModelAudit) -> str:
    p = one.predictions
    roc, areas = roc_curves(p.labels, p.probabilities)
    recall, averages = precision_recall_curves(p.labels, p.probabilities)
    return (
        "<h3>Curves</h3>"
        + figure(
            _expression_lines(roc, "false_positive_rate", "true_positive_rate", areas),
            ("false alarms among other faces", "share recognised"),
            "ROC; the number is the area under each line, 0.5 is chance.",
        )
        + figure(
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


def _confidence(one: ModelAudit) -> str:
    p = one.predictions
    bins = reliability(p.labels, p.probabilities)
    coverage = coverage_accuracy(p.labels, p.probabilities)
    at = coverage.iloc[round(100 * one.threshold)]
    judged = "no face reaches the app's threshold."
    if at["n"]:
        judged = (
            f"at the app's threshold of {one.threshold:.2f}, "
            f"{share_text(float(at['coverage']))} of the faces are judged and "
            f"{share_text(float(at['accuracy']))} of those rightly."
        )
    bins_table = table(
        ("confidence", "images", "right", "95 % interval"),
        [
            (
                share_text(said),
                int(n),
                share_text(right),
                f"{share_text(low)} to {share_text(high)}",
            )
            for n, said, right, low, high in bins[
                ["n", "confidence", "accuracy", "low", "high"]
            ].to_numpy(float)
        ],
    )
    line = Line("this data", bins["confidence"].tolist(), bins["accuracy"].tolist(), "#0072B2", "")
    ideal = Line("says what is true", [0.0, 1.0], [0.0, 1.0], "#8A8F94", "2 4")
    return (
        "<h3>Confidence</h3>"
        + figure(
            [line, ideal],
            ("how sure the model says it is", "how often it is right"),
            "Reliability; below the dotted line the model is too sure of itself.",
        )
        + bins_table
        + f"<p>Coverage and accuracy: {judged}</p>"
    )


def _groups(one: ModelAudit) -> str:
    report = one.bias
    if not report.attributes:
        return "<h3>Groups</h3><p>No column to group by was chosen.</p>"
    rows = summary_rows(report)
    parts = ["<h3>Groups</h3>", table([text(c) for c in rows[0]], [
        [text(value) for value in row.values()] for row in rows
    ])]  # fmt: skip
    parts += [_attribute(a, report.kind) for a in [*report.attributes, *report.intersections]]
    return "".join(parts)


def _attribute(attribute: AttributeReport, kind: Any) -> str:
    first = attribute.outcomes[0]
    parts = [
        f"<h4>{text(attribute.name)}</h4>",
        f'<p class="quiet">Labels {text(SOURCE_TEXTS[attribute.source])}.</p>',
    ]
    if attribute.source == "predicted":
        parts.append(f'<p class="note">{markdown(PREDICTED_BANNER)}</p>')
    parts += [f"<p>{markdown(gap_sentence(first, kind))}</p>", dots_svg(first)]
    if attribute.sensitivity is not None:
        parts.append(f"<p>{markdown(sensitivity_sentence(attribute.sensitivity))}</p>")
    header = ("share", "gap", "chance (95 %)", "p (Holm)", "lowest", "highest")
    rows = [
        (text(o.title), share_text(o.gap.difference), share_text(o.gap.chance95),
         f"{o.gap.p_holm:.3f}" if o.gap.p_holm is not None else "–",
         text(o.gap.lowest), text(o.gap.highest))
        for o in attribute.outcomes if o.gap is not None
    ]  # fmt: skip
    groups = [
        (
            text(g.group),
            g.n,
            share_text(g.share),
            f"{share_text(g.low)} to {share_text(g.high)}",
            g.status,
        )
        for g in first.groups
    ]
    parts.append(table(("group", "n", first.title, "95 % interval", "status"), groups))
    if rows:
        parts.append(table(header, rows))
    return "".join(parts)
