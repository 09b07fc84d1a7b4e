"""How far points lie from where people put them.

The normalised mean error (NME) divides the mean distance by a length of the face, and means
nothing without the name of that length: here the distance of the outer eye corners, points 36
and 45 of iBUG's 68, of the annotation ("inter-ocular"). Faces that were not found have an
infinite error: they count in every share and are left out of means, which say how many they
are of.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.landmarks.schemes import IBUG_REGIONS
from core.measures.accuracy import mean_or_nan, wilson_interval

NORMALISER: Final = "distance of the outer eye corners (iBUG points 36 and 45)"
FAILURE_AT: Final = 0.08


class LandmarkErrors(BaseModel, frozen=True):
    """Errors of one method on one set of annotated faces.

    Attributes:
        n: faces with annotations.
        n_missed: faces for which the method gave no points.
        normaliser: name of the length by which distances are divided.
        mean, median: of the errors of the faces that were found; NaN where there are none.
        mean_ci95: percentile bootstrap of the mean over faces.
        auc: area under the curve "share of faces with at most this error" from 0 to `limit`,
            over `limit`; missed faces count as above it. 1 is perfect.
        failure_rate: share of faces whose error is above `limit` or that were missed.
        failure_rate_ci95: Wilson's interval.
        limit: 0.08.
        by_region: mean error of the points of each region.

    Examples:
        >>> true = np.column_stack([np.arange(68.0), np.zeros(68)])  # eye corners 9 pixels apart
        >>> near = true + [0.45, 0.0]  # every point half a pixel off
        >>> found: LandmarkErrors = landmark_errors([near, None], [true, true])
        >>> round(found.mean, 2), found.n_missed, found.failure_rate
        (0.05, 1, 0.5)
    """

    n: int
    n_missed: int
    normaliser: str
    mean: float
    mean_ci95: tuple[float, float]
    median: float
    auc: float
    failure_rate: float
    failure_rate_ci95: tuple[float, float]
    limit: float
    by_region: dict[str, float]


def normaliser_length(true_xy: NDArray[np.floating]) -> float:
    """Distance of the outer eye corners of 68 annotated points (68, 2).

    Raises:
        ValueError: for another shape, or where the corners fall on one point.
    """
    points = np.asarray(true_xy, np.float64)
    if points.shape != (68, 2):
        raise ValueError(f"points must have shape (68, 2), got {points.shape}")
    length = float(np.hypot(*(points[36] - points[45])))
    if length == 0:
        raise ValueError("the outer eye corners fall on one point: there is no normaliser")
    return length


def point_errors(
    found_xy: NDArray[np.floating], true_xy: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Distance of each point (68, 2) from the true one over the normaliser: (68,).

    Raises:
        ValueError: if the shapes differ.
    """
    found, true = np.asarray(found_xy, np.float64), np.asarray(true_xy, np.float64)
    if found.shape != true.shape:
        raise ValueError(f"expected points of shape {true.shape}, got {found.shape}")
    return np.asarray(np.linalg.norm(found - true, axis=1) / normaliser_length(true))


def nme(found_xy: NDArray[np.floating], true_xy: NDArray[np.floating]) -> float:
    """Mean of `point_errors`: 0.05 is five per cent of the inter-ocular distance."""
    return float(point_errors(found_xy, true_xy).mean())


def auc_of(errors: NDArray[np.floating]) -> float:
    """Area under the curve of cumulated errors (n,) to `FAILURE_AT`, over it; NaN for n = 0.

    The curve is a staircase, so its area is exact: each face adds what is left to there.
    """
    values = np.asarray(errors, np.float64)
    if not len(values):
        return math.nan
    return float(np.clip(FAILURE_AT - values, 0, FAILURE_AT).mean() / FAILURE_AT)


def failure_rate(errors: NDArray[np.floating]) -> float:
    """Share of errors (n,) above `FAILURE_AT`; NaN for n = 0."""
    values = np.asarray(errors, np.float64)
    return float((values > FAILURE_AT).mean()) if len(values) else math.nan


def landmark_errors(
    found: Sequence[NDArray[np.floating] | None], true: Sequence[NDArray[np.floating]]
) -> LandmarkErrors:
    """All figures for faces found as (68, 2), or None where missed, and their annotations.

    Raises:
        ValueError: if the two have other lengths or a face another shape.
    """
    per_point = [
        None if mine is None else point_errors(mine, theirs)
        for mine, theirs in zip(found, true, strict=True)
    ]
    errors = np.array([math.inf if e is None else float(e.mean()) for e in per_point])
    known = np.array([e for e in per_point if e is not None]).reshape(-1, 68)
    by_face = known.mean(axis=1)
    return LandmarkErrors(
        n=len(errors),
        n_missed=len(errors) - len(known),
        normaliser=NORMALISER,
        mean=mean_or_nan(known),
        mean_ci95=bootstrap_mean_ci95(by_face),
        median=float(np.median(by_face)) if len(known) else math.nan,
        auc=auc_of(errors),
        failure_rate=failure_rate(errors),
        failure_rate_ci95=wilson_interval(int((errors > FAILURE_AT).sum()), len(errors)),
        limit=FAILURE_AT,
        by_region={name: mean_or_nan(known[:, list(part)]) for name, part in IBUG_REGIONS.items()},
    )


def bootstrap_mean_ci95(values: NDArray[np.floating]) -> tuple[float, float]:
    """Percentile interval of the mean of values (n,), drawn again with replacement; seed 0."""
    if not len(values):
        return (math.nan, math.nan)
    drawn = np.random.default_rng(0).integers(0, len(values), (2000, len(values)))
    low, high = np.quantile(np.asarray(values, np.float64)[drawn].mean(axis=1), [0.025, 0.975])
    return (float(low), float(high))
