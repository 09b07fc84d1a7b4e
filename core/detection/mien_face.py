"""Our own detector, trained on WIDER FACE by `mien train-detector`, through LiteRT."""

import hashlib
import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.detection.geometry import load_box_geometry
from core.detection.grid import faces_from_maps
from core.detection.scaling import shrink
from core.errors import ModelError
from core.types import Box, Face, FloatArray, ImageRGB, check_image_rgb

# Sides of the network's picture are multiples of it: of the coarsest cell's, and coarser still,
# so that photos of about the same size share a plan.
_SIDE_STEP_PX = 64
# Plans for so many sizes are kept; making one takes longer than running it.
_MAX_PLANS = 4
PRECISIONS: Final = ("int8", "float")


class FaceNetwork:
    """A LiteRT network behind a lock: its input size is state of the interpreter.

    Args:
        model: content of a file that `training.detector.export` wrote.
    """

    def __init__(self, model: bytes) -> None:
        """Keep the bytes; interpreters are planned as sizes come."""
        self._model = model
        self._lock = threading.Lock()
        self._plans: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def find(
        self, image_rgb: ImageRGB, threshold: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Faces in `image_rgb`, surest first, in its pixels.

        Returns:
            boxes_xyxy (n, 4), points_xy (n, 5, 2) and confidences (n,) of at least `threshold`.
        """
        height, width = image_rgb.shape[:2]
        rows, columns = (-(-side // _SIDE_STEP_PX) * _SIDE_STEP_PX for side in (height, width))
        with self._lock:
            interpreter = self._plan((rows, columns))
            spec = interpreter.get_input_details()[0]
            picture = np.zeros((1, rows, columns, 3), spec["dtype"])
            picture[0, :height, :width] = image_rgb
            interpreter.set_tensor(spec["index"], picture)
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            maps = [interpreter.get_tensor(output["index"])[0] for output in outputs]
        # The order of outputs means nothing, their shapes do: finest level first, then logits
        # (1 channel), boxes (4), points (10).
        maps.sort(key=lambda level: (-level.shape[0], level.shape[2]))
        return faces_from_maps(maps, threshold)

    def _plan(self, size_hw: tuple[int, int]) -> Any:
        interpreter = self._plans.get(size_hw)
        if interpreter is None:
            interpreter = Interpreter(model_content=self._model, num_threads=1)
            index = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(index, (1, *size_hw, 3))
            interpreter.allocate_tensors()
            self._plans[size_hw] = interpreter
            if len(self._plans) > _MAX_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(size_hw)
        return interpreter


class MienFaceDetector:
    """`FaceNetwork` as a `FaceDetector`.

    Args:
        folder: holds `detector.json`, the networks and the box geometry.
        threshold: smallest confidence that counts; None takes the one of `detector.json`.
        max_side_px: larger images are shrunk to this side first, which bounds the time.
        precision: "int8" or "float".
    """

    name = "mien-face"

    def __init__(
        self,
        folder: Path,
        *,
        threshold: float | None = None,
        max_side_px: int = 640,
        precision: str = "int8",
    ) -> None:
        """Load the network, after checking that it is the one its description vouches for."""
        described = _description(folder)
        self._network = FaceNetwork(_model_bytes(folder, described, precision))
        self.threshold = float(described["threshold"]) if threshold is None else threshold
        self.max_side_px = max_side_px
        self.box_geometry = load_box_geometry(folder)

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`.

        Five keypoints: eyes, tip of the nose, corners of the mouth; the person's right first.
        """
        small, to_full = shrink(check_image_rgb(image_rgb), self.max_side_px)
        boxes, points, confidences = self._network.find(small, self.threshold)
        full_boxes, full_points = boxes * np.tile(to_full, 2), points * to_full
        return tuple(
            Face(Box(*map(float, box)), float(confidence), own_points, self.name)
            for box, own_points, confidence in zip(
                full_boxes, full_points.astype(np.float32), confidences, strict=True
            )
        )


def _description(folder: Path) -> dict[str, Any]:
    """`detector.json`: files by precision, each with its hash, and the threshold."""
    file = folder / "detector.json"
    if not file.exists():
        raise ModelError(f"The face detector's file {file.name} is missing; reinstall Mien.")
    try:
        described = dict(json.loads(file.read_text(encoding="utf-8")))
        for precision in PRECISIONS:
            entry = described["files"][precision]
            if not isinstance(entry["file"], str) or not isinstance(entry["sha256"], str):
                raise TypeError("a file needs a name and a hash")
        if not 0 < float(described["threshold"]) < 1:
            raise ValueError("a threshold lies between 0 and 1")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(
            f"The face detector {folder.name} has no readable {file.name}; reinstall Mien."
        ) from exc
    return described


def _model_bytes(folder: Path, described: dict[str, Any], precision: str) -> bytes:
    """The network's file, if it is there and whole."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    entry = described["files"][precision]
    try:
        content = (folder / str(entry["file"])).read_bytes()
    except OSError as exc:
        raise ModelError(
            f"The face detector's file {entry['file']} is missing; reinstall Mien."
        ) from exc
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ModelError(f"The face detector's file {entry['file']} is damaged; reinstall Mien.")
    return content
