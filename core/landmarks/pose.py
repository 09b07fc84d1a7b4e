"""Measures of one face from its points: pose, openings, distances, each with its unit.

Eye opening is the eye aspect ratio (Soukupova and Cech 2016). The pose fits a rigid face
(`core.landmarks.canonical`) to the points under scaled orthographic projection, which needs no
knowledge of the camera.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.landmarks.canonical import RIGID_FACES
from core.landmarks.schemes import FIVE, IBUG, MESH, mesh_to_ibug
from core.types import Landmarks

_REFINEMENTS: Final = 20
_OUTER_CORNERS: Final = (36, 45)
_PUPILS: Final = (468, 473)
# Distance of the eyes' centres in distances of their outer corners, of the canonical face.
_CENTRES_PER_CORNERS: Final = 0.716


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Where the head points, and the projection that was fitted.

    Attributes:
        yaw_deg: positive when the face turns towards the right border of the image.
        pitch_deg: positive when it looks up.
        roll_deg: positive when it is tilted clockwise on the screen.
        rotation: (3, 3), from the face's axes to the image's: x right, y down, z into the scene.
        origin_xy: where the middle of the head's axes falls, in pixels.
        scale_px_per_cm: pixels per centimetre of an average face.
        residual: root mean square distance of the points from the fitted ones, in units of the
            fitted inter-ocular distance. Expression and individual features give about 0.03.

    Examples:
        >>> five = np.array([[40, 50], [80, 50], [60, 72], [44, 95], [76, 95]])
        >>> nose_aside = five + [[0, 0], [0, 0], [8, 0], [0, 0], [0, 0]]
        >>> poses = [head_pose(Landmarks(points, FIVE)) for points in (five, nose_aside)]
        >>> [round(pose.yaw_deg) for pose in poses]  # towards the right border of the image
        [0, 18]
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    rotation: NDArray[np.float64]
    origin_xy: NDArray[np.float64]
    scale_px_per_cm: float
    residual: float


@dataclass(frozen=True, eq=False)
class FaceGeometry:
    """Measures of one face; None where the scheme has no points for it.

    Attributes:
        pose: see `HeadPose`.
        interocular_px: between the outer corners of the eyes, in pixels.
        pupils_px: between the pupils, in pixels (mesh only).
        right_eye_opening, left_eye_opening: height over width of the opening, no unit; open eyes
            have 0.2 to 0.4, closed ones less than 0.15. "Right" is the person's right.
        mouth_opening: height over width between the inner lips, no unit; 0 is closed.
        mouth_width: between the corners of the mouth, in inter-ocular distances.

    Examples:
        >>> five = Landmarks([[40, 50], [80, 50], [60, 72], [44, 95], [76, 95]], FIVE)
        >>> found: FaceGeometry = face_geometry(five)
        >>> round(found.interocular_px), round(found.mouth_width, 2), found.mouth_opening
        (56, 0.57, None)
    """

    pose: HeadPose
    interocular_px: float
    pupils_px: float | None
    right_eye_opening: float | None
    left_eye_opening: float | None
    mouth_opening: float | None
    mouth_width: float


def face_geometry(landmarks: Landmarks) -> FaceGeometry:
    """All measures of a face.

    Raises:
        ValueError: for a scheme without a rigid face (dlib's five points).
    """
    points = landmarks.points_xy.astype(np.float64)
    pose = head_pose(landmarks)
    if landmarks.scheme == FIVE:
        mouth = points[3] - points[4]
        interocular = interocular_px(points, FIVE)
        return FaceGeometry(
            pose, interocular, None, None, None, None, _ratio(_length(mouth), interocular)
        )
    ibug = mesh_to_ibug(points) if landmarks.scheme == MESH else points
    pupils = _length(points[_PUPILS[0]] - points[_PUPILS[1]]) if landmarks.scheme == MESH else None
    interocular = interocular_px(points, landmarks.scheme)
    return FaceGeometry(
        pose=pose,
        interocular_px=interocular,
        pupils_px=pupils,
        right_eye_opening=_eye_opening(ibug[36:42]),
        left_eye_opening=_eye_opening(ibug[42:48]),
        mouth_opening=_mouth_opening(ibug),
        mouth_width=_ratio(_length(ibug[48] - ibug[54]), interocular),
    )


def interocular_px(points_xy: NDArray[np.floating], scheme: str) -> float:
    """Distance of the outer eye corners, in pixels; for five points an estimate of it.

    Raises:
        ValueError: for an unknown scheme.
    """
    points = np.asarray(points_xy, np.float64)
    if scheme == FIVE:
        return _length(points[0] - points[1]) / _CENTRES_PER_CORNERS
    if scheme not in (MESH, IBUG):
        raise ValueError(f"the eye corners of scheme {scheme!r} are unknown")
    ibug = mesh_to_ibug(points) if scheme == MESH else points
    return _length(ibug[_OUTER_CORNERS[0]] - ibug[_OUTER_CORNERS[1]])


def head_pose(landmarks: Landmarks) -> HeadPose:
    """Fit the rigid face of the landmarks' scheme.

    Raises:
        ValueError: for a scheme without one, or where all points fall on one.
    """
    if landmarks.scheme not in RIGID_FACES:
        raise ValueError(f"scheme {landmarks.scheme!r} has no rigid face")
    rigid = RIGID_FACES[landmarks.scheme]
    points = landmarks.points_xy[rigid.indices].astype(np.float64)
    rotation, scale, shift = _fit_orthographic(rigid.points_cm, points, rigid.weights)
    fitted = scale * rigid.points_cm @ rotation[:2].T + shift
    error = np.average(((fitted - points) ** 2).sum(axis=1), weights=rigid.weights)
    yaw, pitch, roll = angles_deg(rotation)
    return HeadPose(
        yaw,
        pitch,
        roll,
        rotation,
        shift,
        scale,
        residual=math.sqrt(error) / (scale * rigid.interocular_cm),
    )


def rotation_from_deg(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """The rotation (3, 3) of three angles: roll about the face's axis, then pitch, then yaw."""
    yaw, pitch, roll = (math.radians(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    about_y = np.array(
        [[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]]
    )
    about_z = np.array(
        [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_y @ about_x @ about_z)


def angles_deg(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees; the inverse of `rotation_from_deg` for |pitch| < 90."""
    forward = -rotation[:, 2]  # where the nose points
    yaw = math.atan2(forward[0], -forward[2])
    pitch = math.asin(float(np.clip(-forward[1], -1, 1)))
    without = rotation_from_deg(math.degrees(yaw), math.degrees(pitch), 0).T @ rotation
    roll = math.atan2(without[1, 0], without[0, 0])
    return (math.degrees(yaw), math.degrees(pitch), math.degrees(roll))


def _fit_orthographic(
    model: NDArray[np.float64], points: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Rotation, scale and shift of a (n, 3) model whose projection is nearest points (n, 2).

    An affine camera gives the start. Then the points take the depth that the model has under the
    present fit, and both are brought together in space, until nothing moves (DeMenthon and
    Davis 1995 iterate likewise).
    """
    model_mean = np.average(model, axis=0, weights=weights)
    points_mean = np.average(points, axis=0, weights=weights)
    model_0, points_0 = model - model_mean, points - points_mean
    if not (np.abs(points_0).max() > 1e-9):
        raise ValueError("all points fall on one: there is no pose")
    root = np.sqrt(weights)[:, None]
    affine = np.linalg.lstsq(model_0 * root, points_0 * root, rcond=None)[0].T  # (2, 3)
    left, sizes, right = np.linalg.svd(affine, full_matrices=False)
    rows, scale = left @ right, float(sizes.mean())
    rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
    for _ in range(_REFINEMENTS):
        depth = scale * model_0 @ rotation[2]
        in_space = np.column_stack([points_0, depth])
        left, sizes, right = np.linalg.svd((in_space * weights[:, None]).T @ model_0)
        sign = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
        rotation = left * sign @ right
        flat = model_0 @ rotation[:2].T
        scale = float((weights[:, None] * flat * points_0).sum()) / float(
            (weights[:, None] * flat**2).sum()
        )
    return rotation, scale, points_mean - scale * rotation[:2] @ model_mean


def _eye_opening(eye: NDArray[np.float64]) -> float:
    """Mean of the two heights over the width, for six points of iBUG's eye (6, 2)."""
    heights = _length(eye[1] - eye[5]) + _length(eye[2] - eye[4])
    return _ratio(heights, 2 * _length(eye[0] - eye[3]))


def _mouth_opening(ibug: NDArray[np.float64]) -> float:
    heights = sum(_length(ibug[upper] - ibug[128 - upper]) for upper in (61, 62, 63))
    return _ratio(heights, 3 * _length(ibug[60] - ibug[64]))


def _length(vector: Any) -> float:
    return float(np.hypot(vector[0], vector[1]))


def _ratio(value: float, unit: float) -> float:
    return value / unit if unit > 0 else math.nan
