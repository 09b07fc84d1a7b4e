"""BlazeFace short range (Bazarevsky et al. 2019, arXiv 1907.05047), through MediaPipe Tasks.

Made for faces within two metres of a camera; it misses small ones. Its network lies inside the
face landmarker's bundle, which is shipped anyway.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from core.detection.files import load_box_geometry, read_network
from core.detection.mediapipe_task import VisionTask
from core.types import Box, Face, ImageRGB, check_image_rgb


class BlazeFaceDetector:
    """MediaPipe's `FaceDetector` of `face_landmarker.task` behind a lock."""

    name = "blazeface"

    def __init__(self, folder: Path, *, threshold: float = 0.5) -> None:
        """Load the network out of the bundle beside `folder`."""
        bundle = folder.parent / "face_landmarker" / "face_landmarker.task"
        self.threshold = threshold
        self.box_geometry = load_box_geometry(folder)
        with zipfile.ZipFile(io.BytesIO(read_network(bundle))) as archive:
            base = {"model_asset_buffer": archive.read("face_detector.tflite")}
        self._task = VisionTask("FaceDetector", base, min_detection_confidence=threshold)

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`.

        Six keypoints: eyes, tip of the nose, mouth, ears; the person's right first.
        """
        height, width = check_image_rgb(image_rgb).shape[:2]
        found = self._task.detect(image_rgb).detections
        faces = [self._face(one, (width, height)) for one in found]
        return tuple(sorted(faces, key=lambda face: -face.confidence))

    def _face(self, found: Any, size_wh: tuple[int, int]) -> Face:
        box = found.bounding_box
        points = [(p.x * size_wh[0], p.y * size_wh[1]) for p in found.keypoints]
        return Face(
            box=Box(
                box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height
            ),
            confidence=float(np.clip(found.categories[0].score, 0, 1)),
            keypoints_xy=np.array(points, np.float32).reshape(-1, 2),
            detector=self.name,
        )
