"""Which parts of a face drove its score: cover one region after another and see what changes.

Occlusion sensitivity (Zeiler and Fergus 2014) with the regions of the landmark mesh in place of
a sliding square. Effects of regions do not add up: the network may need one of two, or both.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.landmarks.schemes import MESH
from core.pictures.alignment import moved, square_matrix
from core.pictures.face_input import EyesMouth, FaceInput
from core.types import Face, FloatArray, ImageRGB, Landmarks, check_image_rgb

SURROUNDINGS: Final = "outside the face"

# Region -> points of the mesh whose convex hull it is, and by how much the hull is enlarged: an
# eye is more than its opening. "Right" is the person's right.
# fmt: off
_HULLS: Final[dict[str, tuple[tuple[int, ...], float]]] = {
    "forehead": ((10, 338, 297, 332, 284, 298, 333, 299, 151, 69, 104, 68, 54, 103, 67, 109), 1.0),
    "right brow": ((70, 63, 105, 66, 107, 46, 53, 52, 65, 55), 1.15),
    "left brow": ((300, 293, 334, 296, 336, 276, 283, 282, 295, 285), 1.15),
    "right eye": ((33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
                  1.45),
    "left eye": ((263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
                 1.45),
    "nose": ((168, 122, 351, 129, 358, 98, 327, 2, 4, 48, 278), 1.05),
    "right cheek": ((116, 117, 118, 119, 100, 36, 205, 207, 187, 147, 123), 1.0),
    "left cheek": ((345, 346, 347, 348, 329, 266, 425, 427, 411, 376, 352), 1.0),
    "mouth": ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405,
               321, 375), 1.2),
    "chin": ((136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 424, 204, 18), 1.0),
}
_OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
REGIONS: Final = (*_HULLS, SURROUNDINGS)
# A network that has learned with erased squares often finds in one part what another had shown;
# so parts are covered together as well.
TOGETHER: Final[dict[str, tuple[str, ...]]] = {
    "eyes and brows": ("right brow", "left brow", "right eye", "left eye"),
    "mouth, chin and cheeks": ("mouth", "chin", "right cheek", "left cheek"),
}
WEAK: Final = 0.05  # a part that costs less of the score does not carry it
_INPAINT_RADIUS_PX: Final = 3
# cv2's drawing takes whole pixels; with this many fractional bits it takes 1/16 of one.
_SHIFT: Final = 4


@dataclass(frozen=True, eq=False)
class RegionEffect:
    """What one of `REGIONS` does for the score: the score (0..1) less the score without it.

    Above 0 the region speaks for the expression, below 0 against it; `without` leads without it.
    The outline is (n, 2) in pixels of the image; the face's oval for `SURROUNDINGS`.
    """

    region: str
    effect: float
    without: str
    outline_xy: FloatArray


@dataclass(frozen=True, eq=False)
class Explanation:
    """Effects on the score (0..1) of `emotion`, strongest first: of `REGIONS`, and of `TOGETHER`.

    The outline of the latter is the hull of their parts.

    Examples:
        >>> outline_xy = np.zeros((3, 2), np.float32)
        >>> mouth = RegionEffect("mouth", 0.6, "neutral", outline_xy)
        >>> nose = RegionEffect("nose", -0.1, "happy", outline_xy)
        >>> found = Explanation("happy", 0.9, (mouth, nose))
        >>> [(part.region, part.without) for part in found.flips]
        [('mouth', 'neutral')]
    """

    emotion: str
    score: float
    effects: tuple[RegionEffect, ...]
    together: tuple[RegionEffect, ...] = ()

    @property
    def flips(self) -> tuple[RegionEffect, ...]:
        """Regions without which another expression would lead."""
        return tuple(effect for effect in self.effects if effect.without != self.emotion)


def explain(
    image_rgb: ImageRGB,
    face: Face,
    landmarks: Landmarks,
    classifier: EmotionClassifier,
    box_geometry: EyesMouth,
    *,
    emotion: str | None = None,
) -> Explanation:
    """Cover each region of one face in turn; one batch through the network.

    Raises:
        ValueError: if `landmarks` is no mesh or `emotion`, by default the leading one, is unknown.

    Examples:
        >>> from core.analyzer import create_analyzer
        >>> from core.config import ROOT
        >>> from core.pictures.images import decode_image
        >>> parts = create_analyzer(ROOT / "models", model_id="mien-fast", detector="yunet")
        >>> photo = decode_image((ROOT / "samples" / "astronaut.jpg").read_bytes()).image_rgb
        >>> (seen,) = parts.analyze(photo).faces
        >>> boxes = parts.detector.box_geometry
        >>> explain(photo, seen.face, seen.landmarks, parts.classifier, boxes).emotion
        'happy'
    """
    if landmarks.scheme != MESH:
        raise ValueError(f"regions need {MESH} points, got {landmarks.scheme}")
    face_input = classifier.card.face_input
    square = face_input.square(face.box, box_geometry)
    crop = face_input.crop(check_image_rgb(image_rgb), square)
    to_crop = square_matrix(square, face_input.size_px)
    outlines = region_outlines(landmarks.points_xy)
    masks = region_masks({n: moved(o, to_crop) for n, o in outlines.items()}, face_input)
    by_name = dict(zip(outlines, masks, strict=True))
    for name, parts in TOGETHER.items():
        by_name[name] = np.maximum.reduce([by_name[part] for part in parts])
        outlines[name] = _hull(np.concatenate([outlines[part] for part in parts]))
    covered = [cover(crop, mask) for mask in by_name.values()]
    batch = face_input.normalise(np.stack([crop, *covered]))
    return _effects(classifier.probabilities(batch), outlines, emotion)


def _effects(
    probabilities: FloatArray, outlines: dict[str, NDArray[np.float64]], emotion: str | None
) -> Explanation:
    """Probabilities (1 + n, 7) of the face and of its n covered copies, in the outlines' order."""
    label = int(probabilities[0].argmax()) if emotion is None else EMOTIONS.index(emotion)
    score = float(probabilities[0, label])
    effects = [
        RegionEffect(
            name,
            score - float(row[label]),
            EMOTIONS[int(row.argmax())],
            outline.astype(np.float32),
        )
        for (name, outline), row in zip(outlines.items(), probabilities[1:], strict=True)
    ]
    effects.sort(key=lambda effect: -abs(effect.effect))
    return Explanation(
        EMOTIONS[label],
        score,
        effects=tuple(effect for effect in effects if effect.region in REGIONS),
        together=tuple(effect for effect in effects if effect.region in TOGETHER),
    )


