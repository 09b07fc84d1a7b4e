"""Detector, landmarker and classifier put together: an image in, an `Analysis` out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.classify import EmotionClassifier
from core.detection import FaceDetector, create_detector
from core.landmarks import FaceLandmarker
from core.types import Analysis, Face, FaceAnalysis, ImageRGB, Landmarks, check_image_rgb


class Analyzer:
    """Analyses images. One instance serves all users of a process.

    Thread safety: an `Analyzer` keeps nothing of an image between calls. Each native object
    (detector, landmarker, interpreter) holds a lock of its own around its native call, so that
    calls from many threads interleave step by step: while one image is in the classifier the
    next is in the detector. No lock is held while another is taken, so they cannot deadlock.

    Args:
        detector: finds the faces.
        classifier: scores them, all in one batch.
        landmarker: adds points and blendshapes; None leaves that step out.
        min_face_px: lower faces (height of the box) are reported but not judged.
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: EmotionClassifier,
        landmarker: FaceLandmarker | None,
        *,
        min_face_px: int = 24,
    ) -> None:
        """Keep the parts."""
        self.detector, self.classifier, self.landmarker = detector, classifier, landmarker
        self.min_face_px = min_face_px

    def analyze(self, image_rgb: ImageRGB) -> Analysis:
        """Find and score all faces of `image_rgb`, uint8 (height, width, 3).

        Faces come from left to right. None found is a normal result with `faces == ()`.

        Raises:
            InvalidImageArrayError: if the array is no such image.
        """
        height, width = check_image_rgb(image_rgb).shape[:2]
        timings_ms: dict[str, float] = {}
        with _timed(timings_ms, "detect"):
            found = self.detector.detect(image_rgb)
        faces = tuple(sorted(found, key=lambda face: face.box.centre_xy))
        big = [face for face in faces if face.box.size_wh[1] >= self.min_face_px]
        with _timed(timings_ms, "landmarks"):
            landmarks = self._landmarks(image_rgb, big)
        card = self.classifier.card
        with _timed(timings_ms, "input"):
            batch = card.face_input.batch(image_rgb, big, self.detector.box_geometry)
        with _timed(timings_ms, "classify"):
            scores = self.classifier.scores(batch)
        judged = {
            id(face): FaceAnalysis(
                face, points, score, score.is_uncertain(card.calibration.uncertain_threshold)
            )
            for face, points, score in zip(big, landmarks, scores, strict=True)
        }
        return Analysis(
            size_wh=(width, height),
            faces=tuple(judged.get(id(f)) or FaceAnalysis(f, None, None, True) for f in faces),
            model_id=card.id,
            detector=self.detector.name,
            timings_ms=timings_ms,
        )

    def _landmarks(self, image_rgb: ImageRGB, faces: list[Face]) -> tuple[Landmarks | None, ...]:
        if self.landmarker is None:
            return (None,) * len(faces)
        return self.landmarker.landmarks(image_rgb, faces)


def create_analyzer(
    models_dir: Path,
    *,
    model_id: str,
    detector: str,
    min_face_px: int = 24,
    with_landmarks: bool = True,
) -> Analyzer:
    """Load everything an `Analyzer` needs from `models_dir`.

    Raises:
        UnknownModelError, UnknownDetectorError: for names that do not exist.
        ModelError: for files that are missing, damaged or altered.
    """
    classifier = EmotionClassifier.load(model_id, models_dir)
    landmarker = None
    if with_landmarks:
        landmarker = FaceLandmarker(models_dir / "face_landmarker" / "face_landmarker.task")
    return Analyzer(
        create_detector(detector, models_dir), classifier, landmarker, min_face_px=min_face_px
    )


@contextmanager
def _timed(timings_ms: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings_ms[step] = round((time.perf_counter() - started) * 1000, 3)
