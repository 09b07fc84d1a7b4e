"""Properties of face crops measured from their pixels, and crops grouped by them.

Brightness, contrast and sharpness need the pixels alone; how far a face is turned and how large
it is come from MediaPipe's mesh; how clearly it is a face from YuNet. None of these is a
property of a person.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.landmarks import FaceLandmarker
from core.measures.accuracy import standardised
from core.measures.evaluation import Progress
from core.measures.groups.breakdown import Attribute
from training.landmarks.fer_mesh import SIDE_PX, meshes_of

# Corners of the eyes and of the mouth and the tip of the nose in MediaPipe's mesh.
_LEFT_EYE, _RIGHT_EYE, _MOUTH, _NOSE = (33, 133), (263, 362), (61, 291), 1
_FAR_TURNED: Final = 0.45  # nose off the eyes' middle, in distances between the eyes
_HALF_TURNED: Final = 0.2

NOTES: Final[dict[str, str]] = {
    "brightness": "Mean grey level, in thirds of the images.",
    "contrast": "Standard deviation of the grey levels, in thirds of the images.",
    "sharpness": "Variance of the Laplacian over that of the grey levels, in thirds.",
    "symmetry of halves": "How alike the left half and the mirrored right half are (correlation), "
    "in thirds; a stand-in for covered faces and light from one side.",
    "face clarity": "YuNet's confidence that the crop shows a face, in thirds; MediaPipe gives "
    "none for its landmarks.",
    "landmark mesh": "Whether MediaPipe's mesh fits the crop.",
    "turned": "Tip of the nose against the middle of the eyes, in distances between the eyes: "
    f"under {_HALF_TURNED} frontal, over {_FAR_TURNED} far.",
    "face size": "Distance from eyes to mouth in units of the crop, in thirds.",
}


def pixel_properties(images: NDArray[np.uint8]) -> pd.DataFrame:
    """Columns `brightness, contrast, sharpness, symmetry of halves` for crops (n, s, s)."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    contrast = flat.std(axis=1)
    edges = np.array([cv2.Laplacian(image, cv2.CV_32F).var() for image in images])
    half = images.shape[2] // 2
    left, right = standardised(images[:, :, :half]), standardised(images[:, :, : -half - 1 : -1])
    return pd.DataFrame(
        {
            "brightness": flat.mean(axis=1),
            "contrast": contrast,
            "sharpness": edges / np.maximum(contrast**2, 1),
            "symmetry of halves": (left * right).sum(axis=1),
        }
    )


def face_properties(
    images: NDArray[np.uint8],
    detector: FaceDetector,
    landmarker: FaceLandmarker,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Columns `face clarity, nose offset, face size`; NaN where there is no mesh."""
    meshes = meshes_of(images, landmarker, detector=detector, progress=progress)
    parts = (_LEFT_EYE, _RIGHT_EYE, _MOUTH)
    left, right, mouth = (meshes.points[:, list(part)].mean(axis=1) for part in parts)
    eyes, across = (left + right) / 2, right - left
    apart = np.maximum(np.linalg.norm(across, axis=1), 1e-6)
    aside = ((meshes.points[:, _NOSE] - eyes) * across).sum(axis=1)
    return pd.DataFrame(
        {
            "face clarity": meshes.confidence,
            "nose offset": np.abs(aside) / apart**2,
            "face size": np.linalg.norm(mouth - eyes, axis=1) / SIDE_PX,
        }
    )


def thirds(values: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.str_]:
    """Low, middle and high third under `names`; "" for NaN."""
    known = ~np.isnan(values)
    lower, upper = np.quantile(values[known], (1 / 3, 2 / 3)) if known.any() else (0.0, 0.0)
    result = np.where(values <= lower, names[0], np.where(values <= upper, names[1], names[2]))
    return np.asarray(np.where(known, result, ""), str)


def pixel_attributes(properties: pd.DataFrame) -> list[Attribute]:
    """Thirds of each of `pixel_properties`."""
    names = {
        "brightness": ("dark", "medium", "bright"),
        "contrast": ("flat", "medium", "strong"),
        "sharpness": ("blurred", "medium", "sharp"),
        "symmetry of halves": ("unlike", "medium", "alike"),
    }
    return [
        Attribute(column, thirds(properties[column].to_numpy(), of), "measured", NOTES[column])
        for column, of in names.items()
    ]


def face_attributes(properties: pd.DataFrame) -> list[Attribute]:
    """Groups made from `face_properties`."""
    offset = properties["nose offset"].to_numpy()
    turned = np.where(
        np.isnan(offset),
        "",
        np.where(
            offset < _HALF_TURNED,
            "frontal",
            np.where(offset < _FAR_TURNED, "half turned", "far turned"),
        ),
    )
    clarity = thirds(properties["face clarity"].to_numpy(), ("unclear", "medium", "clear"))
    size = thirds(properties["face size"].to_numpy(), ("small", "medium", "large"))
    mesh = np.where(np.isnan(offset), "does not fit", "fits")
    made = {
        "turned": turned,
        "face size": size,
        "face clarity": clarity,
        "landmark mesh": mesh,
    }
    return [
        Attribute(name, np.asarray(groups, str), "measured", NOTES[name])
        for name, groups in made.items()
    ]
