"""Mitigations that need no retraining, fitted on validation images and measured on test images.

None of them asks who is in a user's picture: they act on conditions that can be measured in any
photo, or need groups for fitting alone, since guessing a user's age, gender or race is out of the
question.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.expression.classify import EmotionClassifier, softmax
from core.measures.evaluation import judge
from core.measures.groups.gaps import MIN_JUDGED
from core.types import FloatArray
from training.data.fer2013 import Faces
from training.expression.calibrate import fit_shares
from training.studies.bias.before_after import NOT_JUDGED, before_after, states, with_verdicts
from training.studies.bias.guesses import Guesses
from training.studies.bias.measured import pixel_properties
from training.studies.bias.reweight import cell_weights, choose_weighting, log_probabilities, refit

_PENALTY: Final = 0.01  # on large offsets
# Of the study as a whole, and of each method.
TEXTS: Final = tomllib.loads(Path(__file__).with_name("mitigations.toml").read_text("utf-8"))


@dataclass(frozen=True, eq=False)
class Prepared:
    """One split with what the model says of it."""

    faces: Faces
    probabilities: FloatArray
    properties: Any


@dataclass(frozen=True, eq=False)
class Case:
    """Groups by number, (n,), of the images that are fitted on and of those measured on."""

    attribute: str
    fitted_on: Prepared
    groups_fit: NDArray[np.int64]
    measured_on: Prepared
    groups: NDArray[np.int64]
    is_measured: bool  # in the picture, and not guessed of a person


def prepare(classifier: EmotionClassifier, faces: Faces) -> Prepared:
    """Judge a split and measure its pixels."""
    return Prepared(faces, judge(classifier, faces.images), pixel_properties(faces.images))


def mitigation_study(
    classifier: EmotionClassifier,
    validation: Faces,
    test: Faces,
    *,
    guesses: Guesses | None = None,
    command: str,
) -> dict[str, Any]:
    """Each method against the gap of each of three properties, and of predicted groups."""
    fitted_on, measured_on = prepare(classifier, validation), prepare(classifier, test)
    stretched = {
        "stretched contrast": judge(classifier, _each(test.images, stretch)),
        "local contrast": judge(classifier, _each(test.images, even_out)),
    }
    before = states(measured_on.probabilities, test.labels)
    rows = []
    for case in _cases(fitted_on, measured_on, guesses):
        of_all = case.attribute, "all faces", before
        for method, probabilities in stretched.items():
            after = states(probabilities, test.labels)
            rows.append(before_after(method, *of_all, after, case.groups))
        rows.append(_refit_row(case))
        if not case.is_measured:
            continue  # the others would have to guess who is in a user's photo
        after = states(correct_by_group(case), test.labels)
        rows.append(before_after("correction per condition", *of_all, after, case.groups))
        rows.append(_threshold_row(classifier, case))
    return {
        "command": command,
        "model_id": classifier.card.id,
        "model_sha256": classifier.card.sha256,
        **TEXTS,
        "rows": with_verdicts(rows),
    }


def _cases(fitted_on: Prepared, measured_on: Prepared, guesses: Guesses | None) -> Iterator[Case]:
    for name in ("brightness", "contrast", "sharpness"):
        cuts = np.quantile(fitted_on.properties[name], (1 / 3, 2 / 3))
        both = [np.searchsorted(cuts, one.properties[name]) for one in (fitted_on, measured_on)]
        yield Case(name, fitted_on, both[0], measured_on, both[1], is_measured=True)
    for name, by_split in (guesses.groups if guesses else {}).items():
        names = np.unique(by_split["validation"])
        both = [np.searchsorted(names, by_split[split]) for split in ("validation", "test")]
        title = f"{name}, predicted"
        yield Case(title, fitted_on, both[0], measured_on, both[1], is_measured=False)


def _each(images: NDArray[np.uint8], change: Callable[..., Any]) -> NDArray[np.uint8]:
    return np.stack([change(image) for image in images])


def stretch(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels stretched between their 2nd and 98th percentile; flat images stay."""
    low, high = np.percentile(image, (2, 98))
    if high - low < 4:
        return image
    levels = np.clip((image - low) / (high - low) * 255, 0, 255)
    return np.asarray(levels.round(), np.uint8)


def even_out(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalisation."""
    return np.asarray(cv2.createCLAHE(2.0, (4, 4)).apply(image), np.uint8)


def correct_by_group(case: Case) -> FloatArray:
    """Probabilities after a temperature and seven offsets for each group."""
    fitted_on, probabilities = case.fitted_on, case.measured_on.probabilities
    result = probabilities.copy()
    for group in np.unique(case.groups):
        inside = case.groups_fit == group
        if inside.sum() < MIN_JUDGED:
            continue
        logits = log_probabilities(fitted_on.probabilities[inside])
        truth = np.eye(logits.shape[1])[fitted_on.faces.labels[inside]]
        temperature, offsets = fit_shares(logits, truth, penalty=_PENALTY)
        chosen = case.groups == group
        corrected = log_probabilities(probabilities[chosen]) / temperature + offsets
        result[chosen] = softmax(np.asarray(corrected, np.float32))
    return result


def threshold_for(probabilities: FloatArray, labels: NDArray[np.int64], target: float) -> float:
    """Smallest threshold from which on the judged faces reach `target`; 1 where none does."""
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence)
    right = (probabilities.argmax(axis=1) == labels)[order]
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero((accuracy >= target) & (np.arange(len(right)) >= MIN_JUDGED))
    return float(confidence[order][enough[-1]]) if len(enough) else 1.0


def _refit_row(case: Case) -> dict[str, Any]:
    given, labels = case.fitted_on.probabilities, case.fitted_on.faces.labels
    chosen = choose_weighting(given, labels, case.groups_fit)
    machine = refit(given, labels, cell_weights(case.groups_fit, labels, chosen))
    truth = case.measured_on.faces.labels
    judged = machine.predict(log_probabilities(case.measured_on.probabilities))
    before = states(case.measured_on.probabilities, truth)
    after = (judged == truth).astype(np.int64)
    row = before_after("reweighted refit", case.attribute, "all faces", before, after, case.groups)
    return row | {"weighting": chosen}


def _threshold_row(classifier: EmotionClassifier, case: Case) -> dict[str, Any]:
    calibration = classifier.card.calibration
    given, fitted_on = case.fitted_on.probabilities, case.fitted_on.faces.labels
    inside = [case.groups_fit == group for group in range(3)]
    by_group = np.array(
        [threshold_for(given[i], fitted_on[i], calibration.target_accuracy) for i in inside]
    )
    said, labels = case.measured_on.probabilities, case.measured_on.faces.labels
    before = states(said, labels, calibration.uncertain_threshold)
    after = states(said, labels, by_group[case.groups])
    row = before_after(
        "threshold per condition", case.attribute, "faces judged", before, after, case.groups
    )
    return row | {
        "coverage_before": float((before != NOT_JUDGED).mean()),
        "coverage_after": float((after != NOT_JUDGED).mean()),
    }
