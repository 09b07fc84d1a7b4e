"""A bias breakdown: attributes, outcomes of each, and which gaps chance does not explain.

Examples:
    >>> all_happy, said = np.full(200, 3), np.where(np.arange(200) % 4 < 3, 3, 4)
    >>> said[100:] = 3  # by day one of four is called sad, at night none
    >>> seen = Predictions(all_happy, np.eye(7, dtype=np.float32)[said], np.zeros(200, bool))
    >>> light = Attribute("light", np.repeat(["day", "night"], 100), "annotated")
    >>> reports, _ = expression_breakdown(seen, [light], uncertain_threshold=0.5)
    >>> report: AttributeReport = reports[0]
    >>> accuracy: Outcome = report.outcomes[0]
    >>> accuracy.title, accuracy.overall, accuracy.gap.lowest, accuracy.gap.beyond_chance
    ('judged right', 0.875, 'day', True)

    Any other share is asked for as a question of one's own:

    >>> found = np.arange(200) % 2 == 0
    >>> asked = Question("found", "face found", PRIMARY, "high", found, among=found | ~found)
    >>> report_attribute(light, [asked], further=[]).outcomes[0].gap.difference
    0.0
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel

from core.emotions import EMOTIONS, noun
from core.measures.accuracy import expected_calibration_error
from core.measures.curves import Predictions, confusion_counts, summary_of
from core.measures.groups.gaps import (
    MIN_SHOWN,
    Events,
    Gap,
    Groups,
    GroupShare,
    Sensitivity,
    gap_between,
    holm,
    label_sensitivity,
    shares_by_group,
)

Source = Literal["declared", "annotated", "predicted", "measured"]
SOURCE_TEXTS: Final[dict[str, str]] = {
    "declared": "declared: each person said so themselves",
    "annotated": "annotated: other people looked at the picture and said so",
    "predicted": "predicted: a small model guessed it from the picture",
    "measured": "measured: computed from the picture's pixels",
}
# Holm's families: the question asked of each attribute, the same asked of intersections, and
# the details behind it.
PRIMARY: Final = "primary"
CROSSED: Final = "crossed"
SECONDARY: Final = "secondary"
# What is asked of a set without true expressions: its gaps are disparities, not errors.
Kind = Literal["error", "disparity"]


class Outcome(BaseModel, frozen=True):
    """One share that is compared between groups.

    Attributes:
        key: its name for machines; `title` for people.
        family: gaps of one family are corrected together, see `corrected`.
        better: whether a high or a low share is what one wants; None for neither.
        n: images counted.
        overall: the share over all groups, 0..1; None for nothing to count.
        groups: the share of each group.
        gap: None where fewer than two groups are large enough.
    """

    key: str
    title: str
    family: str
    better: Literal["high", "low"] | None
    n: int
    overall: float | None
    groups: list[GroupShare]
    gap: Gap | None


class AttributeReport(BaseModel, frozen=True):
    """One attribute, or an intersection of two, with its outcomes.

    Attributes:
        source: where the group labels come from.
        note: how the groups were made.
        further: per group the figures that are not tested (macro F1, calibration error …).
        sensitivity: only for predicted labels.
        n_without: images without a value, which are left out.
    """

    name: str
    source: Source
    note: str
    outcomes: list[Outcome]
    further: list[dict[str, Any]]
    sensitivity: Sensitivity | None = None
    n_without: int = 0


class BiasReport(BaseModel, frozen=True):
    """What `models/studies/bias_*.json` holds and an audit computes.

    Examples:
        >>> from core.config import ROOT
        >>> file = ROOT / "models" / "studies" / "bias_measured_mien-fast.json"
        >>> report = BiasReport.model_validate_json(file.read_bytes())
        >>> report.kind, {attribute.source for attribute in report.attributes}
        ('error', {'measured'})
    """

    title: str
    kind: Kind
    dataset: str
    n: int
    model_id: str
    model_sha256: str
    command: str
    caveats: list[str]
    attributes: list[AttributeReport]
    intersections: list[AttributeReport]


@dataclass(frozen=True, eq=False)
class Attribute:
    """Group labels (n,) with their origin; "" means no value.

    Attributes:
        error_share: for predicted labels, the annotator's measured error, 0..1.
    """

    name: str
    groups: Groups
    source: Source
    note: str = ""
    error_share: float | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """An outcome before it is split by group: events (n,) among the images `among` (n,).

    `strata`, int (n,), are true expressions, for the gap at the same mix of them; None for none.
    """

    key: str
    title: str
    family: str
    better: Literal["high", "low"] | None
    events: Events
    among: Events
    strata: Any = None


def expression_questions(predictions: Predictions, uncertain_threshold: float) -> list[Question]:
    """Accuracy, uncertain share, and hits and false alarms of each expression.

    Hits and false alarms by class are what equalised odds compares (Hardt et al. 2016), one
    class against the rest.
    """
    everyone = np.ones(len(predictions), bool)
    questions = [
        Question(
            "accuracy",
            "judged right",
            PRIMARY,
            "high",
            predictions.right,
            everyone,
            predictions.labels,
        ),
        Question(
            "uncertain",
            "called uncertain",
            SECONDARY,
            "low",
            np.asarray(predictions.confidence < uncertain_threshold),
            everyone,
        ),
    ]
    for index, name in enumerate(EMOTIONS):
        judged, true = predictions.predicted == index, predictions.labels == index
        questions += [
            Question(f"hit_{name}", f"{noun(name)} recognised", SECONDARY, "high", judged, true),
            Question(f"false_{name}", f"taken for {noun(name)}", SECONDARY, "low", judged, ~true),
        ]
    return questions


def further_figures(
    predictions: Predictions, groups: Groups, uncertain_threshold: float
) -> list[dict[str, Any]]:
    """Per group what is shown beside a breakdown and not tested, sorted by name.

    Balanced accuracy, macro F1, calibration error and the uncertain share; groups under
    `MIN_SHOWN` have their count alone, images without a group ("") none.
    """
    rows: list[dict[str, Any]] = []
    for group in np.unique(groups[groups != ""]):
        part = predictions.keep(groups == group)
        summary = summary_of(confusion_counts(part.labels, part.predicted))
        figures = {
            "balanced_accuracy": float(summary[1]),
            "macro_f1": float(summary[4]),
            "calibration_error": expected_calibration_error(part.labels, part.probabilities),
            "uncertain": float((part.confidence < uncertain_threshold).mean()),
        }
        shown = figures if len(part) >= MIN_SHOWN else dict.fromkeys(figures)
        rows.append({"group": str(group), "n": len(part), **shown})
    return rows


def report_attribute(
    attribute: Attribute, questions: Sequence[Question], further: list[dict[str, Any]]
) -> AttributeReport:
    """All outcomes of one attribute; p values are not corrected yet."""
    known = attribute.groups != ""
    outcomes = []
    for question in questions:
        among = question.among & known
        events, groups = question.events[among], attribute.groups[among]
        strata = None if question.strata is None else question.strata[among]
        outcomes.append(
            Outcome(
                key=question.key,
                title=question.title,
                family=question.family,
                better=question.better,
                n=len(events),
                overall=float(events.mean()) if len(events) else None,
                groups=shares_by_group(events, groups),
                gap=gap_between(events, groups, strata=strata) if len(events) else None,
            )
        )
    among = questions[0].among & known
    return AttributeReport(
        name=attribute.name,
        source=attribute.source,
        note=attribute.note,
        outcomes=outcomes,
        further=further,
        sensitivity=None
        if attribute.error_share is None
        else label_sensitivity(
            questions[0].events[among], attribute.groups[among], attribute.error_share
        ),
        n_without=int((~known).sum()),
    )


def intersect(attributes: Sequence[Attribute]) -> list[Attribute]:
    """Each pair of attributes as one, its groups named "young, dark"."""
    pairs = []
    for first, second in itertools.combinations(attributes, 2):
        known = (first.groups != "") & (second.groups != "")
        joined = np.char.add(np.char.add(first.groups, ", "), second.groups)
        pairs.append(
            Attribute(
                f"{first.name} × {second.name}",
                np.where(known, joined, ""),
                first.source
                if first.source == second.source
                else "predicted"
                if "predicted" in (first.source, second.source)
                else first.source,
            )
        )
    return pairs


def corrected(reports: Sequence[AttributeReport]) -> list[AttributeReport]:
    """The same with Holm's correction in each family of gaps.

    `PRIMARY` is corrected over the attributes alone, so that asking for intersections costs none
    of their power. `CROSSED` is corrected over attributes and intersections together.
    """
    p_of: dict[tuple[int, str], float] = {}
    of_family: dict[str, list[tuple[int, str]]] = {PRIMARY: [], CROSSED: [], SECONDARY: []}
    for row, report in enumerate(reports):
        for outcome in report.outcomes:
            if outcome.gap is not None:
                p_of[row, outcome.key] = outcome.gap.p_value
                of_family[outcome.family].append((row, outcome.key))
    adjusted: dict[tuple[int, str], float] = {}
    of_family[CROSSED] += of_family[PRIMARY]
    for family in (SECONDARY, CROSSED, PRIMARY):  # the attributes' own correction comes last
        keys = of_family[family]
        adjusted |= zip(keys, holm([p_of[key] for key in keys]), strict=True)
    result = []
    for row, report in enumerate(reports):
        outcomes = [
            o.model_copy(update={"gap": o.gap.model_copy(update={"p_holm": adjusted[row, o.key]})})
            if o.gap is not None
            else o
            for o in report.outcomes
        ]
        result.append(report.model_copy(update={"outcomes": outcomes}))
    return result


def crossed(question: Question) -> Question:
    """The question as it is asked of an intersection."""
    return replace(question, family=CROSSED)


def expression_breakdown(
    predictions: Predictions,
    attributes: Sequence[Attribute],
    uncertain_threshold: float,
    *,
    pairs: Sequence[Attribute] | None = None,
) -> tuple[list[AttributeReport], list[AttributeReport]]:
    """Single attributes and their intersections, corrected as `corrected` says.

    Intersections carry accuracy alone: their groups are too small for more. `pairs` says which
    (from `intersect`); by default all.
    """
    questions = expression_questions(predictions, uncertain_threshold)

    def reported(attribute: Attribute, asked: Sequence[Question]) -> AttributeReport:
        further = further_figures(predictions, attribute.groups, uncertain_threshold)
        return report_attribute(attribute, asked, further)

    single = [reported(attribute, questions) for attribute in attributes]
    chosen = intersect(attributes) if pairs is None else pairs
    asked = [crossed(questions[0])]
    every = corrected([*single, *(reported(pair, asked) for pair in chosen)])
    return every[: len(single)], every[len(single) :]
