"""Detector, landmarker and classifier put together: an image in, an `Analysis` out."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.detection import FaceDetector, create_detector, for_photos
from core.expression.classify import EmotionClassifier
from core.expression.quality import QualityModel, load_quality_model, measure_face
from core.landmarks import FaceLandmarker
from core.pictures.quarter_turns import turn_analysed, turn_back, turn_face, turned_size
from core.types import (
    TOO_SMALL,
    Analysis,
    Face,
    FaceAnalysis,
    FaceQuality,
    ImageRGB,
    Landmarks,
    check_image_rgb,
)


class Analyzer:
    """Analyses images. One instance serves all users of a process.

    Thread safety: nothing of an image is kept between calls. Each native object (detector,
    landmarker, interpreter) has a lock of its own around its native call, so that calls from many
    threads interleave step by step.

    `landmarker` and `quality`, what the classifier makes of poor pictures, are steps that None
    leaves out; faces lower than `min_face_px` (height of the box) are reported but not judged.

    Examples:
        >>> from core.config import ROOT
        >>> from core.pictures.images import decode_image
        >>> analyzer = create_analyzer(ROOT / "models", model_id="mien-fast", detector="yunet")
        >>> photo = decode_image((ROOT / "samples" / "astronaut.jpg").read_bytes())
        >>> [face.scores.top for face in analyzer.analyze(photo.image_rgb).faces]
        ['happy']
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: EmotionClassifier,
        landmarker: FaceLandmarker | None,
        *,
        min_face_px: int = 24,
        quality: QualityModel | None = None,
    ) -> None:
        self.quality = quality
        self.detector, self.classifier, self.landmarker = detector, classifier, landmarker
        self.min_face_px = min_face_px

    def analyze(self, image_rgb: ImageRGB) -> Analysis:
        """Find and score all faces of `image_rgb`, uint8 (height, width, 3).

        Faces come in reading order. None found is a normal result with `faces == ()`.

        Raises:
            InvalidImageArrayError: if the array is no such image.
        """
        height, width = check_image_rgb(image_rgb).shape[:2]
        timings_ms: dict[str, float] = {}
        with _timed(timings_ms, "detect"):
            found = self.detector.detect(image_rgb)
        # Everything after the detector sees the photo upright; what it says is turned again.
        degrees = found[0].turned_degrees if found else 0
        upright_rgb = turn_back(image_rgb, degrees)
        upright = [turn_face(face, (width, height), degrees) for face in found if degrees]
        faces = reading_order(upright or found)
        judged = self._judge(upright_rgb, faces, timings_ms)
        if degrees:
            size_wh = turned_size((width, height), degrees)
            judged = [turn_analysed(face, size_wh, 360 - degrees) for face in judged]
        return Analysis(
            size_wh=(width, height),
            faces=tuple(judged),
            model_id=self.classifier.card.id,
            detector=self.detector.name,
            timings_ms=timings_ms,
        )

    def _judge(
        self, image_rgb: ImageRGB, faces: list[Face], timings_ms: dict[str, float]
    ) -> list[FaceAnalysis]:
        """Each of the upright faces with what is read from it, in order."""
        big = [face for face in faces if face.box.size_wh[1] >= self.min_face_px]
        with _timed(timings_ms, "landmarks"):
            landmarks = self._landmarks(image_rgb, big)
        with _timed(timings_ms, "input"):
            face_input = self.classifier.card.face_input
            batch = face_input.batch(image_rgb, big, self.detector.box_geometry)
            qualities = [self._quality(image_rgb, face) for face in big]
        with _timed(timings_ms, "classify"):
            scores = self.classifier.scores(batch)
        judged = {
            id(face): FaceAnalysis(face, points, self.classifier.answer(score, quality), quality)
            for face, points, score, quality in zip(big, landmarks, scores, qualities, strict=True)
        }
        return [judged.get(id(face)) or FaceAnalysis(face, None, TOO_SMALL) for face in faces]

    def _quality(self, image_rgb: ImageRGB, face: Face) -> FaceQuality | None:
        if self.quality is None:
            return None
        return self.quality.judge(measure_face(image_rgb, face, self.detector.box_geometry))

    def _landmarks(self, image_rgb: ImageRGB, faces: list[Face]) -> tuple[Landmarks | None, ...]:
        if self.landmarker is None:
            return (None,) * len(faces)
        return self.landmarker.landmarks(image_rgb, faces)


def reading_order(faces: Sequence[Face]) -> list[Face]:
    """Faces as one reads: rows from top to bottom, in each row from left to right.

    A face belongs to a row while its centre lies within half a face's height of the row's, where
    the larger of their heights counts.
    """
    rows: list[list[Face]] = []
    for face in sorted(faces, key=lambda face: face.box.centre_xy[1]):
        if rows and _in_row(face, rows[-1]):
            rows[-1].append(face)
        else:
            rows.append([face])
    return [face for row in rows for face in sorted(row, key=lambda face: face.box.centre_xy)]


def _in_row(face: Face, row: list[Face]) -> bool:
    n = len(row)
    centre_y = sum(other.box.centre_xy[1] for other in row) / n
    height = max(sum(other.box.size_wh[1] for other in row) / n, face.box.size_wh[1])
    return face.box.centre_xy[1] - centre_y < height / 2


def create_analyzer(
    models_dir: Path,
    *,
    model_id: str,
    detector: str,
    min_face_px: int = 24,
    with_landmarks: bool = True,
    tiles: bool = False,
) -> Analyzer:
    """Load everything an `Analyzer` needs from `models_dir`; `tiles` also finds very small faces.

    Raises:
        UnknownModelError, UnknownDetectorError: for names that do not exist.
        ModelError: for files that are missing, damaged or altered.

    Examples:
        >>> from core.config import ROOT
        >>> create_analyzer(ROOT / "models", model_id="mien-fast", detector="haar").detector.name
        'haar'
    """
    classifier = EmotionClassifier.load(model_id, models_dir)
    return Analyzer(
        for_photos(create_detector(detector, models_dir), tiles=tiles),
        classifier,
        FaceLandmarker.load(models_dir) if with_landmarks else None,
        min_face_px=min_face_px,
        quality=load_quality_model(model_id, models_dir),
    )


@contextmanager
def _timed(timings_ms: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings_ms[step] = round((time.perf_counter() - started) * 1000, 3)
