"""Run a detector over photos with annotated faces and measure it; what `mien detect-eval` does."""

import math
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.detection import FaceDetector
from core.detection.boxes import sizes_px
from core.errors import DatasetError, ImageRefusedError
from core.measures.detection.matching import (
    Detections,
    Mask,
    PrecisionRecall,
    Truths,
    precision_recall,
)
from core.measures.detection.photos import AnnotatedPhotos
from core.measures.evaluation import Progress

# WIDER FACE's flags (Yang et al. 2016, arXiv 1511.06523) in words, by their numbers.
FLAG_NAMES: Final = {
    "blur": ("clear", "slight", "strong"),
    "occlusion": ("none", "partial", "heavy"),
    "pose": ("typical", "atypical"),
    "illumination": ("normal", "extreme"),
}
_SIZE_EDGES_PX: Final = (20, 32, 64, 128)
_MAX_GROUPS: Final = 12
_MAX_CURVE_POINTS: Final = 200


class Operation(BaseModel, frozen=True):
    """An `OperatingPoint` as it is stored; None where there was nothing to count."""

    threshold: float | None
    precision: float | None
    recall: float | None
    f1: float | None


class FaceGroup(BaseModel, frozen=True):
    """Faces of one kind; all other faces are ignored for it, false alarms count in full.

    `recall` is at the overall F1-best threshold.
    """

    n_faces: int
    ap50: float | None
    recall: float | None


class DetectionEvaluation(BaseModel, frozen=True):
    """What one run over annotated photos found."""

    detector: str
    dataset: str
    command: str
    n_images: int
    # faces that count: at least `min_face_px` in size (side of the square of the same area), not
    # invalid, not heavily occluded
    n_faces: int
    min_face_px: float
    ap50: float | None  # average precision at an overlap of 0.5
    best_f1: float | None  # best F1, reached at `threshold` with `precision` and `recall`
    precision: float | None
    recall: float | None
    threshold: float | None
    ms_per_image: float | None  # median time of detecting in one photo, decoding left out
    # the same in time of the processor, all threads together, which hardly depends on what else
    # the machine is doing
    cpu_ms_per_image: float | None = None
    shipped: Operation  # what the app's own threshold gives
    by_group: dict[str, dict[str, FaceGroup]]  # kind -> group -> figures
    curve: dict[str, list[float]]  # threshold, precision and recall, thinned to what a chart needs


def run(
    detector: FaceDetector, photos: AnnotatedPhotos, progress: Progress | None = None
) -> tuple[list[Detections], NDArray[np.float64]]:
    """What the detector finds in each photo, and the milliseconds it took, (n, 2).

    The first is time on the clock, the second time of the processor, all threads together, which
    hardly depends on what else the machine is doing.

    Raises:
        DatasetError: if a photo cannot be decoded; the message names the row.
    """
    found, elapsed_ms = [], np.empty((len(photos), 2))
    for index, encoded in enumerate(photos.encoded()):
        try:
            image_rgb = photos.limits.decode(encoded).image_rgb
        except ImageRefusedError as exc:
            raise DatasetError(f"{photos.name}, row {index + 1}: {exc}") from exc
        started = np.array([time.perf_counter(), time.process_time()])
        faces = detector.detect(image_rgb)
        ended = np.array([time.perf_counter(), time.process_time()])
        elapsed_ms[index] = (ended - started) * 1000
        boxes = np.array([face.box.xyxy for face in faces], np.float64)
        found.append(Detections(boxes, np.array([face.confidence for face in faces])))
        if progress:
            progress(index + 1, len(photos))
    return found, elapsed_ms


def evaluate(
    detector: FaceDetector,
    photos: AnnotatedPhotos,
    *,
    shipped_threshold: float,
    min_face_px: float = 20,
    command: str = "",
    progress: Progress | None = None,
) -> DetectionEvaluation:
    """Run and measure, overall and by kind of face; smaller faces than `min_face_px` are ignored.

    The detector has a low threshold, so that its whole curve is seen; the app's own,
    `shipped_threshold`, is reported apart.
    """
    found, elapsed_ms = run(detector, photos, progress)
    curve = precision_recall(counted_truths(photos, min_face_px), found)
    best, shipped = curve.best, curve.at(shipped_threshold)
    wall_ms, cpu_ms = np.median(elapsed_ms, axis=0) if len(photos) else (math.nan, math.nan)
    return DetectionEvaluation(
        detector=detector.name,
        dataset=photos.name,
        command=command,
        n_images=len(photos),
        n_faces=curve.n_faces,
        min_face_px=min_face_px,
        ap50=_rounded(curve.average_precision),
        best_f1=_rounded(best.f1),
        precision=_rounded(best.precision),
        recall=_rounded(best.recall),
        threshold=_rounded(best.threshold),
        ms_per_image=_rounded(float(wall_ms), 2),
        cpu_ms_per_image=_rounded(float(cpu_ms), 2),
        shipped=Operation(**{k: _rounded(v) for k, v in vars(shipped).items()}),
        by_group={
            kind: {
                name: _group(photos, found, masks, best.threshold)
                for name, masks in groups.items()
            }
            for kind, groups in _groups(photos, min_face_px)
        },
        curve=thinned(curve),
    )


