"""The bias studies as JSON-ready content; `mien bias` writes them to `models/studies/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.emotions import EMOTIONS, noun
from core.errors import DatasetError, ModelError
from core.expression.classify import EmotionClassifier
from core.expression.model_card import ModelCard
from core.landmarks import FaceLandmarker
from core.measures.curves import Predictions, load_predictions
from core.measures.datasets import load_labelled
from core.measures.evaluation import Progress
from core.measures.groups.breakdown import (
    PRIMARY,
    SECONDARY,
    Attribute,
    BiasReport,
    Question,
    corrected,
    crossed,
    expression_breakdown,
    intersect,
    report_attribute,
)
from core.measures.groups.mixing import association, entropy, evenness
from training.data.fer2013 import load_split
from training.data.pictures import PhotoFaces, analyse_photos
from training.studies.bias.guesses import SPLITS, Guesses, held_out_sentence
from training.studies.bias.measured import (
    face_attributes,
    face_properties,
    pixel_attributes,
    pixel_properties,
)


def stored_predictions(
    card: ModelCard, models_dir: Path, labels: NDArray[np.int64]
) -> Predictions:
    """What was published for the test split, after checking that it is of the same images.

    Raises:
        ModelError: if nothing is stored.
        DatasetError: if the images are others.
    """
    stored = load_predictions(models_dir / card.id)
    if stored is None:
        raise ModelError(f"Model {card.id!r} has no predictions.npz; run `mien publish`.")
    if not np.array_equal(stored.labels, labels):
        raise DatasetError("The data's test split is not the one that the model was tested on.")
    return stored


def measured_study(
    data: Path,
    card: ModelCard,
    models_dir: Path,
    detector: FaceDetector,
    landmarker: FaceLandmarker,
    *,
    command: str,
    progress: Progress | None = None,
) -> BiasReport:
    """FER-2013's test split by properties measured from its pixels."""
    faces = load_split(data, "test")
    predictions = stored_predictions(card, models_dir, faces.labels)
    attributes = [
        *pixel_attributes(pixel_properties(faces.images)),
        *face_attributes(face_properties(faces.images, detector, landmarker, progress)),
    ]
    return _fer_report(
        "measured properties",
        predictions,
        attributes,
        card,
        pairs_of=("brightness", "turned"),
        command=command,
        caveats=[
            "Thirds are cut on the test images themselves. These are properties of pictures, not "
            "of people; they often go together, so one may stand for another."
        ],
    )


def _fer_report(
    by: str,
    predictions: Predictions,
    attributes: Sequence[Attribute],
    card: ModelCard,
    *,
    pairs_of: Sequence[str],
    command: str,
    caveats: list[str],
) -> BiasReport:
    """All attributes, and the intersection of those named: each further pair costs power."""
    threshold = card.calibration.uncertain_threshold
    pairs = intersect([one for one in attributes if one.name in pairs_of])
    single, crossings = expression_breakdown(predictions, attributes, threshold, pairs=pairs)
    return BiasReport(
        title=f"FER-2013 test by {by}",
        kind="error",
        dataset="FER-2013, test (PrivateTest)",
        n=len(predictions),
        model_id=card.id,
        model_sha256=card.sha256,
        command=command,
        caveats=caveats,
        attributes=single,
        intersections=crossings,
    )


def predicted_study(
    data: Path, guesses: Guesses, card: ModelCard, models_dir: Path, *, command: str
) -> BiasReport:
    """FER-2013's test split by perceived age group and gender, as an annotator guesses them."""
    labels = load_labelled(data, split="test").labels
    predictions = stored_predictions(card, models_dir, labels)
    attributes = guesses.attributes("test")
    return _fer_report(
        "predicted age group and gender",
        predictions,
        attributes,
        card,
        pairs_of=[one.name for one in attributes],
        command=command,
        caveats=[
            "The annotator was trained on UTKFace (non-commercial research) and measured on "
            "faces of UTKFace; FER-2013's pictures are smaller and rougher, so its error there "
            "is rather larger than the one stated.",
            *[held_out_sentence(name, one) for name, one in guesses.held_out.items()],
        ],
    )


