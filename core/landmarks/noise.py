"""Wrong points on purpose: what the landmark study and the page's slider do to a face."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.landmarks.pose import interocular_px
from core.landmarks.schemes import FIVE, IBUG, MESH, to_five

# Kind -> what a level of it means, in words for people.
NOISE_KINDS: Final[dict[str, str]] = {
    "gaussian": "every point is off in its own direction; the level is the standard deviation "
    "of each coordinate",
    "bias": "all points are shifted together in one random direction by the level",
    "eye swap": "both eyes move towards each other's place by the level; at 100 % they have "
    "changed places",
    "dropped": "the level is the share of points that are lost; the others are exact",
}
LEVELS: Final = (0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)

# The mesh's points nearer than this to an eye's centre, in inter-ocular distances, are the eye's.
_EYE_REACH: Final = 0.19


def perturb(
    points_xy: NDArray[np.floating],
    scheme: str,
    kind: str,
    level: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points (n, 2) with an error, and which of them are still there (n,).

    `level` is 0..1 of the inter-ocular distance (outer corners of the eyes), for "dropped" of the
    count of points; with the same state of `rng` a higher one is the same error, larger.

    Raises:
        ValueError: for an unknown kind or a level outside 0..1.
    """
    if kind not in NOISE_KINDS:
        raise ValueError(f"noise {kind!r} is not one of {', '.join(NOISE_KINDS)}")
    if not 0 <= level <= 1:
        raise ValueError(f"level must lie in 0..1, got {level}")
    points = np.array(points_xy, np.float64)
    everything = np.ones(len(points), bool)
    right, left = to_five(points, scheme)[:2].copy()  # five points would be views
    length = interocular_px(points, scheme)
    if kind == "gaussian":
        points += rng.normal(0, 1, points.shape) * level * length
    elif kind == "bias":
        angle = rng.uniform(0, 2 * np.pi)
        points += level * length * np.array([np.cos(angle), np.sin(angle)])
    elif kind == "eye swap":
        at_right, at_left = _eyes(points, scheme, right, left, length)
        points[at_right] += level * (left - right)
        points[at_left] += level * (right - left)
    else:
        order = rng.permutation(len(points))
        everything[order[: round(level * len(points))]] = False
    return points, everything


def _eyes(
    points: NDArray[np.float64],
    scheme: str,
    right: NDArray[np.float64],
    left: NDArray[np.float64],
    length: float,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    numbers = np.arange(len(points))
    if scheme == FIVE:
        return numbers == 0, numbers == 1
    if scheme == IBUG:
        return (numbers >= 36) & (numbers < 42), (numbers >= 42) & (numbers < 48)
    if scheme != MESH:
        raise ValueError(f"the eyes of scheme {scheme!r} are unknown")
    reach = _EYE_REACH * length
    return (
        np.linalg.norm(points - right, axis=1) < reach,
        np.linalg.norm(points - left, axis=1) < reach,
    )
