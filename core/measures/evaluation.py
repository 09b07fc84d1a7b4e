"""Run a model over a labelled set and measure it; what `mien evaluate` does."""

from collections.abc import Callable, Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.detection import FaceDetector
from core.errors import DatasetError, ImageRefusedError
from core.expression.classify import EmotionClassifier
from core.measures.accuracy import Measures, measure
from core.measures.datasets import LabelledImages
from core.pictures.face_input import FaceInput
from core.types import Face, FloatArray, ImageRGB

FacesMode = Literal["crop", "detect"]
Progress = Callable[[int, int], None]

_BATCH = 256


class GroupMeasures(BaseModel, frozen=True):
    """One group of an attribute: how many images, how many without a face, and the figures.

    `measures` counts the images with a face only.
    """

    n: int
    undetected: int
    measures: Measures


class Evaluation(BaseModel, frozen=True):
    """What one run over a labelled set found.

    Attributes:
        faces: "crop" where each image was taken as a face, "detect" where the largest was found.
        detector: its name; None for `crop`.
        n: images in the set.
        undetected: images in which no face was found (always 0 for `crop`).
        accuracy_of_all: share judged right, 0..1, the undetected counted as wrong.
        measures: figures of the images with a face.
        by_group: column -> group -> figures.
    """

    model_id: str
    model_sha256: str
    dataset: str
    split: str | None
    faces: FacesMode
    detector: str | None
    n: int
    undetected: int
    accuracy_of_all: float
    measures: Measures
    by_group: dict[str, dict[str, GroupMeasures]]


def predict(
    classifier: EmotionClassifier,
    images: LabelledImages,
    *,
    detector: FaceDetector | None = None,
    progress: Progress | None = None,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Probabilities (n, 7) and which images had a face (n,).

    Without a detector each image is taken as a face crop. Rows without a face are NaN.

    Raises:
        DatasetError: if an image cannot be decoded; the message names the row.
    """
    face_input = classifier.card.face_input
    probabilities = np.full((len(images), len(classifier.card.labels)), np.nan, np.float32)
    crops: dict[int, NDArray[np.uint8]] = {}
    for row, encoded in enumerate(images.encoded()):
        try:
            image_rgb = images.limits.decode(encoded).image_rgb
        except ImageRefusedError as exc:
            raise DatasetError(f"{images.name}, row {images.rows[row]}: {exc}") from exc
        crop = _face_crop(image_rgb, face_input, detector)
        if crop is not None:
            crops[row] = crop
        if len(crops) == _BATCH or row + 1 == len(images):
            probabilities[list(crops)] = judge(classifier, list(crops.values()))
            crops.clear()
        if progress:
            progress(row + 1, len(images))
    return probabilities, ~np.isnan(probabilities[:, 0])


def judge(
    classifier: EmotionClassifier, crops: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
) -> FloatArray:
    """Probabilities (n, 7) of face crops, grey (s, s) or with channels (s, s, c), taken whole."""
    face_input = classifier.card.face_input
    parts = [np.empty((0, len(classifier.card.labels)), np.float32)]
    for start in range(0, len(crops), _BATCH):
        part = [_resized(crop, face_input) for crop in crops[start : start + _BATCH]]
        parts.append(classifier.probabilities(face_input.normalise(np.stack(part))))
    return np.concatenate(parts)


def _resized(crop: NDArray[np.uint8], face_input: FaceInput) -> NDArray[np.uint8]:
    if crop.ndim == 2 and face_input.channels == 3:
        crop = np.repeat(crop[..., None], 3, axis=2)
    elif crop.shape[2:] == (1,):
        crop = crop[..., 0]
    return face_input.resize(crop)


def _face_crop(
    image_rgb: ImageRGB, face_input: FaceInput, detector: FaceDetector | None
) -> NDArray[np.uint8] | None:
    """The whole image, or its largest face; None where the detector finds none."""
    if detector is None:
        return whole_crop(image_rgb, face_input)
    largest = largest_face(image_rgb, detector)
    if largest is None:
        return None
    return face_input.crop(image_rgb, face_input.square(largest.box, detector.box_geometry))


def whole_crop(image_rgb: ImageRGB, face_input: FaceInput) -> NDArray[np.uint8]:
    """An image that is a face crop already, in the size and channels of the model."""
    if face_input.channels == 3:
        return face_input.resize(image_rgb)
    # All three channels of a grey file are alike; of a colour file this is its luma.
    return face_input.resize(np.asarray(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY), np.uint8))


def largest_face(image_rgb: ImageRGB, detector: FaceDetector) -> Face | None:
    """The face with the largest box; None where there is none."""
    return max(detector.detect(image_rgb), key=lambda face: face.box.area, default=None)


def evaluate(
    classifier: EmotionClassifier,
    images: LabelledImages,
    *,
    split: str | None = None,
    detector: FaceDetector | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    r"""Predict and measure, overall and by each column of `images.groups`.

    Without a detector the images are face crops; `progress` is told how many of how many are done.

    Raises:
        DatasetError: if an image cannot be decoded; the message names the row.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from core.config import ROOT
        >>> from core.measures.datasets import load_labelled
        >>> classifier = EmotionClassifier.load("mien-fast", ROOT / "models")
        >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as table:
        ...     photo = ROOT / "samples" / "astronaut.jpg"
        ...     _ = table.write(f"path,label,place\n{photo},happy,indoors\n")
        ...     table.flush()
        ...     images = load_labelled(Path(table.name), group_by=("place",))
        ...     found: Evaluation = evaluate(classifier, images)
        >>> found.n, found.by_group["place"]["indoors"]
        (1, GroupMeasures(n=1, undetected=0, measures=...))
    """
    probabilities, detected = predict(classifier, images, detector=detector, progress=progress)
    overall = measure(images.labels[detected], probabilities[detected])
    n_right = round(overall.accuracy * overall.n) if overall.n else 0
    return Evaluation(
        model_id=classifier.card.id,
        model_sha256=classifier.card.sha256,
        dataset=images.name,
        split=split,
        faces="crop" if detector is None else "detect",
        detector=None if detector is None else detector.name,
        n=len(images),
        undetected=int((~detected).sum()),
        accuracy_of_all=n_right / len(images) if len(images) else float("nan"),
        measures=overall,
        by_group={
            str(column): _by_group(images, str(column), probabilities, detected)
            for column in images.groups.columns
        },
    )


def _group_name(value: object) -> str:
    """A missing value is a group of its own, and not one that is called "nan"."""
    text = "" if value is None or value != value else str(value).strip()
    return text or "(no value)"


def _by_group(
    images: LabelledImages,
    column: str,
    probabilities: FloatArray,
    detected: NDArray[np.bool_],
) -> dict[str, GroupMeasures]:
    values = images.groups[column].map(_group_name).to_numpy()
    result = {}
    for group in sorted(set(values)):
        inside = values == group
        seen = inside & detected
        result[group] = GroupMeasures(
            n=int(inside.sum()),
            undetected=int((inside & ~detected).sum()),
            measures=measure(images.labels[seen], probabilities[seen]),
        )
    return result
