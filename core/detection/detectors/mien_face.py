"""Our own detector, trained on WIDER FACE by `mien train-detector`, through LiteRT."""

import hashlib
from pathlib import Path
from typing import Final, Literal

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from pydantic import BaseModel, Field

from core.detection.any_size import AnySizeNetwork
from core.detection.detectors.grid import faces_from_maps, suppress
from core.detection.files import load_box_geometry, read_json, read_network
from core.detection.scaling import LONGEST_SIDE_PX, rescale
from core.errors import ModelError
from core.types import Box, Face, FloatArray, ImageRGB, check_image_rgb

# Sides of the network's picture are multiples of it: of the coarsest cell's, and coarser still,
# so that photos of about the same size share a plan.
_SIDE_STEP_PX = 64
_SAME_FACE_IOU = 0.4
# Larger faces are looked for in a thumbnail, in which smaller ones are left to the full picture.
_LARGEST_FACE_PX = 240
_THUMBNAIL_PX = 256
_SMALLEST_IN_THUMBNAIL_PX = 56
Found = tuple[FloatArray, FloatArray, FloatArray]
PRECISIONS: Final = ("int8", "float")


class FaceNetwork:
    """Faces of all sizes in a photo, by `AnySizeNetwork`.

    A photo is enlarged `enlarge` times, so that smaller faces are found, but its longest side
    never beyond `LONGEST_SIDE_PX`, to which longer ones are shrunk.
    """

    def __init__(self, model: bytes, *, enlarge: float = 1.0) -> None:
        self._network = AnySizeNetwork(model, _SIDE_STEP_PX)
        self.enlarge = enlarge

    def find(self, image_rgb: ImageRGB, threshold: float) -> Found:
        """Boxes (n, 4), points (n, 5, 2), confidences (n,) from `threshold` on, surest first."""
        scale = min(self.enlarge, LONGEST_SIDE_PX / max(image_rgb.shape[:2]))
        found = [self._find(image_rgb, scale, threshold)]
        if max(image_rgb.shape[:2]) * scale > _LARGEST_FACE_PX:
            # A face larger than any that the network learnt is one of usual size in a thumbnail.
            found[0] = _within(found[0], 0, _LARGEST_FACE_PX / scale)
            small = _THUMBNAIL_PX / max(image_rgb.shape[:2])
            thumbnail = self._find(image_rgb, small, threshold)
            found.append(_within(thumbnail, _SMALLEST_IN_THUMBNAIL_PX / small, np.inf))
        boxes, points, confidences = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = suppress(boxes, confidences, _SAME_FACE_IOU)
        return boxes[kept], points[kept], confidences[kept]

    def _find(self, image_rgb: ImageRGB, scale: float, threshold: float) -> Found:
        """What the network sees in the picture resized by `scale`, in the picture's pixels."""
        resized, scale_xy = rescale(image_rgb, scale)
        to_full = scale_xy.astype(np.float32)
        boxes, points, confidences = faces_from_maps(
            self._network.maps(resized), threshold, _SAME_FACE_IOU
        )
        return boxes * np.tile(to_full, 2), points * to_full, confidences


def logit_map_names(model: bytes) -> list[str]:
    """Names of a network's maps of one channel, which say how sure its cells are."""
    outputs = Interpreter(model_content=model).get_output_details()
    return [output["name"] for output in outputs if output["shape_signature"][-1] == 1]


class MienFaceDetector:
    """`FaceNetwork` as a `FaceDetector`; threshold and enlargement are those of `detector.json`.

    `folder` also holds the networks, of which `precision` "int8" or "float" runs.
    """

    name = "mien-face"

    def __init__(
        self,
        folder: Path,
        *,
        threshold: float | None = None,
        enlarge: float | None = None,
        precision: str = "int8",
    ) -> None:
        """Load the network, after checking that it is the one its description vouches for."""
        described = read_json(folder, "detector.json", Description)
        self._network = FaceNetwork(
            _model_bytes(folder, described, precision),
            enlarge=described.enlarge if enlarge is None else enlarge,
        )
        self.threshold = described.threshold if threshold is None else threshold
        self.box_geometry = load_box_geometry(folder)

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`.

        Five keypoints: eyes, tip of the nose, corners of the mouth; the person's right first.
        """
        boxes, points, confidences = self._network.find(check_image_rgb(image_rgb), self.threshold)
        return tuple(
            Face(Box(*map(float, box)), float(confidence), own_points, self.name)
            for box, own_points, confidence in zip(boxes, points, confidences, strict=True)
        )


def _within(found: Found, smallest_px: float, largest_px: float) -> Found:
    boxes, points, confidences = found
    side_px = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    kept = (side_px >= smallest_px) & (side_px <= largest_px)
    return boxes[kept], points[kept], confidences[kept]


class NetworkFile(BaseModel):
    """A network's file beside `detector.json`, and the hash of its content."""

    file: str
    sha256: str


class Description(BaseModel):
    """What `detector.json` says to the detector: files by precision, threshold, enlargement."""

    files: dict[Literal["int8", "float"], NetworkFile] = Field(min_length=2)
    threshold: float = Field(gt=0, lt=1)
    enlarge: float = Field(gt=0, le=4)


def _model_bytes(folder: Path, described: Description, precision: str) -> bytes:
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    entry = next(entry for name, entry in described.files.items() if name == precision)
    content = read_network(folder / entry.file)
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ModelError(f"The face detector's file {entry.file} is damaged; reinstall Mien.")
    return content
