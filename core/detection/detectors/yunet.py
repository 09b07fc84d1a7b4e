"""YuNet (Wu et al. 2023, Machine Intelligence Research 20), through OpenCV. The default."""

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.detection.box_geometry import load_box_geometry
from core.detection.scaling import rescale
from core.errors import ModelError
from core.types import Box, Face, FloatArray, ImageRGB, check_image_rgb

# OpenCV's network reads memory it never wrote when its input is a single row of 32-px cells
# high (seen with 4.14: faces of full confidence in blank strips), so strips are padded to two.
_MIN_SIDE_PX = 64


class YuNetDetector:
    """OpenCV's `FaceDetectorYN` behind a lock: its input size is state of the object.

    Args:
        folder: holds the ONNX file and the card.
        threshold: smallest confidence that counts.
        max_side_px: larger images are shrunk to this side first, which bounds the time.
        enlarge: factor by which the image is enlarged after that, to find smaller faces.
    """

    name = "yunet"

    def __init__(
        self,
        folder: Path,
        *,
        threshold: float = 0.7,
        max_side_px: int = 800,
        enlarge: float = 1.0,
    ) -> None:
        """Load the network."""
        file = folder / "face_detection_yunet_2023mar.onnx"
        if not file.exists():
            raise ModelError(f"The face detector's file {file.name} is missing; reinstall Mien.")
        self.threshold, self.max_side_px, self._enlarge = threshold, max_side_px, enlarge
        self.box_geometry = load_box_geometry(folder)
        self._lock = threading.Lock()
        self._network = cv2.FaceDetectorYN.create(
            str(file), "", (320, 320), score_threshold=threshold, nms_threshold=0.3, top_k=5000
        )

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`.

        Five keypoints: eyes, tip of the nose, corners of the mouth; the person's right first.
        """
        scale = min(1.0, self.max_side_px / max(check_image_rgb(image_rgb).shape[:2]))
        scaled_rgb, scale_xy = rescale(image_rgb, scale * self._enlarge)
        padded_bgr = _pad(cv2.cvtColor(scaled_rgb, cv2.COLOR_RGB2BGR))
        with self._lock:
            self._network.setInputSize(padded_bgr.shape[1::-1])
            _, rows = self._network.detect(padded_bgr)
        if rows is None:
            return ()
        to_full = scale_xy.astype(np.float32)
        return tuple(self._face(row, to_full) for row in rows if min(row[2:4]) > 0)

    def _face(self, row: FloatArray, to_full: FloatArray) -> Face:
        """One row of OpenCV's result: x, y, w, h, five points, confidence."""
        x_min, y_min = (row[0:2] * to_full).tolist()
        width, height = (row[2:4] * to_full).tolist()
        return Face(
            box=Box(x_min, y_min, x_min + width, y_min + height),
            confidence=float(np.clip(row[14], 0, 1)),
            keypoints_xy=row[4:14].reshape(5, 2) * to_full,
            detector=self.name,
        )


def _pad(image_bgr: Any) -> Any:
    """The picture with black added below and to the right, as OpenCV itself rounds sizes up."""
    missing_px = [max(_MIN_SIDE_PX - side, 0) for side in image_bgr.shape[:2]]
    if not any(missing_px):
        return image_bgr
    return np.pad(image_bgr, [(0, missing_px[0]), (0, missing_px[1]), (0, 0)])
