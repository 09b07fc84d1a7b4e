"""From MediaPipe's 478 points to iBUG's 68 and to five, and which point belongs to what.

The 478 to 68 table is by anatomy: corners, lids, lips and nose are the same places in both. Two
definitions differ and no table can mend that: iBUG's jaw is the visible outline of the face (it
slides over the cheek when the head turns), the mesh's is a line on the skin; and iBUG's brows
run along the upper edge, the mesh has no such points at their ends. `core.landmarks.learned`
learns the rest. docs/landmarks.md says how far each is off.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.types import Landmarks

MESH: Final = "mediapipe478"
IBUG: Final = "ibug68"
FIVE: Final = "five"
N_POINTS: Final = {MESH: 478, IBUG: 68, FIVE: 5}

# Position i of iBUG's 68 lies at this point of the mesh. "Right" is the person's right.
# fmt: off
IBUG_FROM_MESH: Final = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,  # jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # brows
    168, 197, 5, 4, 98, 97, 2, 326, 327,  # nose: bridge, then nostrils
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # lips, outer line
    78, 82, 13, 312, 308, 317, 14, 87,  # lips, inner line
)
# fmt: on

# Parts of the 68 points by which errors are reported.
IBUG_REGIONS: Final[dict[str, tuple[int, ...]]] = {
    "jaw": tuple(range(17)),
    "brows": tuple(range(17, 27)),
    "nose": tuple(range(27, 36)),
    "eyes": tuple(range(36, 48)),
    "mouth": tuple(range(48, 68)),
}

# Contours of each scheme for drawing: name -> lines of point numbers; closed lines end where
# they start.
IBUG_LINES: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "jaw": (tuple(range(17)),),
    "brows": (tuple(range(17, 22)), tuple(range(22, 27))),
    "nose": (tuple(range(27, 31)), tuple(range(31, 36))),
    "eyes": ((*range(36, 42), 36), (*range(42, 48), 42)),
    "mouth": ((*range(48, 60), 48), (*range(60, 68), 60)),
}

_EYES_IN_IBUG: Final = (tuple(range(36, 42)), tuple(range(42, 48)))
_EYES_IN_MESH: Final = tuple(
    tuple(IBUG_FROM_MESH[point] for point in eye) for eye in _EYES_IN_IBUG
)


def mesh_to_ibug(points_xy: NDArray[np.floating]) -> NDArray[np.float64]:
    """The table alone: mesh points (..., 478, 2) to (..., 68, 2)."""
    return np.asarray(points_xy, np.float64)[..., list(IBUG_FROM_MESH), :]


def to_five(points_xy: NDArray[np.floating], scheme: str) -> NDArray[np.float64]:
    """Centres of the eyes, tip of the nose, corners of the mouth: (..., 5, 2).

    The person's right comes first. An eye's centre is the mean of six points around it.

    Raises:
        ValueError: for a scheme without these places.
    """
    points = np.asarray(points_xy, np.float64)
    if scheme == FIVE:
        return points
    if scheme == MESH:
        eyes, rest = _EYES_IN_MESH, (4, 61, 291)
    elif scheme == IBUG:
        eyes, rest = _EYES_IN_IBUG, (30, 48, 54)
    else:
        raise ValueError(f"no five points can be made of scheme {scheme!r}")
    centres = [points[..., list(eye), :].mean(axis=-2) for eye in eyes]
    return np.stack([*centres, *(points[..., point, :] for point in rest)], axis=-2)


def convert(landmarks: Landmarks, scheme: str) -> Landmarks:
    """The same face in another scheme; blendshapes stay with it.

    Raises:
        ValueError: where the scheme holds more than is known, such as 478 points from 68.

    Examples:
        >>> mesh = Landmarks(np.zeros((478, 2)), MESH)
        >>> convert(mesh, IBUG).points_xy.shape, convert(mesh, FIVE).points_xy.shape
        ((68, 2), (5, 2))
    """
    if landmarks.scheme == scheme:
        return landmarks
    if scheme == FIVE:
        points = to_five(landmarks.points_xy, landmarks.scheme)
    elif scheme == IBUG and landmarks.scheme == MESH:
        points = mesh_to_ibug(landmarks.points_xy)
    else:
        raise ValueError(f"{landmarks.scheme} points cannot be converted to {scheme}")
    return Landmarks(points.astype(np.float32), scheme, landmarks.blendshapes)
