"""How good the picture of a face is, as a number with a meaning.

`score` is a share: a face of quality 0.8 is judged right 0.8 times as often as the clear faces
that a model was measured on. It is a logistic curve over what can be measured in the picture,
fitted by `training/fits/quality.py` on degraded validation images, one fit a model.
"""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from core.errors import ModelError, damage_is
from core.pictures.face_input import EyesMouth, FaceInput
from core.types import Box, Face, FaceMeasures, FaceQuality, ImageRGB

# Every face is measured at the size and in the cut of FER-2013's images.
GAUGE: Final = FaceInput()

FEATURES: Final = ("size", "blur", "noise", "contrast", "light", "clipping", "turn", "cut")
# What a person would call a feature that lies below or above an ordinary face's, and costs.
FLAWS: Final = {
    "size": ("small", "small"),
    "blur": ("noisy", "blurred"),
    "noise": ("blurred", "noisy"),
    "contrast": ("low in contrast", "high in contrast"),
    "light": ("too dark or too bright", "too dark or too bright"),
    "clipping": ("under- or overexposed in parts", "under- or overexposed in parts"),
    "turn": ("turned away", "turned away"),
    "cut": ("cut by the photo's border", "cut by the photo's border"),
}
# Below this mean grey few levels are left: blur and noise are measured in what is not there.
_DARK: Final = 32
_WORTH_NAMING: Final = 0.15  # log-odds that a flaw must cost to be named
# Blur beyond this takes nothing more: models are right by chance then.
_MAX_BLUR_PX: Final = 4.0

# Immerkær 1996: a mask that is blind to flat parts and straight edges.
_NOISE_MASK: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def measure_face(image_rgb: ImageRGB, face: Face, box_geometry: EyesMouth) -> FaceMeasures:
    """Measure an upright face of `image_rgb`, uint8 (height, width, 3)."""
    square = GAUGE.square(face.box, box_geometry)
    grey = GAUGE.crop(image_rgb, square)[..., 0]
    side_px = square.size_wh[0]
    return measure_grey(
        grey,
        side_px=side_px,
        inside_share=_inside(square, image_rgb.shape[1], image_rgb.shape[0]),
        turn=nose_offset(face),
    )


def measure_grey(
    grey: NDArray[np.uint8], *, side_px: float, inside_share: float, turn: float | None
) -> FaceMeasures:
    """Measure a face's grey square (48, 48) of which the rest is known."""
    values = grey.astype(np.float32)
    noise = cv2.filter2D(values, -1, _NOISE_MASK)[1:-1, 1:-1]
    return FaceMeasures(
        side_px=float(side_px),
        # Grey levels a pixel of noise, by the mask's known gain on white noise.
        noise=float(np.sqrt(np.pi / 2) * np.abs(noise).mean() / 6),
        blur_px=_blur_px(values),
        contrast=float(values.std()),
        brightness=float(values.mean()),
        clipped_share=float(((grey <= 3) | (grey >= 252)).mean()),
        turn=turn,
        inside_share=float(inside_share),
    )


def _blur_px(values: NDArray[np.float32]) -> float:
    """Standard deviation of the blur that a grey picture seems to have, in its pixels.

    What is blurred already loses little by more blur, whatever it shows (after Crete et al. 2007,
    "The blur effect"). The Laplacian of an edge that was blurred by s and then by a has an energy
    that goes with (s² + a²)⁻² where spectra fall as those of photos do; two values of a give s.
    The first of them also takes away the rounding to whole grey levels.
    """
    once, twice = (_edge_energy(cv2.GaussianBlur(values, (0, 0), px)) for px in (1.0, 2.0))
    ratio = np.sqrt((twice + 1e-3) / (once + 1e-3))  # (s² + 1) / (s² + 4)
    variance = (4 * ratio - 1) / (1 - ratio) if ratio < 1 else np.inf
    return float(np.sqrt(np.clip(variance, 0, GAUGE.size_px)))


