"""How well a detector finds faces: matches, precision and recall, average precision, F1.

Pure functions from true and detected boxes to figures. The protocol is the PASCAL VOC one at an
overlap of 0.5 (Everingham et al. 2010, IJCV 88) with COCO's rule for boxes that do not count
(Lin et al. 2014, arXiv 1405.0312): faces too small or unreadable are neither hits nor errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.detection.boxes import Boxes, areas, intersections, ious

Mask = NDArray[np.bool_]

MATCH_IOU: Final = 0.5
# A detection that is no match counts as an error unless this share of it lies in an ignored box.
IGNORED_SHARE: Final = 0.3

# What `match` says of a detection that belongs to no counted face.
FALSE_ALARM: Final = -1
NOT_COUNTED: Final = -2


@dataclass(frozen=True, eq=False)
class Truths:
    """The true faces of one image."""

    boxes_xyxy: Boxes  # (n, 4) left, top, right, bottom in pixels
    ignored: Mask  # (n,) faces that neither have to be found nor may be held against a detector

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes_xyxy", _boxes(self.boxes_xyxy))
        ignored = np.asarray(self.ignored, bool)
        if ignored.shape != (len(self.boxes_xyxy),):
            raise ValueError(f"ignored must have shape (n,), got {ignored.shape}")
        object.__setattr__(self, "ignored", ignored)


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector says of one image: `boxes_xyxy` (m, 4) and `confidences` (m,)."""

    boxes_xyxy: Boxes
    confidences: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes_xyxy", _boxes(self.boxes_xyxy))
        confidences = np.asarray(self.confidences, np.float64)
        if confidences.shape != (len(self.boxes_xyxy),):
            raise ValueError(f"confidences must have shape (m,), got {confidences.shape}")
        object.__setattr__(self, "confidences", confidences)


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what comes of it; shares are 0..1, NaN where nothing was to be counted."""

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """A detector's curve over a set of images."""

    n_faces: int  # faces to be found
    # (k,) distinct confidences, falling; each point counts the detections of at least that
    # confidence
    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]  # (k,) share of those that are faces
    recall: NDArray[np.float64]  # (k,) share of the faces that are found, never falling

    @property
    def average_precision(self) -> float:
        """Area under the curve, every precision raised to the best at no smaller recall (VOC)."""
        if not self.n_faces:
            return math.nan
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.sum(np.diff(self.recall, prepend=0.0) * envelope))

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall, (k,)."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(total > 0, total, 1.0)

    @property
    def best(self) -> OperatingPoint:
        """The point of best F1, of several the one with the highest threshold."""
        if not len(self.thresholds) or not self.n_faces:
            return OperatingPoint(math.nan, math.nan, 0.0 if self.n_faces else math.nan, math.nan)
        return self._point(int(self.f1.argmax()))

    def at(self, threshold: float) -> OperatingPoint:
        """What comes of taking all detections of at least `threshold`."""
        n_points = int((self.thresholds >= threshold).sum())
        if not n_points or not self.n_faces:
            recall = 0.0 if self.n_faces else math.nan
            return OperatingPoint(threshold, math.nan, recall, math.nan)
        return replace(self._point(n_points - 1), threshold=threshold)

    def _point(self, index: int) -> OperatingPoint:
        values = (self.thresholds, self.precision, self.recall, self.f1)
        return OperatingPoint(*(float(column[index]) for column in values))


def _boxes(values: Any) -> Boxes:
    boxes = np.asarray(values, np.float64)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes_xyxy must have shape (n, 4), got {boxes.shape}")
    return boxes


def match(truths: Truths, found: Detections) -> NDArray[np.int64]:
    """For each detection (m,) the row of its face, or `FALSE_ALARM` or `NOT_COUNTED`.

    The most confident detection chooses first and takes the face that it overlaps most, by at
    least `MATCH_IOU`; a face can be taken once, so a second box on it is a false alarm.
    """
    result = np.full(len(found.confidences), FALSE_ALARM, np.int64)
    overlaps = ious(found.boxes_xyxy, truths.boxes_xyxy)
    overlaps[:, truths.ignored] = 0
    reachable = overlaps.max(axis=1, initial=0) >= MATCH_IOU
    for row in np.argsort(-found.confidences, kind="stable"):
        if not reachable[row]:
            continue
        face = int(overlaps[row].argmax())
        if overlaps[row, face] >= MATCH_IOU:
            result[row] = face
            overlaps[:, face] = 0
    shared = intersections(found.boxes_xyxy, truths.boxes_xyxy[truths.ignored])
    own_area = areas(found.boxes_xyxy)
    inside = shared.max(axis=1, initial=0) > IGNORED_SHARE * own_area
    result[(result == FALSE_ALARM) & inside] = NOT_COUNTED
    return result


def precision_recall(
    truths: Sequence[Truths], detections: Sequence[Detections]
) -> PrecisionRecall:
    """The curve over all images; both sequences have one entry an image.

    Examples:
        >>> face, elsewhere = (0, 0, 10, 10), (50, 50, 60, 60)
        >>> truth = Truths(np.array([face]), np.array([False]))
        >>> said = Detections(np.array([face, elsewhere]), np.array([0.9, 0.4]))
        >>> curve = precision_recall([truth], [said])
        >>> curve.average_precision, curve.at(0.3).precision
        (1.0, 0.5)
    """
    n_faces = sum(int((~truth.ignored).sum()) for truth in truths)
    matches = [match(t, d) for t, d in zip(truths, detections, strict=True)]
    rows = np.concatenate([*matches, np.empty(0, np.int64)])
    confidences = np.concatenate([*(d.confidences for d in detections), np.empty(0)])
    counted = rows != NOT_COUNTED
    hits, confidences = rows[counted] >= 0, confidences[counted]
    order = np.argsort(-confidences, kind="stable")
    hits, confidences = hits[order], confidences[order]
    # One point a distinct confidence: a threshold cannot take one of two equals.
    last = np.flatnonzero(np.diff(confidences, append=-np.inf))
    n_hits = np.cumsum(hits)[last]
    return PrecisionRecall(
        n_faces, confidences[last], n_hits / (last + 1), n_hits / max(n_faces, 1)
    )
