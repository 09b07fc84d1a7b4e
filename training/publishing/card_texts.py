"""What every card of ours says in the same words, and the readme made from a card."""

import math
from typing import Any, Final

from core.emotions import EMOTIONS
from core.expression.model_card import ModelCard, TrainingData
from training.data.sets import SETS
from training.recipes.base import Recipe


def learned_from(recipe: Recipe, n_train: int, n_voted: int, n_photos: int) -> list[TrainingData]:
    """The sets that a recipe learns from, with counts; FER-2013's images and labels first."""
    found = [SETS["fer2013"].on_card(", train split", n_train)]
    if recipe.people_head:
        found.append(SETS["votes"].on_card(" for FER-2013's train split", n_voted))
    if recipe.photo_set:
        part = ", nine tenths of the train split"
        found.append(SETS[recipe.photo_set].on_card(part, n_photos))
    return found


def fixed_texts(recipe: Recipe) -> dict[str, Any]:
    """`FIXED_TEXTS`, with the terms that the recipe's data leave for the weights."""
    if recipe.photo_set is None or not SETS[recipe.photo_set].research_only:
        return FIXED_TEXTS
    terms = f"as {SETS[recipe.photo_set].name}'s terms say"
    licence = f"Weights: non-commercial research only, {terms}. Code: Apache-2.0."
    return {**FIXED_TEXTS, "licence": licence}


FIXED_TEXTS: Final[dict[str, Any]] = {
    "licence": "Weights: research and teaching, as FER-2013's images were given. "
    "Code: Apache-2.0.",
    "intended_use": "Showing people, with their consent, which of seven prototype expressions a "
    "visible face resembles; teaching and research about such models and their limits.",
    "prohibited_use": "Inferring emotions at work or in education (EU AI Act, article 5(1)(f)); "
    "lie detection, hiring, policing, insurance, diagnosis, or any decision about a person.",
    "high_risk_class": "Emotion recognition that is not prohibited is high-risk under Annex III "
    "of the EU AI Act and owes people the notice of article 50(3).",
    "limits": [
        "A facial expression is not a feeling: people scowl in about a third of the cases in "
        "which they are angry, and for other reasons too (Barrett et al. 2019).",
        "Small, turned, covered, blurred or badly lit faces are judged worse than test images.",
        "Accuracy differs between groups of people; see the bias breakdowns before any use.",
    ],
}


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def _identity(card: ModelCard) -> str:
    if card.members:
        names = ", ".join(f"`{name}`" for name in card.members)
        return f"The mean of {names}; SHA-256 over their hashes: `{card.sha256}`."
    if not card.file:
        return f"The file is too heavy to ship; SHA-256 of what was evaluated: `{card.sha256}`."
    return f"SHA-256 of `{card.file}`: `{card.sha256}`."


def _taught_by(teachers: list[str]) -> str:
    names = ", ".join(f"`{name}`" for name in teachers)
    return f"**Taught by** what networks of ours say of the same faces (recipes: {names})."


def readme(card: ModelCard, report: dict[str, Any]) -> str:
    """The model's README.md, made from the card and the content of `evaluation.json`."""
    calibration = card.calibration
    lines = [
        f"# {card.id}",
        "",
        f"{card.title}. {card.n_parameters:,} parameters, {card.n_macs / 1e6:.0f} million "
        f"multiply-accumulates a view, {card.n_bytes / 1e6:.1f} MB, {card.precision}.",
        "",
        f"FER-2013, private test split, by `{report['command']}`:",
        "",
        *_tables(report),
        "",
        f'The app says "uncertain" below {calibration.uncertain_threshold:.2f}: on the '
        f"validation split the other {_share(calibration.coverage)} of the faces are judged "
        f"right in {_share(calibration.target_accuracy)} of the cases.",
        "",
        *_people(report),
        *[line for data in (card.data, *card.further_data) for line in (_learned(data), "")],
        *([_taught_by(card.teachers), ""] if card.teachers else []),
        *([f"**Before that:** {card.pretraining}", ""] if card.pretraining else []),
        *[f"- {flaw}" for data in (card.data, *card.further_data) for flaw in data.known_flaws],
        "",
        f"**For** {card.intended_use}",
        "",
        f"**Never for** {card.prohibited_use}",
        "",
        card.high_risk_class,
        "",
        *[f"- {limit}" for limit in card.limits],
        "",
        f"Licence: {card.licence} {_identity(card)}",
        "",
    ]
    return "\n".join(lines)


def _learned(data: TrainingData) -> str:
    return f"**Trained on** {data.name} ({data.n_train:,} images). {data.terms}"


def _people(report: dict[str, Any]) -> list[str]:
    """Lines on what people say; none where the report knows nothing of it."""
    lines = []
    if people := report["people"]:
        low, high = people["clear_ci95"]
        lines = [
            f"**Agreement with people** on the {people['n_clear']:,} test images on which more "
            f"than half of ten taggers agree: {_share(people['clear_agreement'])} (95 % interval "
            f"{_share(low)} to {_share(high)}), balanced {_share(people['clear_balanced'])}. "
            f"A predicted share is off by {people['share_error']:.3f} on the mean and "
            f"correlates with the real one by {people['share_correlation']:.2f}.",
            "",
        ]
    for name, figures in report["photos"].items():
        low, high = figures["accuracy_ci95"]
        lines += [
            f"**On photos** ({name}, {figures['n']:,} faces): {_share(figures['accuracy'])} "
            f"(95 % interval {_share(low)} to {_share(high)}), balanced "
            f"{_share(figures['balanced_accuracy'])}.",
            "",
        ]
    return lines


def _tables(report: dict[str, Any]) -> list[str]:
    """Lines of the table by part of the test split and of that by label."""
    parts = {
        "all test images": report["all"],
        "without near-duplicates of training images": report["without_near_duplicates"],
        "all, without averaging over the mirror image": report["single_view"],
    }
    labels = {name: report["all"]["per_class"][name] for name in EMOTIONS}
    return [
        "| | images | accuracy | balanced accuracy | macro F1 | calibration error |",
        "|---|---|---|---|---|---|",
        *[
            f"| {title} | {part['n']} | {_share(part['accuracy'])} "
            f"| {_share(part['balanced_accuracy'])} | {_share(part['macro_f1'])} "
            f"| {part['ece']:.3f} |"
            for title, part in parts.items()
        ],
        "",
        "| label | precision | recall | F1 | test images |",
        "|---|---|---|---|---|",
        *[
            f"| {name} | {_share(scores['precision'])} | {_share(scores['recall'])} "
            f"| {_share(scores['f1'])} | {scores['support']} |"
            for name, scores in labels.items()
        ],
    ]
