"""Pictures of the studied sets as arrays, and faces cut as the classifier wants them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.expression.classify import EmotionClassifier
from core.landmarks import FaceLandmarker
from core.pictures.face_input import FaceInput
from core.types import FloatArray
from training.data.framing import decode_rgb

Progress = Callable[[int, int], None]


def judge(
    classifier: EmotionClassifier,
    crops: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    progress: Progress | None = None,
) -> FloatArray:
    """Probabilities (n, 7) of face crops, grey (s, s) or with channels (s, s, c), taken whole."""
    face_input = classifier.card.face_input
    parts = [np.empty((0, len(classifier.card.labels)), np.float32)]
    for start in range(0, len(crops), 256):
        part = [_resized(crop, face_input) for crop in crops[start : start + 256]]
        parts.append(classifier.probabilities(face_input.normalise(np.stack(part))))
        if progress:
            progress(start + len(part), len(crops))
    return np.concatenate(parts)


def _resized(crop: NDArray[np.uint8], face_input: FaceInput) -> NDArray[np.uint8]:
    if crop.ndim == 2 and face_input.channels == 3:
        crop = np.repeat(crop[..., None], 3, axis=2)
    elif crop.shape[2:] == (1,):
        crop = crop[..., 0]
    return face_input.resize(crop)


@dataclass(frozen=True, eq=False)
class PhotoFaces:
    """What the app's steps make of n photos with one annotated person each.

    Where no face was found, `crops`, uint8 (n, S, S), are zeros and `probabilities`, (n, 7), NaN.
    """

    found: NDArray[np.bool_]
    meshed: NDArray[np.bool_]
    crops: NDArray[np.uint8]
    probabilities: FloatArray


def analyse_photos(
    frame: pd.DataFrame,
    classifier: EmotionClassifier,
    detector: FaceDetector,
    landmarker: FaceLandmarker | None,
    progress: Progress | None = None,
    *,
    judged: bool = True,
) -> PhotoFaces:
    """Detect, fit the mesh (where a landmarker is given) and judge each photo of `image`.

    With `judged` False the faces are cut and their probabilities stay NaN.
    """
    n, spec = len(frame), classifier.card.face_input
    found, meshed = np.zeros(n, bool), np.zeros(n, bool)
    crops = np.zeros((n, spec.size_px, spec.size_px), np.uint8)
    for row, encoded in enumerate(frame["image"]):
        image_rgb = decode_rgb(encoded)
        faces = detector.detect(image_rgb)
        if faces:
            largest = max(faces, key=lambda face: face.box.area)
            found[row] = True
            if landmarker is not None:
                meshed[row] = landmarker.landmarks(image_rgb, [largest])[0] is not None
            square = spec.square(largest.box, detector.box_geometry)
            crop = spec.crop(image_rgb, square)
            crops[row] = (
                crop[..., 0] if spec.channels == 1 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
            )
        if progress:
            progress(row + 1, n)
    probabilities = np.full((n, len(classifier.card.labels)), np.nan, np.float32)
    if found.any() and judged:
        probabilities[found] = judge(classifier, crops[found])
    return PhotoFaces(found, meshed, crops, probabilities)
