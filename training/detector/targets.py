"""What the loss reads: the annotation of a picture as an array of fixed size."""

import numpy as np
from numpy.typing import NDArray

from training.detector.photos import N_POINTS, Annotation

MAX_ROWS = 64
N_COLUMNS = 6 + 2 * N_POINTS
FACE, IGNORED = 1.0, 2.0  # kinds of rows; 0 is padding


def target_rows(annotation: Annotation) -> NDArray[np.float32]:
    """An annotation as an array (64, 16): kind, box, 1 if points are known, points.

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