def _edge_energy(values: Any) -> float:
    edges = cv2.Laplacian(values, cv2.CV_32F)[2:-2, 2:-2]
    return float((edges**2).mean())


def nose_offset(face: Face) -> float | None:
    """How far the nose lies off the middle of the eyes, in eye distances; None without points.

    About 0 for a face seen from the front, 0.5 and more for one in half profile.
    """
    if len(face.keypoints_xy) < 3:
        return None
    right_eye, left_eye, nose = face.keypoints_xy[:3].astype(np.float64)
    across = left_eye - right_eye
    distance = float(np.hypot(*across))
    if distance < 1e-3:
        return None
    middle = (left_eye + right_eye) / 2
    return float(abs(np.dot(nose - middle, across)) / distance**2)


def features(measures: FaceMeasures) -> NDArray[np.float64]:
    """The measures on scales on which a logistic curve is at home, (8,) as in `FEATURES`."""
    return np.array(
        [
            np.log2(np.clip(measures.side_px, 6, GAUGE.size_px) / GAUGE.size_px),
            min(measures.blur_px, _MAX_BLUR_PX),
            np.log(measures.noise + 0.5),
            np.log(measures.contrast + 1),
            ((measures.brightness - 127.5) / 127.5) ** 2,
            np.sqrt(measures.clipped_share),
            min(measures.turn or 0.0, 1.0) ** 2,
            1 - measures.inside_share,
        ]
    )


def quadratic(rows: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features (n, 8) less their centre, and the squares of these: (n, 16)."""
    centred = rows - centre
    return np.concatenate([centred, centred**2], axis=1)


class QualityModel(BaseModel, frozen=True, extra="ignore"):
    """The fit for one expression model, from `models/<id>/quality.json`."""

    centre: list[float]  # (8,) features of an ordinary clear face
    weights: list[float]  # (16,) of the centred features and their squares
    intercept: float  # log-odds of being judged right for an ordinary clear face
    reference: float  # share of the clear faces that are judged right

    def score(self, measures: FaceMeasures) -> float:
        """Quality, 0..1."""
        return float(self.scores(features(measures)[None])[0])

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Qualities (n,) of features (n, 8)."""
        log_odds = quadratic(rows, np.array(self.centre)) @ np.array(self.weights) + self.intercept
        return np.asarray(np.clip(1 / (1 + np.exp(-log_odds)) / self.reference, 0, 1))

    def flaw(self, measures: FaceMeasures) -> str | None:
        """What lowers the quality most, in a word or few; None where nothing does."""
        row = quadratic(features(measures)[None], np.array(self.centre))[0]
        costs = (row * np.array(self.weights)).reshape(2, -1).sum(axis=0)
        by_name: dict[str, float] = {}
        for name, value, cost in zip(FEATURES, row, costs, strict=False):
            flaw = FLAWS[name][int(value > 0)]
            by_name[flaw] = by_name.get(flaw, 0.0) + float(cost)
        worst = min(by_name, key=lambda flaw: by_name[flaw])
        if by_name[worst] >= -_WORTH_NAMING:
            return None
        return "too dark" if measures.brightness < _DARK else worst

    def judge(self, measures: FaceMeasures) -> FaceQuality:
        """Score and flaw with what they were made of."""
        return FaceQuality(self.score(measures), self.flaw(measures), measures)


def load_quality_model(model_id: str, models_dir: Path) -> QualityModel | None:
    """The fit of a model; None where there is none; raises ModelError if the file is damaged."""
    file = models_dir / model_id / "quality.json"
    if not file.exists():
        return None
    with damage_is(ModelError(f"quality.json of {model_id!r} is damaged; reinstall Mien.")):
        return QualityModel.model_validate_json(file.read_bytes())


def _inside(square: Box, width: int, height: int) -> float:
    """Share of the square that lies in the photo."""
    shared_width = min(square.x_max, width) - max(square.x_min, 0)
    shared_height = min(square.y_max, height) - max(square.y_min, 0)
    return max(shared_width, 0) * max(shared_height, 0) / square.area