def utkface_study(
    data: Path,
    classifier: EmotionClassifier,
    detector: FaceDetector,
    landmarker: FaceLandmarker,
    *,
    command: str,
    progress: Progress | None = None,
) -> BiasReport:
    """UTKFace by its annotated age, gender and race: what the app does, not how right it is."""
    frame = pd.read_parquet(data)
    photos = analyse_photos(frame, classifier, detector, landmarker, progress)
    threshold = classifier.card.calibration.uncertain_threshold
    questions = disparity_questions(photos, threshold)
    attributes = [
        Attribute("age", frame["age_bin"].to_numpy(str), "annotated", "UTKFace's age, in bins."),
        Attribute("gender", frame["gender"].to_numpy(str), "annotated", "As UTKFace has it."),
        Attribute("race", frame["race"].to_numpy(str), "annotated", "As UTKFace has it."),
    ]
    single = [report_attribute(one, questions, []) for one in attributes]
    asked = [crossed(questions[0])]
    pairs = [report_attribute(one, asked, []) for one in intersect(attributes)]
    every = corrected([*single, *pairs])
    return BiasReport(
        title="UTKFace by annotated age, gender and race",
        kind="disparity",
        dataset="UTKFace (stratified sample)",
        n=len(frame),
        model_id=classifier.card.id,
        model_sha256=classifier.card.sha256,
        command=command,
        caveats=[
            "UTKFace says nothing about expressions, so nothing here is an error rate: a group "
            "judged happy more often may smile more often in these pictures. Shares are "
            "disparities that want an explanation, not proof of one.",
            "Age, gender and race are what annotators wrote; race has UTKFace's five values.",
        ],
        attributes=every[: len(single)],
        intersections=every[len(single) :],
    )


def disparity_questions(photos: PhotoFaces, threshold: float) -> list[Question]:
    """Detection, mesh, uncertain and each predicted expression, among the faces they concern."""
    everyone = np.ones(len(photos.found), bool)
    confidence = np.where(photos.found, np.nan_to_num(photos.probabilities).max(axis=1), 0)
    predicted = np.where(photos.found, np.nan_to_num(photos.probabilities).argmax(axis=1), -1)
    questions = [
        Question("detected", "found by the detector", PRIMARY, "high", photos.found, everyone),
        Question(
            "mesh_failed",
            "without a landmark mesh",
            SECONDARY,
            "low",
            ~photos.meshed,
            photos.found,
        ),
        Question(
            "uncertain",
            "called uncertain",
            SECONDARY,
            "low",
            np.asarray(confidence < threshold),
            photos.found,
        ),
    ]
    return questions + [
        Question(
            f"judged_{name}",
            f"judged to resemble {noun(name)}",
            SECONDARY,
            None,
            np.asarray(predicted == index),
            photos.found,
        )
        for index, name in enumerate(EMOTIONS)
    ]


def dataset_study(
    data: Path, *, command: str, guessed: Sequence[Attribute] = ()
) -> dict[str, Any]:
    """Class balance of each split, and groups against expressions over all images.

    `guessed` are attributes of all images in the order train, validation, test.
    """
    faces = [load_split(data, split) for split in SPLITS]
    labels = np.concatenate([part.labels for part in faces])
    names = np.array(EMOTIONS)[labels]
    attributes = pixel_attributes(
        pixel_properties(np.concatenate([part.images for part in faces]))
    )
    train = np.bincount(faces[0].labels, minlength=len(EMOTIONS)).astype(float)
    return {
        "command": command,
        "dataset": "FER-2013, all splits",
        "class_counts": {
            split: {name: int((part.labels == index).sum()) for index, name in enumerate(EMOTIONS)}
            for split, part in zip(SPLITS, faces, strict=True)
        },
        "class_evenness": evenness(train),
        "effective_classes": float(np.exp(entropy(train))),
        "associations": {
            one.name: {
                "source": one.source,
                "note": one.note,
                "association": association(one.groups, names).model_dump(),
            }
            for one in [*attributes, *guessed]
        },
    }
