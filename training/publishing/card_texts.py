"""What every card of ours says in the same words, and the readme made from a card."""

import math
from typing import Any, Final

from core.emotions import EMOTIONS
from core.expression.model_card import ModelCard, TrainingData

DATA: Final = TrainingData(
    name="FER-2013, train split",
    source="Goodfellow et al. 2013, arXiv 1307.0414 (Kaggle: Challenges in Representation "
    "Learning, facial expression recognition)",
    terms="Collected by a web image search; research use. No image of it is in this repository.",
    n_train=0,
    known_flaws=[
        "Labels come from search words and few people: human agreement with them is about 65 %.",
        "Near-duplicates across the splits: 310 of 3,589 test images have one in training.",
        "Disgust has 436 training images, happiness 7,215.",
        "Posed and stock photographs; who is in them is not recorded.",
    ],
)

FIXED_TEXTS: Final[dict[str, Any]] = {
    "licence": "Apache-2.0",
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
        f"**Trained on** {card.data.name} ({card.data.n_train:,} images). {card.data.terms}",
        "",
        *([_taught_by(card.teachers), ""] if card.teachers else []),
        *([f"**Before that:** {card.pretraining}", ""] if card.pretraining else []),
        *[f"- {flaw}" for flaw in card.data.known_flaws],
        "",
        f"**For** {card.intended_use}",
        "",
        f"**Never for** {card.prohibited_use}",
        "",
        card.high_risk_class,
        "",
        *[f"- {limit}" for limit in card.limits],
        "",
        f"Licence: {card.licence}. {_identity(card)}",
        "",
    ]
    return "\n".join(lines)


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
