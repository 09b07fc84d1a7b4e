"""From a finished training run to `models/<id>/`: files, card, evaluation, readme.

The test split is read here once for each published file, by `core.measures.evaluation`, after
everything that could be chosen has been chosen on the validation split.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from core.emotions import EMOTIONS
from core.errors import MienError
from core.expression.classify import EmotionClassifier, EnsembleClassifier, members_sha256
from core.expression.model_card import UNSHIPPED, UNSHIPPED_FILE, Calibration, InputSpec, ModelCard
from core.expression.quantisation import Precision
from core.measures.accuracy import Measures, measure, near_duplicates
from core.pictures.face_input import FaceInput
from training.data.crop_geometry import load_fer_geometry
from training.data.fer2013 import Faces, drop_blank, load_split
from training.expression.calibrate import calibrate
from training.expression.network import count_macs
from training.publishing.artifacts import keep_weights
from training.publishing.card_texts import DATA, FIXED_TEXTS, readme
from training.publishing.export import N_REPRESENTATIVE, load_network, to_litert
from training.recipes.base import Recipe, as_folder
from training.recipes.catalogue import load_recipe

# Of validation accuracy. Integers cost a point; a backbone exported wrongly cost 40.
MAX_EXPORT_LOSS = 0.03
UNCALIBRATED = Calibration(temperature=1, uncertain_threshold=0, target_accuracy=0, coverage=1)


class UnfaithfulExportError(MienError):
    """The exported file is another network than the one that was trained."""

    kind = "unfaithful_export"


class TestReport(BaseModel):
    """`evaluation.json`: figures on FER-2013's test split, whole and without near-duplicates.

    A near-duplicate is a test image whose pixels correlate above 0.99 with a training image.
    `single_view` leaves out the averaging over the mirror image; it equals `all` where the model
    does not average.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name
    model_config = ConfigDict(frozen=True)

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
) -> TestReport:
    """Export the best weights of `run`, calibrate, write the card, evaluate, write the readme.

    Args:
        recipe_name: recipe that `run` was trained by.
        data: FER-2013 (parquet, Kaggle csv or folder).
        run: folder with `best.weights.h5` and `curves.json`.
        models_dir: where `<model_id>/` is made.
        model_id: of the published model.
        precision: of the exported file's numbers.
        flip_average: whether the served model averages over the mirror image.
        shipped: False for a model too heavy to ship: it is written to
            `<models_dir>/unshipped/<model_id>/`, where git ignores the model itself.

    Raises:
        UnfaithfulExportError: if the exported file is clearly less often right on the validation
            split than the run was; nothing is written then, and the test split is not read.
    """
    recipe = load_recipe(recipe_name)
    face_input = FaceInput(geometry=load_fer_geometry())
    network = load_network(recipe, face_input, run / "best.weights.h5")
    train, validation = load_split(data, "train"), load_split(data, "validation")
    examples = _representative(train, face_input) if precision is Precision.int8 else None
    model = to_litert(network, examples, float16=precision is Precision.float16)
    card = _card(model_id, recipe, network, model, face_input, len(drop_blank(train)), precision)
    file = card.file if shipped else ""
    card = card.model_copy(update={"flip_average": flip_average, "file": file})
    trained = max(row["val_accuracy"] for row in read_curves(recipe, run))
    card = _calibrated(card, model, validation, trained)
    folder = (models_dir if shipped else models_dir / UNSHIPPED) / model_id
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "curves.json", read_curves(recipe, run))
    (folder / (card.file or UNSHIPPED_FILE)).write_bytes(model)
    if shipped and precision is not Precision.int8:
        keep_weights(run / "best.weights.h5", folder / "model.weights.h5", precision)
    return write_card(EmotionClassifier(card, model), data, train, folder)


def read_curves(recipe: Recipe, run: Path) -> list[dict[str, float]]:
    """One row an epoch, after those of the run that this one started from."""
    curves: list[dict[str, float]] = json.loads((run / "curves.json").read_text())
    if recipe.start_from is None:
        return curves
    before = read_curves(load_recipe(recipe.start_from), run.parent / as_folder(recipe.start_from))
    return before + [{**row, "epoch": row["epoch"] + len(before)} for row in curves]