def region_outlines(mesh_xy: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """Outline (n, 2) of each of `REGIONS` for a mesh (478, 2), in the mesh's coordinates."""
    points = np.asarray(mesh_xy, np.float64)
    outlines = {}
    for name, (numbers, factor) in _HULLS.items():
        hull = _hull(points[list(numbers)])
        middle = hull.mean(axis=0)
        outlines[name] = np.asarray(middle + factor * (hull - middle), np.float64)
    outlines[SURROUNDINGS] = points[list(_OVAL)]
    return outlines


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.convexHull(points.astype(np.float32)).reshape(-1, 2), np.float64)


def region_masks(
    outlines: dict[str, NDArray[np.float64]], face_input: FaceInput
) -> list[NDArray[np.uint8]]:
    """A mask (size_px, size_px) of 0 and 255 for each outline given in pixels of the crop."""
    masks = []
    for name, outline in outlines.items():
        mask = np.zeros((face_input.size_px,) * 2, np.uint8)
        # Points far outside (a face at the border) must not overflow OpenCV's integers.
        corners = np.clip(outline - 0.5, -1000, 1000) * (1 << _SHIFT)
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255, shift=_SHIFT)
        masks.append(np.asarray(255 - mask if name == SURROUNDINGS else mask, np.uint8))
    return masks


def cover(crop: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The crop (s, s, c) with the masked pixels filled in from around them, same shape.

    What lies around the whole face has nothing around itself, so it gets the crop's mean.
    """
    if not mask.any():
        return crop
    if mask[0].all() or mask[-1].all() or mask[:, 0].all() or mask[:, -1].all():
        filled = crop.copy()
        inside = crop[mask == 0] if (mask == 0).any() else crop.reshape(-1, crop.shape[2])
        filled[mask > 0] = np.round(inside.mean(axis=0)).astype(np.uint8)
        return filled
    plane = crop[..., 0] if crop.shape[2] == 1 else crop
    inpainted = cv2.inpaint(
        np.ascontiguousarray(plane), mask, _INPAINT_RADIUS_PX, cv2.INPAINT_TELEA
    )
    return np.asarray(inpainted, np.uint8).reshape(crop.shape)
