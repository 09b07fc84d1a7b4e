"""From a finished training run to `models/<id>/`: files, card, evaluation, readme.

The test split is read here once for each published file, by `core.measures.evaluation`, after
everything that could be chosen has been chosen on the validation split.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from pydantic import BaseModel

from core.emotions import EMOTIONS
from core.errors import DatasetError, MienError
from core.expression.classify import EmotionClassifier, EnsembleClassifier, members_sha256
from core.expression.model_card import (
    UNSHIPPED,
    UNSHIPPED_FILE,
    ExpressionCalibration,
    Head,
    InputSpec,
    ModelCard,
    TrainingData,
)
from core.expression.quantisation import Precision
from core.measures.accuracy import Measures, measure, near_duplicates
from core.measures.people import PeopleMeasures, measure_people
from core.measures.study import write_study
from core.pictures.face_input import FaceInput
from training.data.fer2013 import Faces, drop_blank, load_split
from training.data.framing import load_geometry
from training.data.rafdb import load_rafdb
from training.data.sets import SETS
from training.expression.calibrate import calibrate, fit_people
from training.expression.heads import N_LABELS, N_PEOPLE
from training.expression.network import count_macs
from training.publishing.artifacts import keep_weights
from training.publishing.card_texts import fixed_texts, learned_from, readme
from training.publishing.export import load_network, representative, to_litert
from training.recipes.base import Recipe, as_folder
from training.recipes.catalogue import load_recipe

# Of validation accuracy. Integers cost a point; a backbone exported wrongly cost 40.
MAX_EXPORT_LOSS = 0.03
UNCALIBRATED = ExpressionCalibration(
    temperature=1, uncertain_threshold=0, target_accuracy=0, coverage=1
)


class UnfaithfulExportError(MienError):
    """The exported file is another network than the one that was trained."""


class TestReport(BaseModel, frozen=True):
    """`evaluation.json`: figures on FER-2013's test split, whole and without near-duplicates.

    A near-duplicate is a test image whose pixels correlate above 0.99 with a training image.
    `single_view` leaves out the averaging over the mirror image; it equals `all` where the model
    does not average. A model with a head for what people say is measured with its other head
    there; `people` and `photos` are of the head that serves.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name
    model_id: str
    model_sha256: str
    dataset: str
    split: str
    command: str
    flip_average: bool
    all: Measures
    without_near_duplicates: Measures
    single_view: Measures
    n_near_duplicates: int
    # beside FER+'s votes for the test split; None without votes
    people: PeopleMeasures | None = None
    photos: dict[str, Measures] = {}  # set of photos -> figures against its labels


def publish(
    recipe_name: str,
    data: Path,
    run: Path,
    models_dir: Path,
    *,
    model_id: str,
    precision: Precision,
    flip_average: bool,
    shipped: bool = True,
    photos: Path | None = None,
) -> TestReport:
    """Export the best weights of `run`, calibrate, write the card, evaluate, write the readme.

    `run` holds `best.weights.h5` and `curves.json` of the recipe. A model that is not `shipped`,
    too heavy for that, goes to `<models_dir>/unshipped/<model_id>/`, where git ignores the model
    itself. `photos` is RAF-DB, whose test split the model is measured on, too.

    Raises:
        UnfaithfulExportError: if the exported file is clearly less often right on the validation
            split than the run was; nothing is written then, and the test split is not read.
    """
    recipe = load_recipe(recipe_name)
    face_input = FaceInput(geometry=load_geometry("fer2013"))
    network = load_network(recipe, face_input, run / "best.weights.h5")
    train, validation = load_split(data, "train"), load_split(data, "validation")
    examples = representative(train, face_input) if precision is Precision.int8 else None
    model = to_litert(network, examples, float16=precision is Precision.float16)
    data_of = _learned_from(recipe, train, photos)
    card = _card(model_id, recipe, network, model, face_input, data_of, precision)
    file = card.file if shipped else ""
    card = card.model_copy(update={"flip_average": flip_average, "file": file})
    trained = max(row["val_accuracy"] for row in own_curves(run))
    _checked(card, model, validation, trained)
    held_out = load_rafdb(photos, "held_out") if recipe.photo_set and photos else None
    classifier = EmotionClassifier(card, model, n_threads=2)
    classifier = classifier.with_card(calibrated(classifier, validation, held_out))
    folder = (models_dir if shipped else models_dir / UNSHIPPED) / model_id
    folder.mkdir(parents=True, exist_ok=True)
    write_study(folder / "curves.json", read_curves(recipe, run))
    (folder / (card.file or UNSHIPPED_FILE)).write_bytes(model)
    if shipped and precision is not Precision.int8:
        keep_weights(run / "best.weights.h5", folder / "model.weights.h5", precision)
    return write_card(classifier, data, train, folder, photos)


