"""HELEN's annotated faces (Le et al. 2012) with the 68 points of iBUG."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.pictures.images import decode_image
from core.types import Face, ImageRGB


@dataclass(frozen=True, eq=False)
class AnnotatedFace:
    """One picture and the 68 points (68, 2) that people put on it, in its pixels."""

    image_rgb: ImageRGB
    points_xy: NDArray[np.float64]


def load_helen(path: Path, split: Literal["train", "test"]) -> list[AnnotatedFace]:
    """The faces of one part of the parquet (columns `split, image, points_xy`).

    Raises:
        ValueError: if there are none.
    """
    frame = pd.read_parquet(path, filters=[("split", "==", split)])
    if frame.empty:
        raise ValueError(f"{path} has no rows with split {split!r}")
    return [
        AnnotatedFace(
            decode_image(encoded).image_rgb,
            np.array([list(point) for point in stored], np.float64).reshape(-1, 2),
        )
        for encoded, stored in zip(frame["image"], frame["points_xy"], strict=True)
    ]


def detected(face: AnnotatedFace, detector: FaceDetector) -> Face | None:
    """The largest detection around the annotated tip of the nose; None where there is none."""
    x, y = face.points_xy[30]
    around = [
        found
        for found in detector.detect(face.image_rgb)
        if found.box.x_min <= x <= found.box.x_max and found.box.y_min <= y <= found.box.y_max
    ]
    return max(around, key=lambda found: found.box.area, default=None)
