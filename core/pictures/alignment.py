"""Similarity transforms between faces, and the crops that they cut.

A transform is a (2, 3) matrix that takes image coordinates to those of a crop; pixel i reaches
from i to i + 1, so the image's corner is (0, 0) in both. The app cuts its faces from the
detector's box (`core.pictures.face_input`); cutting by points is what the landmark study and the
Landmark Analysis page compare with it.
"""

import json
import math
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError, damage_is
from core.pictures.face_input import FaceInput
from core.types import Box

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]

TEMPLATE_FILE: Final = Path("landmarks68") / "fer2013_template.json"


def similarity(source_xy: NDArray[np.floating], target_xy: NDArray[np.floating]) -> Matrix:
    """Scale, rotation and shift, no mirroring, that bring `source_xy` nearest `target_xy`.

    Least squares over points (n, 2), n >= 2 (Umeyama 1991).

    Raises:
        ValueError: for other shapes, or if all source points are the same.

    Examples:
        >>> similarity(np.array([[0, 0], [1, 0]]), np.array([[2, 3], [2, 5]])).round(6) + 0.0
        array([[ 0., -2.,  2.],
               [ 2.,  0.,  3.]])
    """
    source, target = np.asarray(source_xy, np.float64), np.asarray(target_xy, np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(
            f"both must have shape (n, 2), got {np.shape(source_xy)} and {np.shape(target_xy)}"
        )
    if len(source) < 2:
        raise ValueError(f"a similarity needs two points, got {len(source)}")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    from_centre, to_centre = source - source_mean, target - target_mean
    spread = float((from_centre**2).sum())
    if spread <= 1e-12:
        raise ValueError("all points are the same: scale and rotation are unknown")
    # In the plane, the best rotation and scale are one complex number.
    real = float((from_centre * to_centre).sum()) / spread
    imaginary = float(
        (from_centre[:, 0] * to_centre[:, 1] - from_centre[:, 1] * to_centre[:, 0]).sum() / spread
    )
    turn = np.array([[real, -imaginary], [imaginary, real]])
    return np.column_stack([turn, target_mean - turn @ source_mean])


def alignment(points_xy: NDArray[np.floating], template_xy: NDArray[np.floating]) -> Matrix:
    """The similarity that brings found points (n, 2) onto a template, for points with errors.

    The template is fitted to the points and that is inverted. The other way round, errors of the
    points would count as size of the face, and the crop would grow with them: by half for
    errors of a third of the inter-ocular distance.

    Raises:
        ValueError: for other shapes, fewer than two points, or points in one place.
    """
    to_points = similarity(template_xy, points_xy)
    if scale_of(to_points) <= 1e-9:
        raise ValueError("all points are the same: scale and rotation are unknown")
    return invert(to_points)


def moved(points_xy: NDArray[np.floating], matrix: Matrix) -> Points:
    """Points (n, 2) under a transform (2, 3)."""
    return np.asarray(points_xy, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: Matrix) -> Matrix:
    """The transform back; raises numpy.linalg.LinAlgError if it flattens the plane."""
    back = np.linalg.inv(matrix[:, :2])
    return np.column_stack([back, -back @ matrix[:, 2]])


def scale_of(matrix: Matrix) -> float:
    """By how much the transform enlarges."""
    return math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))


def rotation_deg(matrix: Matrix) -> float:
    """By how much a similarity turns, in degrees; clockwise on the screen is positive."""
    return math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))


def square_matrix(square: Box, size_px: int) -> Matrix:
    """The transform that cuts `square`, as `FaceInput.crop` does, to `size_px` pixels."""
    scale = size_px / square.size_wh[0]
    return np.array(
        [[scale, 0, -square.x_min * scale], [0, scale, -square.y_min * scale]], np.float64
    )


def cut(image: NDArray[np.uint8], matrix: Matrix, face_input: FaceInput) -> NDArray[np.uint8]:
    """What the transform shows of an RGB or grey image: uint8 (size_px, size_px, channels).

    Where the crop reaches over the border, the border's pixels are repeated. Large faces are
    cut at about their own size first and then shrunk by averaging, as `FaceInput.crop` does.
    """
    size_px = face_input.size_px
    # Interpolation reads four pixels and would skip the others of a large face.
    finer = min(max(round(1 / max(scale_of(matrix), 1e-3)), 1), 16)
    to_fine = matrix * finer
    # OpenCV puts the middle of the first pixel at 0, we put it at 0.5.
    to_fine[:, 2] += to_fine[:, :2] @ (0.5, 0.5) - 0.5
    patch = cv2.warpAffine(
        image,
        to_fine,
        (size_px * finer, size_px * finer),
        flags=cv2.INTER_LINEAR if finer > 1 else cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if face_input.channels == 1 and patch.ndim == 3:
        patch = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    return face_input.resize(np.asarray(patch, np.uint8))


def load_template(models_dir: Path) -> Points:
    """Where FER-2013's crops have the mesh's 478 points on average: (478, 2) in 0..1.

    Raises:
        ModelError: if the file is missing or something else.
    """
    sentence = "The landmark template of FER-2013 is missing or damaged; reinstall Mien."
    with damage_is(ModelError(sentence)):
        stored = json.loads((models_dir / TEMPLATE_FILE).read_text(encoding="utf-8"))
        points = np.array(stored["points_xy"], np.float64)
        if points.shape != (478, 2):
            raise ValueError(f"unexpected shape {points.shape}")
    return points
