"""dlib's two face detectors, an optional extra: HOG (Dalal and Triggs 2005) and MMOD.

MMOD is a small network trained by max-margin object detection (King 2015, arXiv 1502.00046); on
a processor it takes seconds for a photo.
"""

from pathlib import Path
from typing import Any

from core.detection.calibration import CalibratedDetector, Scored
from core.detection.dlib_extra import load_dlib, models_folder
from core.types import ImageRGB

# Both were trained on faces of 80 px; doubling the picture once brings that to 40 px.
_UPSAMPLE_TIMES = 1
_LOWEST_HOG_SCORE = -0.6


class DlibHogDetector(CalibratedDetector):
    """`dlib.get_frontal_face_detector`: frontal faces of at least 40 px."""

    name = "dlib-hog"

    def __init__(self, folder: Path, **options: Any) -> None:
        """Load the detector; raises ModelError without the extra."""
        self._detector = load_dlib().get_frontal_face_detector()
        super().__init__(folder, **options)

    def _find(self, image_rgb: ImageRGB) -> Scored:
        found, scores, _ = self._detector.run(image_rgb, _UPSAMPLE_TIMES, _LOWEST_HOG_SCORE)
        return [(_corners(box), score) for box, score in zip(found, scores, strict=True)]


class DlibMmodDetector(CalibratedDetector):
    """`mmod_human_face_detector.dat`: a network, slow on a processor."""

    name = "dlib-mmod"

    def __init__(self, folder: Path, **options: Any) -> None:
        """Load the network; raises ModelError without the extra."""
        file = models_folder() / "mmod_human_face_detector.dat"
        self._detector = load_dlib().cnn_face_detection_model_v1(str(file))
        super().__init__(folder, **options)

    def _find(self, image_rgb: ImageRGB) -> Scored:
        found = self._detector(image_rgb, _UPSAMPLE_TIMES)
        return [(_corners(one.rect), one.confidence) for one in found]


def _corners(box: Any) -> tuple[int, ...]:
    """Of a `dlib.rectangle`, whose right and bottom are the last pixels inside."""
    return (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
