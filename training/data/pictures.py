"""Pictures of the studied sets as arrays, and faces cut as the classifier wants them."""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.expression.classify import EmotionClassifier
from core.landmarks import FaceLandmarker
from core.measures.evaluation import Progress, judge, largest_face
from core.types import FloatArray
from training.data.framing import decode_rgb


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
        if (largest := largest_face(image_rgb, detector)) is not None:
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
