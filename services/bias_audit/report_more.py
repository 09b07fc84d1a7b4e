"""What a report says beyond one model's own figures: corruptions, and models side by side."""

import numpy as np
import pandas as pd

from core.measures.accuracy import measure, wilson_interval
from core.measures.curves import SUMMARY, confusion_counts, summary_of
from core.measures.groups.gaps import ALPHA
from core.measures.groups.wording import p_text, summary_rows
from core.measures.paired import PairedModels
from services.bias_audit.html import markdown, share_text, table, text
from services.bias_audit.judge import AuditResult, ModelAudit


def robustness_section(one: ModelAudit) -> str:
    """Accuracy by corruption and level; nothing where it was not asked for."""
    content = one.robustness
    if content is None:
        return ""
    frame = pd.DataFrame(content["rows"])
    cells = frame.pivot(index="corruption", columns="level", values="accuracy")
    cells = cells.loc[cells.mean(axis=1).sort_values().index]
    rows = [
        (text(name), *(_shaded(float(value), content["clean_accuracy"]) for value in row))
        for name, row in zip(cells.index, cells.to_numpy(float), strict=True)
    ]
    n = content["n"]
    low, high = wilson_interval(round(content["clean_accuracy"] * n), n)
    return (
        "<h3>Corrupted pictures</h3>"
        f"<p>{n:,} of the faces, drawn at random and corrupted in 15 ways and five strengths: "
        f"{share_text(float(frame['accuracy'].mean()))} are judged right on average, "
        f"{share_text(content['clean_accuracy'])} untouched (95&nbsp;%: {share_text(low)} to "
        f"{share_text(high)}).</p>"
        + table(("corruption", *(f"level {level}" for level in cells.columns)), rows)
        + '<p class="quiet">The darker a cell, the more is lost; worst first.</p>'
    )


def _shaded(accuracy: float, clean: float) -> str:
    lost = max(clean - accuracy, 0) / max(clean, 0.01)
    return (
        '<span style="display:block;margin:-.25rem -.6rem;padding:.25rem .6rem;'
        f'background:rgba(213,94,0,{0.7 * lost:.2f})">{share_text(accuracy)}</span>'
    )


def compared(result: AuditResult) -> str:
    """All models side by side, each two against each other, and their gaps."""
    columns = [_figures(one) for one in result.models]
    names = [text(one.model_id) for one in result.models]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    return (
        "<h2>The models on the same faces</h2>"
        + table(("figure", *names), rows)
        + "".join(f"<p>{markdown(pair_sentence(pair))}</p>" for pair in result.pairs)
        + _gaps(result)
    )


def _figures(one: ModelAudit) -> dict[str, str]:
    p = one.predictions
    values = summary_of(confusion_counts(p.labels, p.predicted))
    low, high = wilson_interval(int(p.right.sum()), len(p))
    shown = {
        name.replace("_", " "): share_text(float(value))
        for name, value in zip(SUMMARY, np.asarray(values), strict=True)
    }
    shown["accuracy"] += f" ({share_text(low)} to {share_text(high)})"
    shown["calibration error"] = f"{measure(p.labels, p.probabilities).ece:.3f}"
    shown["called uncertain"] = share_text(float((p.confidence < one.threshold).mean()))
    if one.robustness is not None:
        corrupted = [row["accuracy"] for row in one.robustness["rows"]]
        shown["accuracy on corrupted faces"] = share_text(float(np.mean(corrupted)))
    return shown


def pair_sentence(pair: PairedModels) -> str:
    """Which of two models is right more often, in Markdown."""
    test = pair.test
    low, high = test.difference_ci95
    points = (
        f"{100 * abs(test.difference):.1f} points (95 %: {100 * low:+.1f} to {100 * high:+.1f})"
    )
    p_said = p_text(pair.p_holm) if pair.p_holm < 0.001 else f"= {p_text(pair.p_holm)}"
    said = f"McNemar's test, p {p_said} after Holm over all pairs of models"
    if pair.p_holm >= ALPHA:
        return (
            f"**{pair.first}** and **{pair.second}** differ by {points}: no more than chance "
            f"gives on {test.n:,} faces ({said}). That does not show them to be equal."
        )
    names = (pair.first, pair.second) if test.difference > 0 else (pair.second, pair.first)
    return (
        f"**{names[0]}** is right more often than **{names[1]}**, by {points}, beyond chance "
        f"({said})."
    )


def _gaps(result: AuditResult) -> str:
    by_model = [summary_rows(one.bias) for one in result.models]
    if not by_model[0]:
        return ""
    rows = [
        (text(row["attribute"]), text(one.model_id), text(row["gap"]),
         text(row["chance (95 %)"]), text(row["verdict"]))
        for attribute in zip(*by_model, strict=True)
        for one, row in zip(result.models, attribute, strict=True)
    ]  # fmt: skip
    return table(("attribute", "model", "gap", "chance (95 %)", "verdict"), rows)
