"""Which point becomes which in a mirror image: needed to flip points with their picture."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.landmarks.schemes import FIVE, IBUG, MESH, N_POINTS

# The mesh's points on the midline; of the others below 248 each has its mirror image, in the same
# order, from 248 on. Read off the canonical face inside MediaPipe's bundle, where the partner is
# the vertex at (-x, y, z). The last pairs are the irises: centre, and the four points around it.
# fmt: off
_MIDLINE: Final = (
    0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 94, 151, 152, 164, 168, 175,
    195, 197, 199, 200,
)
_IRISES: Final = (468, 473, 469, 476, 470, 475, 471, 474, 472, 477)
_IBUG_PAIRS: Final = (
    0, 16, 1, 15, 2, 14, 3, 13, 4, 12, 5, 11, 6, 10, 7, 9, 17, 26, 18, 25, 19, 24, 20, 23, 21, 22,
    31, 35, 32, 34, 36, 45, 37, 44, 38, 43, 39, 42, 40, 47, 41, 46, 48, 54, 49, 53, 50, 52, 55, 59,
    56, 58, 60, 64, 61, 63, 65, 67,
)
# fmt: on
_FIVE_PAIRS: Final = (0, 1, 3, 4)


def mirror_index(scheme: str) -> NDArray[np.int64]:
    """(n,): point i of the mirror image is point `mirror_index[i]` of the picture.

    Raises:
        KeyError: for an unknown scheme.
    """
    right_half = np.setdiff1d(np.arange(248), _MIDLINE)
    mesh = np.column_stack([right_half, np.arange(248, 248 + len(right_half))])
    pairs: Any = {MESH: [*mesh.ravel(), *_IRISES], IBUG: _IBUG_PAIRS, FIVE: _FIVE_PAIRS}[scheme]
    index = np.arange(N_POINTS[scheme])
    left, right = np.array(pairs).reshape(-1, 2).T
    index[left], index[right] = right, left
    return index
