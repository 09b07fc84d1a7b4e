"""Photos that lie on their side or stand on their head: found out by the faces, and turned.

Where no face is found with certainty, a small copy of the photo is looked at in all four
positions, and the one in which faces stand out most is taken, if it stands out enough.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from core.detection.base import FaceDetector
from core.detection.scaling import shrink
from core.pictures.quarter_turns import turn_back, turn_face, turned_size
from core.types import Face, ImageRGB, check_image_rgb

# Chosen on 207 photos of WIDER FACE's train part and 330 of HELEN, each in four positions.
_PROBE_SIDE_PX: Final = 480
_LEAD: Final = 1.1  # how many times the upright position's evidence another one needs
# In units of the way from the detector's threshold to full confidence:
_SURE: Final = 2 / 3  # a face this far up is not doubted
_ENOUGH: Final = 0.1  # less evidence than this turns no photo


class UprightDetector:
    """A detector that also finds the faces of photos that are turned by a quarter or a half.

    Their boxes and points are in pixels of the photo as it was given; `turned_degrees` says how
    far it stands turned, the same for all faces of a photo. `probe`, or `inner` itself, looks at
    the small copies.
    """

    def __init__(self, inner: FaceDetector, probe: FaceDetector | None = None) -> None:
        self.detector, self._probe = inner, probe or inner
        self.name, self.threshold = inner.name, inner.threshold
        self.box_geometry = inner.box_geometry

    def detect(self, image_rgb: ImageRGB) -> tuple[Face, ...]:
        """See `FaceDetector.detect`."""
        faces = self.detector.detect(image_rgb)
        if self.is_upright(faces):
            return faces
        degrees = self.turned_degrees(image_rgb)
        if degrees == 0:
            return faces
        height, width = image_rgb.shape[:2]
        size_wh = turned_size((width, height), degrees)
        found = self.detector.detect(turn_back(image_rgb, degrees))
        return tuple(turn_face(face, size_wh, 360 - degrees) for face in found)

    def turned_degrees(self, image_rgb: ImageRGB) -> int:
        """How far the photo seems to stand turned clockwise; 0 where in doubt."""
        return standing_out(self.evidence(image_rgb))

    def evidence(self, image_rgb: ImageRGB) -> dict[int, float]:
        """Degrees (0, 90, 180, 270) -> how much speaks for the photo being turned so far."""
        small_rgb, _ = shrink(check_image_rgb(image_rgb), _PROBE_SIDE_PX)
        return {
            degrees: sum(map(self._evidence, self._probe.detect(turn_back(small_rgb, degrees))))
            for degrees in (0, 90, 180, 270)
        }

    def is_upright(self, faces: Iterable[Face]) -> bool:
        """Whether one of the faces, found in the photo as it stands, is not doubted."""
        return any(self._evidence(face) >= _SURE for face in faces)

    def _evidence(self, face: Face) -> float:
        """How far the confidence is on its way from the threshold to 1."""
        return (face.confidence - self.threshold) / max(1 - self.threshold, 1e-6)


def standing_out(evidence: Mapping[int, float]) -> int:
    """The position for which most speaks, 0 (upright) where it does not stand out."""
    best = max(evidence, key=lambda degrees: evidence[degrees])
    stands_out = evidence[best] > max(_LEAD * evidence[0], _ENOUGH)
    return best if stands_out else 0
