"""YuNet (Wu et al. 2023, Machine Intelligence Research 20), through LiteRT. The default."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from core.detection.any_size import AnySizeNetwork
from core.detection.detectors.grid import STRIDES, suppress
from core.detection.files import load_box_geometry, read_network
from core.detection.scaling import LONGEST_SIDE_PX, rescale
from core.types import Box, Face, FloatArray, ImageRGB, check_image_rgb

FILE_NAME: Final = "model_float.tflite"
_SIDE_STEP_PX: Final = STRIDES[-1]
_SAME_FACE_IOU: Final = 0.3
# A picture that is shrunk anyway is shrunk by this much more at most to save a row of padding:
# of 1280x720 that leaves 796x448 instead of 800x450, which would be padded to 800x480.
_SPARED: Final = 0.01
# A picture is looked at in half its size first, in a quarter of the time, and that answer stands
# where all in it is beyond doubt. Chosen on 413 photos of WIDER FACE's train part: of their faces
# none was lost, nor was the average precision smaller, and every fourth photo was spared.
_SURE: Final = 0.85  # confidence of each face of such an answer
_DOUBT: Final = 0.15  # whatever lies between may be a face that is seen better in full size
_SURE_SIDE_PX: Final = 24.0  # beside smaller faces there may be some that are not seen at all
# Keeps exp finite, whatever the network says.
_LARGEST_LOGIT: Final = 40.0
_LARGEST_LOG_SIZE: Final = 8.0


class YuNetDetector:
    """The weights of OpenCV Zoo's network of March 2023, as `training.detector.yunet` wrote them.

    Images above `LONGEST_SIDE_PX` are shrunk, then enlarged `enlarge` times; a quarter of the time
    is enough where all faces are large and plain to see.
    `threshold` is the smallest confidence (0..1) of a face that is returned.

    Raises:
        ModelError: if the network's file is missing.

    Examples:
        >>> from core.config import ROOT
        >>> from core.pictures.images import decode_image
        >>> photo = decode_image((ROOT / "samples" / "astronaut.jpg").read_bytes()).image_rgb
        >>> (face,) = YuNetDetector(ROOT / "models" / "yunet").detect(photo)
        >>> right_eye, left_eye, nose, *corners_of_mouth = face.keypoints_xy
        >>> bool(right_eye[0] < nose[0] < left_eye[0])  # her right is on the photo's left
        True
    """

    name = "yunet"

    def __init__(self, folder: Path, *, threshold: float = 0.7, enlarge: float = 1.0) -> None:
        network = read_network(folder / FILE_NAME)
        self.threshold, self._enlarge = threshold, enlarge
        self.box_geometry = load_box_geometry(folder)
        self._network = AnySizeNetwork(network, _SIDE_STEP_PX)

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`.

        Five keypoints: eyes, tip of the nose, corners of the mouth; the person's right first.
        """
        size_hw = check_image_rgb(image_rgb).shape[:2]
        scale = _fitting(min(1.0, LONGEST_SIDE_PX / max(size_hw)), min(size_hw)) * self._enlarge
        found = self._look(image_rgb, scale / 2, min(self.threshold, _DOUBT))
        if not _is_beyond_doubt(found, scale / 2):
            found = self._look(image_rgb, scale, self.threshold)
        return tuple(face for face in found if face.confidence >= self.threshold)

    def _look(self, image_rgb: ImageRGB, scale: float, threshold: float) -> list[Face]:
        """What is a face with that confidence, in the picture's own pixels."""
        scaled_rgb, scale_xy = rescale(image_rgb, scale)
        boxes, points, confidences = faces_from_maps(self._network.maps(scaled_rgb), threshold)
        to_full = scale_xy.astype(np.float32)
        return [
            Face(Box(*map(float, box)), float(confidence), own_points, self.name)
            for box, own_points, confidence in zip(
                boxes * np.tile(to_full, 2), points * to_full, confidences, strict=True
            )
        ]


def _is_beyond_doubt(found: Sequence[Face], scale: float) -> bool:
    """Whether a look at a picture of `scale` showed faces, all of them sure and none small."""
    possible = [face for face in found if face.confidence >= _DOUBT]
    return bool(possible) and all(
        face.confidence >= _SURE and math.sqrt(face.box.area) * scale >= _SURE_SIDE_PX
        for face in possible
    )


def _fitting(scale: float, shorter_px: int) -> float:
    """The scale, a little smaller where the shorter side then needs no padding."""
    if scale == 1:
        return scale
    whole_px = shorter_px * scale // _SIDE_STEP_PX * _SIDE_STEP_PX
    fitting = whole_px / shorter_px
    return fitting if fitting > (1 - _SPARED) * scale else scale


def faces_from_maps(
    maps: Sequence[FloatArray], threshold: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Boxes (n, 4), points (n, 5, 2), confidences (n,) in a picture's pixels, surest first.

    `maps` has for each stride (h, w, 16): logits of "a face" and of "an object", shift of the
    box's middle and logs of its sides, shifts of five points; all in strides.
    """
    boxes, points, confidences = [], [], []
    for cells, stride in zip(maps, STRIDES, strict=True):
        logits = np.clip(cells[..., :2], -_LARGEST_LOGIT, _LARGEST_LOGIT)
        confidence = 1 / np.sqrt(np.prod(1 + np.exp(-logits), axis=-1))
        sure = confidence >= threshold
        said = cells[sure]
        corner_xy = np.argwhere(sure)[:, ::-1].astype(np.float32)
        middle = corner_xy + said[:, 2:4]
        half = np.exp(np.minimum(said[:, 4:6], _LARGEST_LOG_SIZE)) / 2
        boxes.append(np.concatenate([middle - half, middle + half], axis=1) * stride)
        points.append((corner_xy[:, None] + said[:, 6:].reshape(-1, 5, 2)) * stride)
        confidences.append(confidence[sure])
    boxes_xyxy, all_confidences = np.concatenate(boxes), np.concatenate(confidences)
    kept = suppress(boxes_xyxy, all_confidences, _SAME_FACE_IOU)
    return boxes_xyxy[kept], np.concatenate(points)[kept], all_confidences[kept]
