"""Which labels to name for a face: a set that holds the majority's label nine times out of ten.

Split conformal prediction (Sadinle, Lei and Wasserman 2019, arXiv 1609.00451; the penalty on long
sets after Angelopoulos et al. 2021, arXiv 2009.14193): a label is named if at least so large a
share of people would choose it. How large follows the quality of the picture, so that blurred
faces are covered as well as clear ones; `training/fits/conformal.py` fits it on validation images
and writes `models/<id>/conformal.json`.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, model_validator

from core.emotions import EMOTIONS
from core.errors import ModelError, damage_is
from core.types import MAX_NAMED, EmotionScores, FaceQuality, FloatArray

TARGET: Final = 0.9
# A label that three of ten people would choose is named, however good the model is.
MOST_NEEDED: Final = 0.3
# What a label's share must have more for each place after the third: long sets say little.
_LONG_SET_COST: Final = 0.05
QUALITY_EDGES: Final = (0.0, 0.5, 0.7, 0.85, 0.95, 1.0)
_FEWEST_FACES: Final = 150  # of a band of quality with a threshold of its own


class ConformalFit(BaseModel, frozen=True, extra="ignore"):
    """The fit of one expression model.

    Examples:
        >>> fit = ConformalFit(target=0.9, edges=[0, 0.5, 1], least_shares=[0.1, 0.2])
        >>> scores = EmotionScores(np.float32([0, 0, 0, 0.7, 0.15, 0.15, 0]))
        >>> fit.labels(scores)
        ('happy',)
        >>> fit.labels(scores, 0.3)
        ('happy', 'sad', 'surprise')
    """

    target: float  # share of faces whose majority label shall be among the labels
    edges: list[float]  # (k + 1,) bounds of the bands of quality, ascending from 0 to 1
    least_shares: list[float]  # (k,) for each band the share that a label needs to be named, 0..1

    @model_validator(mode="after")
    def _check(self) -> "ConformalFit":
        ascending = all(low < high for low, high in pairwise(self.edges))
        if not ascending or len(self.edges) != len(self.least_shares) + 1:
            raise ValueError("edges must ascend and be one more than least_shares")
        return self

    def labels(
        self,
        scores: EmotionScores,
        quality: FaceQuality | float | None = None,
        *,
        slack: float = 0.0,
    ) -> tuple[str, ...]:
        """The labels to name, most likely first, at least one; a quality of None counts as 1.

        `slack` is added to the share that is needed; video asks for less flicker by it.
        """
        score = quality.score if isinstance(quality, FaceQuality) else quality
        at = np.array([1.0 if score is None else score])
        size = int(self.sizes(scores.probabilities[None], at, slack=slack)[0])
        return tuple(EMOTIONS[index] for index in ranking(scores.probabilities)[:size])

    def sizes(
        self, probabilities: FloatArray, quality: NDArray[Any], *, slack: float = 0.0
    ) -> NDArray[np.int64]:
        """How many labels (n,) are named for shares (n, 7) and qualities (n,)."""
        needed = np.array(self.least_shares)[bands(quality, self.edges)] + slack
        standing = _standing(np.asarray(probabilities, np.float64))
        return np.asarray(np.maximum((standing >= needed[:, None]).sum(axis=1), 1), np.int64)


def ranking(probabilities: FloatArray) -> NDArray[np.int64]:
    """Classes (..., 7) from the most to the least likely; of equals the first one first."""
    return np.asarray(np.argsort(-probabilities, axis=-1, kind="stable"), np.int64)


def bands(quality: NDArray[Any], edges: list[float]) -> NDArray[np.int64]:
    """In which band (n,) of `edges` each quality (n,) lies; what is outside counts to the ends."""
    return np.asarray(np.searchsorted(edges[1:-1], quality, side="right"), np.int64)


def by_band(quality: NDArray[Any], edges: Sequence[float]) -> dict[str, NDArray[np.bool_]]:
    """Name of each band, such as "0.5 to 0.7" -> which qualities (n,) lie in it (n,)."""
    inside = bands(quality, list(edges))
    return {
        f"{low:g} to {high:g}": inside == band for band, (low, high) in enumerate(pairwise(edges))
    }


def _standing(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares (n, 7) sorted downwards, less what later places cost: downwards as well."""
    places = np.arange(probabilities.shape[1])
    cost = _LONG_SET_COST * np.maximum(places + 1 - MAX_NAMED, 0)
    return np.asarray(-np.sort(-probabilities, axis=1) - cost)


# For models without a fit, ensembles among them: what fits of calibrated models come to.
WITHOUT_FIT: Final = ConformalFit(target=TARGET, edges=[0.0, 1.0], least_shares=[0.15])


def fit_conformal(
    probabilities: FloatArray,
    majority_labels: NDArray[np.int64],
    quality: NDArray[Any] | None = None,
    *,
    target: float = TARGET,
) -> ConformalFit:
    """Fit the needed shares on images that the model did not learn from.

    On faces like these the labels then hold the majority's in at least `target` of the cases
    (Vovk's bound for split conformal sets), in each band of quality that has enough faces.

    Shares are (n, 7), labels (n,) in 0..6 and qualities (n,); without them all are clear.

    Raises:
        ValueError: if there are too few faces to cover so many.
    """
    quality = np.ones(len(probabilities)) if quality is None else np.asarray(quality)
    places = (ranking(probabilities) == majority_labels[:, None]).argmax(axis=1)
    standing = _standing(np.asarray(probabilities, np.float64))
    of_majority = standing[np.arange(len(places)), places]
    whole = _least_share(of_majority, target)
    inside = bands(quality, list(QUALITY_EDGES))
    least_shares = []
    for band in range(len(QUALITY_EDGES) - 1):
        mine = of_majority[inside == band]
        needed = _least_share(mine, target) if len(mine) >= _FEWEST_FACES else whole
        least_shares.append(round(min(needed, MOST_NEEDED) - 5e-5, 4))  # never upwards
    return ConformalFit(target=target, edges=list(QUALITY_EDGES), least_shares=least_shares)


def _least_share(of_majority: NDArray[np.float64], target: float) -> float:
    """The largest share needed at which `target` of the majority labels are still named."""
    missed = int(np.floor((len(of_majority) + 1) * (1 - target)))
    if missed < 1:
        raise ValueError(f"{len(of_majority)} faces are too few to cover {target:.0%} of them")
    return float(np.sort(of_majority)[missed - 1])


def load_conformal(model_id: str, models_dir: Path) -> ConformalFit:
    """The fit of a model; `WITHOUT_FIT` where there is none.

    Raises:
        ModelError: if the file is damaged.
    """
    file = models_dir / model_id / "conformal.json"
    if not file.exists():
        return WITHOUT_FIT
    with damage_is(ModelError(f"conformal.json of {model_id!r} is damaged; reinstall Mien.")):
        return ConformalFit.model_validate_json(file.read_bytes())
