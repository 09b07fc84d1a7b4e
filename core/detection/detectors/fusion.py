"""Boxes of several detectors on one face made into one box.

Weighted boxes fusion after Solovyev, Wang and Gabruseva 2021 (Image and Vision Computing 107,
arXiv 1910.13302), written here because its package brings numba. A fitted logistic curve over
what each detector says, or that it says nothing, gives the probability of a face.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.detection.boxes import Boxes, ious

MISSING = np.nan


@dataclass(frozen=True, eq=False)
class Clusters:
    """Boxes that belong together."""

    boxes_xyxy: Boxes  # (k, 4) means of their members, weighted by confidence
    # (k, d) confidence of each of d detectors, NaN where it found nothing there
    scores: NDArray[np.float64]
    members: NDArray[np.int64]  # (k, d) row of the detector's box, -1 where it found nothing there


def cluster(
    boxes_xyxy: Sequence[Boxes], confidences: Sequence[NDArray[np.float64]], *, min_iou: float
) -> Clusters:
    """Group the boxes of d detectors, at most one of each detector in a group.

    Args:
        boxes_xyxy: per detector (n, 4), free of doubles.
        confidences: per detector (n,), comparable with one another.
        min_iou: overlap with a group's mean from which a box joins it.
    """
    n_detectors = len(boxes_xyxy)
    every = [
        (float(confidences[d][row]), d, row)
        for d in range(n_detectors)
        for row in range(len(boxes_xyxy[d]))
    ]
    means = np.zeros((0, 4))
    weights: list[float] = []
    members: list[list[int]] = []
    for confidence, d, row in sorted(every, key=lambda item: -item[0]):
        box = boxes_xyxy[d][row]
        free = np.array([group[d] < 0 for group in members], bool)
        overlaps = np.where(free, ious(box[None], means)[0], 0.0)
        if overlaps.max(initial=0) >= min_iou:
            k = int(overlaps.argmax())
            members[k][d] = row
            means[k] = (means[k] * weights[k] + box * confidence) / (weights[k] + confidence)
            weights[k] += confidence
        else:
            members.append([row if other == d else -1 for other in range(n_detectors)])
            means = np.vstack([means, box])
            weights.append(confidence)
    rows = np.array(members, np.int64).reshape(-1, n_detectors)
    scores = np.full(rows.shape, MISSING)
    for d in range(n_detectors):
        there = rows[:, d] >= 0
        scores[there, d] = confidences[d][rows[there, d]]
    return Clusters(means, scores, rows)


def evidence(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the logistic curve reads, (k, 2 d): log-odds of each confidence, and silence."""
    silent = np.isnan(scores)
    safe = np.clip(np.where(silent, 0.5, scores), 1e-4, 1 - 1e-4)
    return np.concatenate([np.log(safe / (1 - safe)), silent.astype(float)], axis=1)
