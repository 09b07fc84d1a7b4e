"""Several detectors asked, one answer: boxes fused, confidences calibrated together."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from core.detection.base import FaceDetector
from core.detection.detectors.fusion import cluster, evidence
from core.detection.files import load_box_geometry, read_json
from core.types import Box, Face, FloatArray, ImageRGB, check_image_rgb

N_KEYPOINTS = 5  # eyes, tip of the nose, corners of the mouth


class Member(BaseModel, frozen=True, extra="forbid"):
    """One detector of the ensemble."""

    detector: str  # its name
    # factor by which the photo is enlarged for it, so that it finds smaller faces
    enlarge: float = Field(default=1.0, ge=1, le=4)
    threshold: float = Field(default=0.3, ge=0, le=1)  # smallest confidence at which it is heard


class Fusion(BaseModel, frozen=True, extra="ignore"):
    """What was fitted: `fusion.json`."""

    members: list[Member]  # d detectors
    min_iou: float  # overlap from which two boxes are the same face
    weights: list[float]  # of the members' log-odds (d), then of each member's silence (d)
    intercept: float  # log-odds where all of that is 0
    threshold: float  # probability from which the app takes a box for a face

    @model_validator(mode="after")
    def _check(self) -> "Fusion":
        if len(self.weights) != 2 * len(self.members):
            raise ValueError("two weights a member are needed")
        return self

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of being a face, (k,), for confidences (k, d) with NaN for silence."""
        log_odds = evidence(scores) @ np.array(self.weights) + self.intercept
        return np.asarray(1 / (1 + np.exp(-log_odds)))


class EnsembleDetector:
    """Asks the members of `fusion.json`, made by `make_member`, and fuses what they say."""

    name = "ensemble"

    def __init__(
        self,
        folder: Path,
        make_member: Callable[[Member], FaceDetector],
        *,
        threshold: float | None = None,
    ) -> None:
        self.fusion = read_json(folder, "fusion.json", Fusion)
        self.box_geometry = load_box_geometry(folder)
        self.threshold = self.fusion.threshold if threshold is None else threshold
        self._members = [make_member(member) for member in self.fusion.members]

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`; five keypoints of the most confident member that has them."""
        check_image_rgb(image_rgb)
        found = [member.detect(image_rgb) for member in self._members]
        return self.fuse(found)

    def fuse(self, found: Sequence[tuple[Face, ...]]) -> tuple[Face, ...]:
        """One answer from what each member said of the same image, most confident first."""
        groups = cluster(
            [np.array([f.box.xyxy for f in faces]).reshape(-1, 4) for faces in found],
            [np.array([f.confidence for f in faces]) for faces in found],
            min_iou=self.fusion.min_iou,
        )
        probabilities = self.fusion.probability(groups.scores)
        faces = [
            Face(
                Box(*box.tolist()),
                float(probability),
                _keypoints([f[row] for f, row in zip(found, rows, strict=True) if row >= 0]),
                self.name,
            )
            for box, probability, rows in zip(
                groups.boxes_xyxy, probabilities, groups.members.tolist(), strict=True
            )
            if probability >= self.threshold
        ]
        return tuple(sorted(faces, key=lambda face: -face.confidence))


def _keypoints(members: Sequence[Face]) -> FloatArray:
    """Five points in YuNet's order; BlazeFace's six are other places, so they are left out."""
    with_points = [face for face in members if len(face.keypoints_xy) == N_KEYPOINTS]
    if not with_points:
        return np.empty((0, 2), np.float32)
    return max(with_points, key=lambda face: face.confidence).keypoints_xy
