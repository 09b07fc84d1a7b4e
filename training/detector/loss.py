"""Which cell answers for which face, and how wrong its answer is; `keras.ops` alone.

Task-aligned assignment (Feng et al. 2021, arXiv 2108.07755): among the cells inside a face those
answer that are already surest and best placed; the best is asked for full confidence, the others
for as much less as they are worse. (The paper asks the best for no more than its overlap. Small
faces, whose overlaps are low, then stay unsure and are found last.) Complete IoU for boxes
(Zheng et al. 2020, arXiv 1911.08287).
"""

import numpy as np
from keras import ops

from training.architectures.layers import Tensor
from training.detector.network import all_cells, decode
from training.detector.photos import FACE, IGNORED

_TOP_CELLS = 9
_SURENESS_POWER, _OVERLAP_POWER = 0.5, 4.0
_BOX_WEIGHT, _POINT_WEIGHT = 4.0, 1.0


class DetectionLoss:
    """Loss of rows of cells (b, cells, 15) against `target_rows` (b, 64, 16); a scalar."""

    def __init__(self, side_px: int) -> None:
        self.side_px = side_px
        centres, _ = all_cells(side_px)
        self.centres = ops.convert_to_tensor(centres)

    def __call__(self, targets: Tensor, rows: Tensor) -> Tensor:
        """Confidence + box + points, each per unit of assigned confidence."""
        targets, rows = ops.cast(targets, "float32"), ops.cast(rows, "float32")
        logits, boxes, points = decode(rows, self.side_px)
        kind, truth = targets[..., 0], targets[..., 1:5]
        inside = _inside(truth, self.centres)  # (b, n, cells)
        is_face = ops.cast(ops.equal(kind, FACE), "float32")[..., None]
        wanted, owner = assign(
            ops.stop_gradient(ops.sigmoid(logits)),
            ops.stop_gradient(boxes),
            truth,
            inside * is_face,
        )
        is_ignored = ops.cast(ops.equal(kind, IGNORED), "float32")[..., None]
        unknown = ops.max(inside * is_ignored, axis=1)
        counted = ops.where(wanted > 0, 1.0, 1.0 - unknown)
        total = ops.maximum(ops.sum(wanted), 1.0)
        own = ops.take_along_axis(targets, owner[..., None], axis=1)  # (b, cells, 16)
        box_loss = wanted * (1 - complete_iou(boxes, own[..., 1:5]))
        point_loss = wanted * _point_loss(points, own)
        sure_loss = counted * _cross_entropy(logits, wanted)
        return (
            ops.sum(sure_loss)
            + _BOX_WEIGHT * ops.sum(box_loss)
            + _POINT_WEIGHT * ops.sum(point_loss)
        ) / total


def _inside(boxes: Tensor, centres: Tensor) -> Tensor:
    """1 where a cell's centre lies in a box: (b, n, cells)."""
    x, y = centres[:, 0], centres[:, 1]
    in_x = ops.logical_and(x > boxes[..., 0:1], x < boxes[..., 2:3])
    in_y = ops.logical_and(y > boxes[..., 1:2], y < boxes[..., 3:4])
    return ops.cast(ops.logical_and(in_x, in_y), "float32")


def assign(
    sureness: Tensor, boxes: Tensor, truth: Tensor, inside: Tensor
) -> tuple[Tensor, Tensor]:
    """Wanted confidence (b, cells) and, for each cell, the row of its face (b, cells).

    Args:
        sureness: confidence now, 0..1, (b, cells).
        boxes: predicted, (b, cells, 4).
        truth: (b, n, 4).
        inside: 1 where a cell may answer for a face, (b, n, cells).
    """
    overlap = pair_iou(truth, boxes) * inside
    fit = sureness[:, None] ** _SURENESS_POWER * overlap**_OVERLAP_POWER + 1e-12
    fit = fit * inside
    least = ops.top_k(fit, _TOP_CELLS)[0][..., -1:]
    chosen = ops.cast(ops.logical_and(fit >= least, fit > 0), "float32")
    # A cell inside several faces answers for the one it overlaps most.
    claims = chosen * (overlap + 1e-9)
    owner = ops.argmax(claims, axis=1)  # (b, cells)
    is_owner = ops.cast(ops.equal(claims, ops.max(claims, axis=1, keepdims=True)), "float32")
    chosen = chosen * is_owner
    fit = fit * chosen
    wanted = fit / ops.maximum(ops.max(fit, axis=-1, keepdims=True), 1e-12)
    return ops.max(wanted, axis=1), owner


def pair_iou(truth: Tensor, boxes: Tensor) -> Tensor:
    """Overlaps (b, n, m) of boxes (b, n, 4) and (b, m, 4)."""
    one, other = truth[:, :, None], boxes[:, None]
    return _overlap(one, other)[0]


def _overlap(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and the union, of broadcast boxes (.., 4)."""
    width = ops.minimum(one[..., 2], other[..., 2]) - ops.maximum(one[..., 0], other[..., 0])
    height = ops.minimum(one[..., 3], other[..., 3]) - ops.maximum(one[..., 1], other[..., 1])
    shared = ops.relu(width) * ops.relu(height)
    union = _area(one) + _area(other) - shared
    return shared / ops.maximum(union, 1e-6), union


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def complete_iou(boxes: Tensor, truth: Tensor) -> Tensor:
    """IoU less penalties for distance and for another shape, (..,)."""
    overlap, _ = _overlap(boxes, truth)
    hull = ops.maximum(boxes[..., 2:], truth[..., 2:]) - ops.minimum(
        boxes[..., :2], truth[..., :2]
    )
    apart = (boxes[..., :2] + boxes[..., 2:] - truth[..., :2] - truth[..., 2:]) / 2
    distance = ops.sum(apart**2, axis=-1) / ops.maximum(ops.sum(hull**2, axis=-1), 1e-6)
    shape = (4 / np.pi**2) * (_slope(truth) - _slope(boxes)) ** 2
    weight = ops.stop_gradient(shape / (1 - overlap + shape + 1e-6))
    return overlap - distance - weight * shape


def _slope(boxes: Tensor) -> Tensor:
    size = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    return ops.arctan(size[..., 0] / size[..., 1])


def _point_loss(points: Tensor, own: Tensor) -> Tensor:
    """Mean distance of the points in units of the face's size, where they are known."""
    size = ops.sqrt(ops.maximum(_area(own[..., 1:5]), 1.0))
    truth = ops.reshape(own[..., 6:], ops.shape(points))
    apart = (points - truth) / size[..., None, None]
    distance = ops.sqrt(ops.sum(apart**2, axis=-1) + 1e-4)
    return own[..., 5] * ops.mean(distance, axis=-1)


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    return ops.relu(logits) - logits * wanted + ops.softplus(-ops.abs(logits))
