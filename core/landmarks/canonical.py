"""Rigid faces to which poses are fitted: MediaPipe's canonical face, in centimetres.

Coordinates and the mesh's weights are those inside `face_landmarker.task` (Apache-2.0; geometry
pipeline metadata): 33 points that hardly move with the expression. The 68-point face has the
vertices that `IBUG_FROM_MESH` names for corners of the eyes and nose; the five-point face the
means of those vertices.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.landmarks.mirror import mirror_index
from core.landmarks.schemes import FIVE, IBUG, MESH

# Number of the point, weight; x to the person's left, y up, z out of the face. The person's right
# half and the midline; the left half has the same weights and places with x turned round.
# fmt: off
_MESH_ROWS: Final = (
    (4, 0.0709, 0.000, -0.463, 7.587),
    (6, 0.0321, 0.000, 2.473, 5.789),
    (10, 0.0084, 0.000, 8.262, 4.482),
    (33, 0.0587, -4.446, 2.664, 3.173),
    (54, 0.0077, -6.279, 6.615, 1.426),
    (67, 0.0091, -3.524, 8.006, 3.729),
    (117, 0.0098, -5.259, 0.946, 2.974),
    (119, 0.0146, -3.301, 0.862, 3.873),
    (121, 0.0186, -1.821, 1.468, 4.224),
    (127, 0.0052, -7.743, 2.365, -2.005),
    (129, 0.1206, -1.786, -0.978, 4.850),
    (132, 0.0056, -7.271, -2.891, -2.252),
    (133, 0.0533, -1.856, 2.585, 3.758),
    (136, 0.0669, -5.085, -7.179, 0.715),
    (143, 0.0148, -6.408, 2.236, 1.561),
    (147, 0.0143, -6.235, -1.944, 1.664),
    (198, 0.0255, -1.247, 0.230, 5.681),
    (205, 0.0473, -3.833, -1.537, 4.138),
)
_IBUG_ROWS: Final = (
    (27, 1.0, 0.000, 3.271, 5.236),
    (28, 1.0, 0.000, 1.728, 6.317),
    (29, 1.0, 0.000, 0.366, 7.243),
    (30, 1.0, 0.000, -0.463, 7.587),
    (31, 1.0, -1.406, -1.714, 5.241),
    (32, 1.0, -0.597, -2.014, 5.866),
    (33, 1.0, 0.000, -2.089, 6.058),
    (36, 1.0, -4.446, 2.664, 3.173),
    (39, 1.0, -1.856, 2.585, 3.758),
)
_FIVE_ROWS: Final = (
    (0, 1.0, -3.182, 2.636, 3.657),
    (2, 1.0, 0.000, -0.463, 7.587),
    (3, 1.0, -2.456, -4.343, 4.284),
)
# fmt: on


@dataclass(frozen=True, eq=False)
class RigidFace:
    """Points of a face that keeps still."""

    indices: NDArray[np.int64]  # (n,) which points of the scheme
    weights: NDArray[np.float64]  # (n,) how much each counts
    # (n, 3), x right, y down, z away from the camera for a face that looks into it
    points_cm: NDArray[np.float64]
    interocular_cm: float = 8.892  # distance of the outer eye corners


def _rigid_face(rows: tuple[tuple[float, ...], ...], scheme: str) -> RigidFace:
    half = np.array(rows, np.float64)
    other = half[half[:, 2] != 0] * (1, 1, -1, 1, 1)
    other[:, 0] = mirror_index(scheme)[other[:, 0].astype(np.int64)]
    table = np.concatenate([half, other])
    table = table[table[:, 0].argsort()]
    # A half turn about the x axis: from the file's axes to the image's.
    return RigidFace(table[:, 0].astype(np.int64), table[:, 1], table[:, 2:] * (1, -1, -1))


RIGID_FACES: Final = {
    MESH: _rigid_face(_MESH_ROWS, MESH),
    IBUG: _rigid_face(_IBUG_ROWS, IBUG),
    FIVE: _rigid_face(_FIVE_ROWS, FIVE),
}