def publish_ensemble(
    model_id: str, members: list[str], data: Path, models_dir: Path
) -> TestReport:
    """Make an ensemble's card from published models; calibrate, evaluate, write the readme.

    Args:
        model_id: of the ensemble.
        members: ids of published models; the served answer is the mean of theirs.
        data: FER-2013; the calibration is fitted on its validation split.
        models_dir: where `<model_id>/` is made and the members are.
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
            "recipe": {"members": members},
        }
    )
    inputs = card.face_input.normalise(validation.images[..., None])
    logits = EnsembleClassifier(card, parts).logits(inputs)
    card = card.model_copy(update={"calibration": calibrate(logits, validation.labels)})
    folder = models_dir / model_id
    folder.mkdir(parents=True, exist_ok=True)
    return write_card(EnsembleClassifier(card, parts), data, train, folder)


def write_card(
    classifier: EmotionClassifier, data: Path, train: Faces, folder: Path
) -> TestReport:
    """Write card, evaluation and readme of a calibrated model to `folder`."""
    _write_json(folder / "card.json", classifier.card.model_dump())
    report = test_report(classifier, data, train, folder)
    (folder / "README.md").write_text(readme(classifier.card, report.model_dump()))
    return report


def _representative(train: Faces, face_input: FaceInput) -> NDArray[np.float32]:
    chosen = np.random.default_rng(0).permutation(len(train))[:N_REPRESENTATIVE]
    return face_input.normalise(train.images[chosen][..., None])


def _card(
    model_id: str,
    recipe: Recipe,
    network: keras.Model,
    model: bytes,
    face_input: FaceInput,
    n_train: int,
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
        input=InputSpec(
            size_px=face_input.size_px,
            channels=face_input.channels,
            scale=face_input.scale,
            offset=face_input.offset,
            geometry=face_input.geometry,
        ),
        flip_average=False,
        teachers=list(recipe.teachers),
        pretraining=recipe.pretraining,
        calibration=UNCALIBRATED,
        data=DATA.model_copy(update={"n_train": n_train}),
        recipe=recipe.to_dict(),
        **FIXED_TEXTS,
    )


def _calibrated(
    card: ModelCard, model: bytes, validation: Faces, trained_accuracy: float
) -> ModelCard:
    """The card with a calibration fitted to the exported file's own logits."""
    inputs = card.face_input.normalise(validation.images[..., None])
    logits = EmotionClassifier(card, model, n_threads=2).logits(inputs)
    accuracy = float((logits.argmax(axis=1) == validation.labels).mean())
    if accuracy < trained_accuracy - MAX_EXPORT_LOSS:
        raise UnfaithfulExportError(
            f"As {card.precision} the network is right in {accuracy:.1%} of the validation images "
            f"and was in {trained_accuracy:.1%}; choose another precision."
        )
    fitted = calibrate(logits, validation.labels)
    return card.model_copy(update={"calibration": fitted})


def test_report(
    classifier: EmotionClassifier, data: Path, train: Faces, folder: Path
) -> TestReport:
    """Measure on the test split; writes `evaluation.json` and `predictions.npz` to `folder`."""
    card = classifier.card
    test = load_split(data, "test")
    inputs = card.face_input.normalise(test.images[..., None])
    probabilities = classifier.probabilities(inputs)
    single = classifier.single_view()
    duplicate = near_duplicates(test.images, train.images)
    np.savez_compressed(
        folder / "predictions.npz",
        labels=test.labels.astype(np.uint8),
        probabilities=probabilities.astype(np.float16),
        near_duplicate=duplicate,
    )
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
    )
    # pydantic writes NaN (a share of nothing) as null; JSON has no NaN.
    (folder / "evaluation.json").write_text(report.model_dump_json(indent=1) + "\n")
    return report


def _command(card: ModelCard) -> str:
    """What makes the evaluation again."""
    if card.file or card.members:
        return f"mien evaluate --data fer2013.parquet --split test --model {card.id}"
    precision = next(one for one in Precision if one.on_card == card.precision)
    return (
        f"mien publish {card.recipe['name']} --data fer2013.parquet --precision {precision} "
        f"--id {card.id} --unshipped"
    )


test_report.__test__ = False  # type: ignore[attr-defined]  # a report, not a test


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