def publish_again(
    model_id: str, data: Path, models_dir: Path, photos: Path | None = None
) -> TestReport:
    """Calibrate a published model or ensemble anew and measure it, where a set or its cut changed.

    Its file stays; card, evaluation and readme are written. `photos` is RAF-DB.

    Raises:
        DatasetError: if the model learned from photos and none are given.
    """
    classifier = EmotionClassifier.load(model_id, models_dir, n_threads=2)
    held_out, set_of_photos = None, classifier.card.recipe.get("photo_set")
    if set_of_photos:
        if photos is None:
            raise DatasetError(SETS[set_of_photos].missing("--photos"))
        held_out = load_rafdb(photos, "held_out")
    train, validation = load_split(data, "train"), load_split(data, "validation")
    classifier = classifier.with_card(calibrated(classifier, validation, held_out))
    return write_card(classifier, data, train, models_dir / model_id, photos)


def read_curves(recipe: Recipe, run: Path) -> list[dict[str, float]]:
    """One row an epoch, after those of the run that this one started from."""
    curves = own_curves(run)
    if recipe.start_from is None:
        return curves
    earlier = run.parent / as_folder(recipe.start_from)
    if not earlier.exists():  # it was started from published weights
        return curves
    before = read_curves(load_recipe(recipe.start_from), earlier)
    return before + [{**row, "epoch": row["epoch"] + len(before)} for row in curves]


def own_curves(run: Path) -> list[dict[str, float]]:
    """One row an epoch of this run alone: a step taught other things may lose on labels."""
    return list(json.loads((run / "curves.json").read_text()))


def publish_ensemble(
    model_id: str, members: list[str], data: Path, models_dir: Path, photos: Path | None = None
) -> TestReport:
    """Make an ensemble's card from published models; calibrate, evaluate, write the readme.

    The calibration is fitted on the validation split of `data`; `photos` is RAF-DB, whose test
    split the ensemble is measured on, too.
    """
    parts = [EmotionClassifier.load(member, models_dir, n_threads=2) for member in members]
    cards = [part.card for part in parts]
    train, validation = load_split(data, "train"), load_split(data, "validation")
    card = cards[0].model_copy(
        update={
            "id": model_id,
            "title": f"Mean of {len(members)} models of our own",
            "file": "",
            "members": members,
            "sha256": members_sha256(cards),
            "n_bytes": sum(card.n_bytes for card in cards),
            "n_parameters": sum(card.n_parameters for card in cards),
            "n_macs": sum(card.n_macs for card in cards),
            "precision": " and ".join(sorted({card.precision for card in cards})),
            "teachers": [],  # it has learnt nothing itself
            "pretraining": " ".join(f"`{c.id}`: {c.pretraining}" for c in cards if c.pretraining),
            "calibration": UNCALIBRATED,
            "heads": _heads_of_all(cards),
            "recipe": {"members": members},
        }
    )
    ensemble = EnsembleClassifier(card, parts)
    folder = models_dir / model_id
    folder.mkdir(parents=True, exist_ok=True)
    calibrated_one = ensemble.with_card(calibrated(ensemble, validation))
    return write_card(calibrated_one, data, train, folder, photos)


def _heads_of_all(cards: list[ModelCard]) -> list[Head]:
    """The dialects that every member knows; the mean of log-probabilities is theirs already."""
    known = set.intersection(*({head.dialect for head in card.heads} for card in cards))
    return [Head(dialect=dialect, temperature=1.0) for dialect in sorted(known)]


def write_card(
    classifier: EmotionClassifier, data: Path, train: Faces, folder: Path, photos: Path | None
) -> TestReport:
    """Write card, evaluation and readme of a calibrated model to `folder`."""
    write_study(folder / "card.json", classifier.card.model_dump())
    report = measured_on_test(classifier, data, train, folder, photos)
    (folder / "README.md").write_text(readme(classifier.card, report.model_dump()))
    return report


def _card(
    model_id: str,
    recipe: Recipe,
    network: keras.Model,
    model: bytes,
    face_input: FaceInput,
    learned_from: list[TrainingData],
    precision: Precision,
) -> ModelCard:
    return ModelCard(
        id=model_id,
        title=f"{recipe.title}, {precision.words}",
        file="model.tflite",
        sha256=hashlib.sha256(model).hexdigest(),
        n_bytes=len(model),
        n_parameters=network.count_params(),
        n_macs=count_macs(network),
        precision=precision.on_card,
        labels=list(EMOTIONS),
        input=InputSpec(**vars(face_input)),
        flip_average=False,
        teachers=list(recipe.teachers),
        pretraining=recipe.pretraining,
        calibration=UNCALIBRATED,
        heads=_heads(recipe),
        serves="people" if recipe.people_head else "fer2013",
        data=learned_from[0],
        further_data=learned_from[1:],
        recipe=asdict(recipe),
        **fixed_texts(recipe),
    )


def _learned_from(recipe: Recipe, train: Faces, photos: Path | None) -> list[TrainingData]:
    """FER-2013 and further sets, each with the count of its faces that were learnt from."""
    kept = drop_blank(train)
    n_voted = 0 if kept.votes is None else int((kept.votes.sum(axis=1) > 0).sum())
    n_photos = 0
    if recipe.photo_set:
        if photos is None:
            raise DatasetError(SETS[recipe.photo_set].missing("--photos"))
        n_photos = len(load_rafdb(photos, "train"))
    return learned_from(recipe, len(kept), n_voted, n_photos)


