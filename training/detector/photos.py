"""Annotated photos, decoded once and kept in memory, with points from a shipped detector."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.detection.boxes import ious
from core.measures.detection.photos import AnnotatedPhotos
from core.types import FloatArray, ImageRGB
from training.data.framing import decode_rgb

N_POINTS = 5
MIN_SIDE_PX = 10.0  # of about one cell of the finest level there is little to learn from
_TEACHER_ZOOMS = (1.0, 2.0)  # the teacher finds small faces in enlarged photos
_SAME_FACE_IOU = 0.5
MAX_ROWS = 64
N_COLUMNS = 6 + 2 * N_POINTS
FACE, IGNORED = 1.0, 2.0  # kinds of rows; 0 is padding


@dataclass(frozen=True, eq=False)
class Annotation:
    """What is known of one picture, in its pixels."""

    boxes_xyxy: FloatArray  # (n, 4) faces
    # (n, 5, 2) eyes, nose, corners of the mouth, the person's right first; NaN where nobody knows
    points_xy: FloatArray
    ignored_xyxy: FloatArray  # (m, 4) regions that are neither face nor background


@dataclass(frozen=True, eq=False)
class TrainingPhoto:
    """One training photo: `image_rgb` uint8 (h, w, 3) and its annotation."""

    image_rgb: ImageRGB
    annotation: Annotation


def held_out(n_photos: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Which photos (n,) are kept from training, to choose by."""
    mask = np.zeros(n_photos, bool)
    chosen = np.random.default_rng(seed).permutation(n_photos)[: round(n_photos * share)]
    mask[chosen] = True
    return mask


def training_photos(photos: AnnotatedPhotos, teacher: FaceDetector) -> list[TrainingPhoto]:
    """Decode all, and ask the teacher for points; whether there is a face, the annotators say."""
    result = []
    for index, encoded in enumerate(photos.encoded()):
        image_rgb = decode_rgb(encoded)
        boxes = np.asarray(photos.boxes_xyxy[index], np.float32)
        counts = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) > 0
        ignored = photos.unreadable(index, heavy=False) & counts
        found_boxes, found_points = _ask(teacher, image_rgb)
        faces = boxes[counts & ~ignored]
        overlaps = ious(faces.astype(np.float64), found_boxes.astype(np.float64))
        points = np.full((len(faces), N_POINTS, 2), np.nan, np.float32)
        if len(found_boxes) and len(faces):
            best = overlaps.argmax(axis=1)
            same = overlaps.max(axis=1) >= _SAME_FACE_IOU
            points[same] = found_points[best[same]]
        result.append(TrainingPhoto(image_rgb, Annotation(faces, points, boxes[ignored])))
    return result


def _ask(teacher: FaceDetector, image_rgb: ImageRGB) -> tuple[FloatArray, FloatArray]:
    """The teacher's boxes (k, 4) and points (k, 5, 2), over all zooms."""
    boxes, points = [], []
    for zoom in _TEACHER_ZOOMS:
        picture = image_rgb
        if zoom != 1:
            resized = cv2.resize(image_rgb, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
            picture = np.asarray(resized, np.uint8)
        for face in teacher.detect(picture):
            boxes.append(np.array(face.box.xyxy) / zoom)
            points.append(face.keypoints_xy / zoom)
    return (
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(points, np.float32).reshape(-1, N_POINTS, 2),
    )


def target_rows(annotation: Annotation) -> NDArray[np.float32]:
    """An annotation as the loss reads it, (64, 16): kind, box, 1 if points are known, points.

    Of more faces and regions than fit, the smallest are left out.
    """
    rows = np.zeros((MAX_ROWS, N_COLUMNS), np.float32)
    n_faces = len(annotation.boxes_xyxy)
    boxes = np.concatenate([annotation.boxes_xyxy, annotation.ignored_xyxy])
    order = np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(axis=1), kind="stable")[:MAX_ROWS]
    for row, index in enumerate(order):
        rows[row, 0] = FACE if index < n_faces else IGNORED
        rows[row, 1:5] = boxes[index]
        if index < n_faces and np.isfinite(annotation.points_xy[index]).all():
            rows[row, 5] = 1
            rows[row, 6:] = annotation.points_xy[index].ravel()
    return rows
