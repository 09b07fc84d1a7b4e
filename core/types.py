"""What the core takes and returns. All frozen and checked at construction.

Coordinates are pixels of the full image, origin at its top left corner, x to the right, y down.
Arrays are made read-only. Equality is identity for types that hold arrays.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.errors import InvalidImageArrayError

ImageRGB = NDArray[np.uint8]
FloatArray = NDArray[np.float32]


def _frozen(values: Any, shape: tuple[int | None, ...], name: str) -> FloatArray:
    """A read-only float32 copy of `values`; None in `shape` allows any length."""
    array: FloatArray = np.array(values, np.float32)
    fits = array.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, array.shape, strict=False)
    )
    if not fits:
        wanted = tuple("n" if size is None else size for size in shape)
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    array.setflags(write=False)
    return array


def check_image_rgb(image_rgb: Any) -> ImageRGB:
    """Return `image_rgb` if it is RGB uint8 (height, width, 3) with at least one pixel.

    Raises:
        InvalidImageArrayError: otherwise; the message says what came.
    """
    if not isinstance(image_rgb, np.ndarray) or image_rgb.dtype != np.uint8:
        got = getattr(image_rgb, "dtype", type(image_rgb).__name__)
        raise InvalidImageArrayError(f"an image must be a uint8 array, got {got}")
    if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or image_rgb.size == 0:
        raise InvalidImageArrayError(
            f"an image must have shape (height, width, 3) with pixels, got {image_rgb.shape}"
        )
    return image_rgb


@dataclass(frozen=True)
class Box:
    """An upright rectangle in pixels; it may reach over the image's border.

    Examples:
        >>> Box(10, 20, 40, 60).size_wh
        (30, 40)
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.xyxy).all():
            raise ValueError(f"a box must be finite, got {self.xyxy}")
        if self.x_max <= self.x_min or self.y_max <= self.y_min:
            raise ValueError(f"a box needs x_min < x_max and y_min < y_max, got {self.xyxy}")

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return (self.x_min, self.y_min, self.x_max, self.y_max)

    @property
    def size_wh(self) -> tuple[float, float]:
        """Width and height."""
        return (self.x_max - self.x_min, self.y_max - self.y_min)

    @property
    def centre_xy(self) -> tuple[float, float]:
        """Centre."""
        return ((self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        width, height = self.size_wh
        return width * height

    def scaled(self, factor: float) -> "Box":
        """The same place in the image `factor` times as large."""
        return Box(*(value * factor for value in self.xyxy))

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0..1."""
        width = min(self.x_max, other.x_max) - max(self.x_min, other.x_min)
        height = min(self.y_max, other.y_max) - max(self.y_min, other.y_min)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face.

    Attributes:
        box: the detector's box, in that detector's own convention of where a face ends.
        confidence: the detector's score, 0..1. keypoints_xy: (n, 2) points in the detector's own
        order; (0, 2) where it gives none. detector: name of the detector, which decides how the
        box is cut (core.pictures.face_input). turned_degrees: how far the photo stands turned
        clockwise: 0, 90, 180 or 270.

    Examples:
        >>> face = Face(Box(10, 20, 40, 60), 0.98, np.empty((0, 2), np.float32), "yunet")
        >>> face.box.size_wh
        (30, 40)
    """

    box: Box
    confidence: float
    keypoints_xy: FloatArray
    detector: str
    turned_degrees: int = 0

    def __post_init__(self) -> None:
        if self.turned_degrees not in (0, 90, 180, 270):
            raise ValueError(f"turned_degrees must be a quarter turn, got {self.turned_degrees}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence must lie in 0..1, got {self.confidence}")
        points = _frozen(self.keypoints_xy, (None, 2), "keypoints_xy")
        object.__setattr__(self, "keypoints_xy", points)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Points of one face.

    Attributes:
        points_xy: (n, 2) in pixels of the full image.
        scheme: "mediapipe478", "ibug68" or "five".
        blendshapes: name -> 0..1, empty where the scheme has none.

    Examples:
        >>> Landmarks(np.zeros((68, 2)), "ibug68").points_xy.dtype
        dtype('float32')
    """

    points_xy: FloatArray
    scheme: str
    blendshapes: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "points_xy", _frozen(self.points_xy, (None, 2), "points_xy"))


@dataclass(frozen=True, eq=False)
class EmotionScores:
    """Calibrated probabilities of the seven expressions, in the order of `EMOTIONS`.

    Examples:
        >>> scores = EmotionScores([0.0, 0.0, 0.0, 0.75, 0.0, 0.0, 0.25])
        >>> scores.top, scores.top_probability
        ('happy', 0.75)
    """

    probabilities: FloatArray

    def __post_init__(self) -> None:
        values = _frozen(self.probabilities, (len(EMOTIONS),), "probabilities")
        if (values < 0).any() or abs(float(values.sum()) - 1) > 1e-3:
            raise ValueError(f"probabilities must be >= 0 and sum to 1, got {values.tolist()}")
        object.__setattr__(self, "probabilities", values)

    @property
    def top(self) -> str:
        """Name of the most probable expression."""
        return EMOTIONS[int(self.probabilities.argmax())]

    @property
    def top_probability(self) -> float:
        """Its probability, 0..1."""
        return float(self.probabilities.max())

    def as_dict(self) -> dict[str, float]:
        """Name -> probability, in the order of `EMOTIONS`."""
        return dict(zip(EMOTIONS, self.probabilities.tolist(), strict=True))


# More labels than these name nothing any more: people would not agree.
MAX_NAMED = 3


@dataclass(frozen=True, eq=False)
class Answer:
    """What people would say of one face: the one verdict for pictures, tables, videos and files.

    Attributes:
        scores: shares of people, as far as the model can tell; None for a face that was found
            but is too small to be judged.
        labels: the expressions among which the one that most people name is expected, most
            likely first (core.expression.conformal); () for a face that is too small.

    Examples:
        >>> shares = EmotionScores(np.float32([0, 0, 0, 0.1, 0.3, 0, 0.6]))
        >>> answer = Answer(shares, ("neutral", "sad"))
        >>> answer.top, answer.uncertain, answer.share
        ('neutral', True, 0.6000000238418579)
    """

    scores: EmotionScores | None
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if (self.scores is None) != (not self.labels):
            raise ValueError("an answer has scores and labels, or neither")
        if len(set(self.labels)) < len(self.labels) or not set(self.labels) <= set(EMOTIONS):
            raise ValueError(f"labels must be different ones of {EMOTIONS}, got {self.labels}")

    @property
    def top(self) -> str | None:
        """The label that most people would choose; None for a face that is too small."""
        return self.labels[0] if self.labels else None

    @property
    def share(self) -> float:
        """Share of people who would say `top`, 0..1; 0 for a face that is too small."""
        if self.scores is None:
            return 0.0
        return float(self.scores.probabilities[EMOTIONS.index(self.labels[0])])

    @property
    def uncertain(self) -> bool:
        """Whether more than one label has to be named."""
        return len(self.labels) > 1

    @property
    def agreed(self) -> bool:
        """Whether few enough labels remain to name them."""
        return 0 < len(self.labels) <= MAX_NAMED


TOO_SMALL = Answer(None, ())


@dataclass(frozen=True)
class FaceMeasures:
    """What can be measured in the picture of a face, in the square that the models are shown.

    Attributes:
        side_px: side of that square in pixels of the photo.
        blur_px: width of the blur that its edges seem to have, in pixels of the models' 48.
        noise: grey levels of noise.
        contrast: standard deviation of the grey levels.
        brightness: mean grey level, 0..255.
        clipped_share: share of pixels that are black or white, 0..1.
        turn: how far the nose is off the middle of the eyes, in eye distances; None if unknown.
        inside_share: share of the square that lies in the photo, 0..1.
    """

    side_px: float
    blur_px: float
    noise: float
    contrast: float
    brightness: float
    clipped_share: float
    turn: float | None
    inside_share: float


@dataclass(frozen=True)
class FaceQuality:
    """How good the picture of a face is (core.expression.quality).

    Attributes:
        score: 0..1; at 0.8 a face is judged right 0.8 times as often as a clear one.
        flaw: what lowers it most, such as "blurred"; None where nothing does.
        measures: what it was made of.

    Examples:
        >>> from core.config import ROOT
        >>> from core.expression.quality import load_quality_model
        >>> unsharp = FaceMeasures(
        ...     side_px=90, blur_px=3.0, noise=1.0, contrast=50, brightness=120,
        ...     clipped_share=0.0, turn=0.05, inside_share=1.0,
        ... )
        >>> load_quality_model("mien-fast", ROOT / "models").judge(unsharp).flaw
        'blurred'
    """

    score: float
    flaw: str | None
    measures: FaceMeasures


@dataclass(frozen=True, eq=False)
class FaceAnalysis:
    """One face with what was read from it.

    Attributes:
        face: where it is, in pixels of the full image.
        landmarks: its points; None where they were not looked for or not found.
        answer: what people would say of it.
        quality: None where the expression model has no measure of it.

    Examples:
        >>> small = Face(Box(10, 20, 22, 36), 0.98, np.empty((0, 2)), "yunet")
        >>> seen = FaceAnalysis(small, None, TOO_SMALL)  # 16 pixels high
        >>> print(seen.scores, seen.answer.top, seen.answer.agreed)
        None None False
    """

    face: Face
    landmarks: Landmarks | None
    answer: Answer
    quality: FaceQuality | None = None

    @property
    def scores(self) -> EmotionScores | None:
        """The answer's; None for a face that is too small to be judged."""
        return self.answer.scores


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that came out of one image.

    Attributes:
        size_wh: width and height of the image in pixels.
        faces: in reading order: rows from top to bottom, each from left to right; () for none.
        model_id: id of the expression model.
        detector: name of the detector.
        timings_ms: step -> milliseconds, in the order in which they ran.

    Examples:
        >>> face = Face(Box(40, 8, 60, 28), 0.9, np.empty((0, 2)), "yunet", turned_degrees=90)
        >>> found = Analysis((80, 40), (FaceAnalysis(face, None, TOO_SMALL),), "m", "yunet", {})
        >>> found.turned_degrees  # the photo lies on its side; boxes are those of the file
        90
    """

    size_wh: tuple[int, int]
    faces: tuple[FaceAnalysis, ...]
    model_id: str
    detector: str
    timings_ms: dict[str, float]

    @property
    def turned_degrees(self) -> int:
        """How far the photo stands turned clockwise, as its faces have it; 0 without faces."""
        return self.faces[0].face.turned_degrees if self.faces else 0