def _heads(recipe: Recipe) -> list[Head]:
    if not recipe.people_head:
        return []
    after = {"first": N_LABELS, "n_outcomes": N_PEOPLE, "bias": [0.0] * N_PEOPLE}
    people = Head(dialect="people", temperature=1.0, **after)
    return [Head(dialect="fer2013", temperature=1.0), people]


def _checked(card: ModelCard, model: bytes, validation: Faces, trained_accuracy: float) -> None:
    """Refuse a file that is right much less often than the network that was trained."""
    inputs = card.face_input.normalise(validation.images[..., None])
    labels = EmotionClassifier(card, model, n_threads=2, dialect="fer2013")
    accuracy = float((labels.logits(inputs).argmax(axis=1) == validation.labels).mean())
    if accuracy < trained_accuracy - MAX_EXPORT_LOSS:
        raise UnfaithfulExportError(
            f"As {card.precision} the network is right in {accuracy:.1%} of the validation images "
            f"and was in {trained_accuracy:.1%}; choose another precision."
        )


def calibrated(
    classifier: EmotionClassifier, validation: Faces, photos: Faces | None = None
) -> ModelCard:
    """The card with calibrations fitted to the model's own answers on the validation split.

    `photos` are those that were kept out of the training of a model that learned from photos.
    """
    card = classifier.card
    inputs = card.face_input.normalise(validation.images[..., None])
    fitted = calibrate(classifier.in_dialect("fer2013").logits(inputs), validation.labels)
    if not card.heads:
        return card.model_copy(update={"calibration": fitted})
    heads = [head.model_copy(update={"temperature": fitted.temperature}) for head in card.heads]
    if card.serves == "people":
        if validation.votes is None:
            raise DatasetError("What people say cannot be calibrated: FER+'s votes are missing.")
        people = classifier.in_dialect("people")
        logits, seen = people.logits(inputs), None
        if photos is not None and photos.votes is not None:
            kept_out = card.face_input.normalise(photos.images[..., None])
            seen = people.logits(kept_out), photos.votes
        votes = validation.votes[:, : logits.shape[1]]
        temperature, bias, tau = fit_people(logits, votes, photos=seen)
        served = {"temperature": round(temperature, 4), "bias": bias, "tau": tau}
        heads = [h.model_copy(update=served) if h.dialect == "people" else h for h in heads]
    return card.model_copy(update={"calibration": fitted, "heads": heads})


def measured_on_test(
    classifier: EmotionClassifier,
    data: Path,
    train: Faces,
    folder: Path,
    photos: Path | None,
) -> TestReport:
    """Measure on the test split; writes `evaluation.json` and `predictions.npz` to `folder`."""
    card, labels = classifier.card, classifier.in_dialect("fer2013")
    test = load_split(data, "test")
    inputs = card.face_input.normalise(test.images[..., None])
    probabilities = labels.probabilities(inputs)
    single = labels.single_view()
    duplicate = near_duplicates(test.images, train.images)
    said = classifier.probabilities(inputs)
    kept: dict[str, Any] = {
        "labels": test.labels.astype(np.uint8),
        "probabilities": probabilities.astype(np.float16),
        "near_duplicate": duplicate,
    }
    if card.serves == "people" and test.votes is not None:
        kept |= {"shares": said.astype(np.float16), "votes": test.votes.astype(np.float16)}
    np.savez_compressed(folder / "predictions.npz", **kept)
    report = TestReport(
        model_id=card.id,
        model_sha256=card.sha256,
        dataset="FER-2013",
        split="test (PrivateTest)",
        command=_command(card),
        flip_average=card.flip_average,
        all=measure(test.labels, probabilities),
        without_near_duplicates=measure(test.labels[~duplicate], probabilities[~duplicate]),
        single_view=measure(test.labels, single.probabilities(inputs)),
        n_near_duplicates=int(duplicate.sum()),
        people=None if test.votes is None else measure_people(test.votes, said),
        photos={} if photos is None else {"RAF-DB, test split": on_photos(classifier, photos)},
    )
    # pydantic writes NaN (a share of nothing) as null; JSON has no NaN.
    (folder / "evaluation.json").write_text(report.model_dump_json(indent=1) + "\n")
    return report


def on_photos(classifier: EmotionClassifier, photos: Path) -> Measures:
    """The served head on RAF-DB's test split."""
    faces = load_rafdb(photos, "test")
    inputs = classifier.card.face_input.normalise(faces.images[..., None])
    return measure(faces.labels, classifier.probabilities(inputs))


def _command(card: ModelCard) -> str:
    """What makes the evaluation again."""
    if card.file or card.members:
        labels = " --labels fer2013" if card.serves == "people" else ""
        return f"mien evaluate --data fer2013.parquet --split test --model {card.id}{labels}"
    precision = next(one for one in Precision if one.on_card == card.precision)
    return (
        f"mien publish {card.recipe['name']} --data fer2013.parquet --precision {precision} "
        f"--id {card.id} --unshipped"
    )
