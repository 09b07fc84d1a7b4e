"""Small faces, cards and classifiers for tests."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.expression.model_card import ModelCard
from core.pictures.face_input import FULL_SQUARE
from core.types import Box, EmotionScores, Face, FloatArray, ImageRGB, check_image_rgb


def a_box(x_min: float = 10, y_min: float = 20, width: float = 30, height: float = 40) -> Box:
    return Box(x_min, y_min, x_min + width, y_min + height)


def a_face(box: Box | None = None, confidence: float = 0.9, detector: str = "test") -> Face:
    return Face(box or a_box(), confidence, np.zeros((0, 2), np.float32), detector)


def one_hot(emotion: str) -> EmotionScores:
    """Scores that are certain of one expression."""
    return EmotionScores(np.eye(len(EMOTIONS), dtype=np.float32)[EMOTIONS.index(emotion)])


def card_dict(model: bytes = b"model", **changes: Any) -> dict[str, Any]:
    """A whole and true card for `model`."""
    geometry = {"eyes_xy": [0.5, 0.4], "mouth_xy": [0.5, 0.77], "eye_mouth": 0.37}
    card = {
        "id": "toy",
        "title": "A toy",
        "file": "model.tflite",
        "sha256": hashlib.sha256(model).hexdigest(),
        "n_bytes": len(model),
        "n_parameters": 1,
        "n_macs": 1,
        "precision": "float32",
        "labels": list(EMOTIONS),
        "input": {
            "size_px": 48,
            "channels": 1,
            "scale": 1 / 64,
            "offset": -2.0,
            "geometry": geometry,
        },
        "flip_average": False,
        "members": [],
        "teachers": [],
        "pretraining": "",
        "calibration": {
            "temperature": 1.0,
            "uncertain_threshold": 0.5,
            "target_accuracy": 0.85,
            "coverage": 0.5,
        },
        "data": {
            "name": "none",
            "source": "none",
            "terms": "none",
            "n_train": 0,
            "known_flaws": [],
        },
        "recipe": {},
        "licence": "Apache-2.0",
        "intended_use": "tests",
        "prohibited_use": "everything else",
        "high_risk_class": "none",
        "limits": [],
    }
    return {**card, **changes}


def write_model(models_dir: Path, card: dict[str, Any], model: bytes = b"model") -> Path:
    """Write a model's folder; returns it."""
    import json

    folder = models_dir / str(card["id"])
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card))
    if card["file"]:  # an ensemble has none
        (folder / str(card["file"])).write_bytes(model)
    return folder


def grey_level(emotion: int) -> int:
    """The grey level by which `BrightnessClassifier` knows an expression."""
    return 20 + 35 * emotion


class BrightnessClassifier(EmotionClassifier):
    """Tells expressions by the mean grey level: a model whose answers a test can write down.

    It is as certain as `certainty` says, and keeps the sizes of the batches it was given.
    """

    def __init__(self, certainty: float = 4.0, **changes: Any) -> None:
        super().__init__(ModelCard.model_validate(card_dict(b"", **changes)), b"")
        self.certainty = certainty
        self.batch_sizes: list[int] = []

    def logits(self, faces: FloatArray) -> FloatArray:
        self.batch_sizes.append(len(faces))
        spec = self.card.input
        levels = (faces.mean(axis=(1, 2, 3)) - spec.offset) / spec.scale
        classes = np.clip(np.round((levels - 20) / 35), 0, 6).astype(int)
        return np.asarray(self.certainty * np.eye(7, dtype=np.float32)[classes], np.float32)


class FixedDetector:
    """Finds the boxes that it was told, whatever the image; none in images that are black."""

    name = "fixed"
    threshold = 0.5
    box_geometry = FULL_SQUARE

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        if not check_image_rgb(image_rgb).any():
            return ()
        return tuple(a_face(box, detector=self.name) for box in self.boxes)