def counted_truths(photos: AnnotatedPhotos, min_face_px: float) -> list[Truths]:
    """The true faces, ignored where they are too small, invalid or heavily occluded."""
    return [
        Truths(boxes, (sizes_px(boxes) < min_face_px) | photos.unreadable(index))
        for index, boxes in enumerate(photos.boxes_xyxy)
    ]


def _groups(
    photos: AnnotatedPhotos, min_face_px: float
) -> Iterator[tuple[str, dict[str, list[Mask]]]]:
    """Kind of group, then name -> per photo which faces belong to it."""
    sizes = [sizes_px(boxes) for boxes in photos.boxes_xyxy]
    edges = [min_face_px, *(edge for edge in _SIZE_EDGES_PX if edge > min_face_px), math.inf]
    usable = [~photos.unreadable(i) & (s >= min_face_px) for i, s in enumerate(sizes)]
    yield (
        "size",
        {
            f"{low:g} px and more" if high == math.inf else f"{low:g} to {high:g} px": [
                mask & (size >= low) & (size < high)
                for mask, size in zip(usable, sizes, strict=True)
            ]
            for low, high in pairwise(edges)
        },
    )
    for column, flags in photos.flags.items():
        values = sorted({value for cell in flags for value in cell.tolist()}, key=str)
        if column == "invalid" or len(values) > _MAX_GROUPS:
            continue
        if column == "occlusion":  # so that the heavily occluded are seen somewhere
            masks = [
                ~photos.unreadable(i, heavy=False) & (size >= min_face_px)
                for i, size in enumerate(sizes)
            ]
        else:
            masks = usable
        yield (
            column,
            {
                _flag_name(column, value): [
                    mask & (cell == value) for mask, cell in zip(masks, flags, strict=True)
                ]
                for value in values
            },
        )


def _flag_name(column: str, value: Any) -> str:
    names = FLAG_NAMES.get(column, ())
    is_index = isinstance(value, int) and 0 <= value < len(names)
    return names[value] if is_index else str(value)


def _group(
    photos: AnnotatedPhotos, found: Sequence[Detections], masks: Sequence[Mask], threshold: float
) -> FaceGroup:
    truths = [Truths(b, ~mask) for b, mask in zip(photos.boxes_xyxy, masks, strict=True)]
    curve = precision_recall(truths, found)
    return FaceGroup(
        n_faces=curve.n_faces,
        ap50=_rounded(curve.average_precision),
        recall=_rounded(curve.at(threshold).recall),
    )


def thinned(curve: PrecisionRecall, max_points: int = _MAX_CURVE_POINTS) -> dict[str, list[float]]:
    """The curve as lists, with about `max_points` points: evenly along it, best F1 among them."""
    n_points = len(curve.thresholds)
    if not n_points:
        return {"threshold": [], "precision": [], "recall": []}
    # By the way walked, so that steep parts are not lost; the ends are always among them.
    steps = np.hypot(np.diff(curve.recall, prepend=0), np.diff(curve.precision, prepend=1))
    walked = np.cumsum(steps)
    wanted = np.linspace(walked[0], walked[-1], max_points)
    kept = np.unique(
        [*np.searchsorted(walked, wanted).clip(0, n_points - 1), n_points - 1, curve.f1.argmax()]
    )
    columns = (curve.thresholds[kept], curve.precision[kept], curve.recall[kept])
    names = ("threshold", "precision", "recall")
    return {n: np.round(values, 4).tolist() for n, values in zip(names, columns, strict=True)}


def _rounded(value: float, digits: int = 4) -> float | None:
    return None if math.isnan(value) else round(value, digits)
