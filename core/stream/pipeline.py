"""Frames of one video in, tracked faces with smoothed scores out."""

import itertools
import time
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np

from core.detection import FaceDetector
from core.detection.scaling import moved, shrink
from core.expression.classify import EmotionClassifier
from core.expression.quality import QualityModel, measure_face
from core.stream.cadence import CadenceRules, Costs
from core.stream.frames import StreamFrame, TrackedFace
from core.stream.motion import Grey, follow
from core.stream.smoothing import SmoothedScores, SmoothingRules, smooth
from core.stream.tracking import Track, TrackingRules, move, update
from core.types import Face, ImageRGB, check_image_rgb

# Faces are found and followed at this size at most; they are cut out of the full frame.
_WORK_SIDE_PX: Final = 640

# Sides of one picture, in whole pixels, have about one ratio at any size.
_MAX_STRETCH: Final = 1.03

# A longer gap between two frames counts as this much for tracking: while nobody looked, because
# the machine or the network stood still, a face was not seen to be gone.
_MAX_LOOK_GAP_S: Final = 0.2


@dataclass(frozen=True)
class StreamRules:
    """All choices of a stream.

    Attributes:
        smoothing: of scores and labels.
        tracking: of which face is which.
        cadence: of how often faces are looked for, and not only followed.

    Examples:
        >>> patient = StreamRules(tracking=TrackingRules(coast_s=2.0))
        >>> patient.tracking.coast_s, patient.smoothing.time_constant_s  # seconds
        (2.0, 0.3)
    """

    smoothing: SmoothingRules = field(default_factory=SmoothingRules)
    tracking: TrackingRules = field(default_factory=TrackingRules)
    cadence: CadenceRules = field(default_factory=CadenceRules)


class StreamAnalyzer:
    """Analyses the frames of one video in their order.

    Not safe for several threads: a stream has one analyzer, and whoever feeds it does so from
    one thread at a time. Detector and classifier are shared by all streams and lock themselves.
    Memory is bounded: it keeps one grey frame and what is known of the faces in it.

    Faces lower than `min_face_px` (height of the box) are followed but not judged. `quality` is
    what the classifier makes of poor pictures; None takes all for clear ones.

    Examples:
        >>> from core.analyzer import create_analyzer
        >>> from core.config import ROOT
        >>> from core.pictures.images import decode_image
        >>> frame = decode_image((ROOT / "samples" / "astronaut.jpg").read_bytes()).image_rgb
        >>> parts = create_analyzer(ROOT / "models", model_id="mien-fast", detector="yunet")
        >>> stream = StreamAnalyzer(parts.detector, parts.classifier)
        >>> seen = [stream.process(frame, t_s) for t_s in (0.0, 0.1, 0.2)]
        >>> [face.id for face in seen[-1].faces]
        [1]
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: EmotionClassifier,
        *,
        rules: StreamRules | None = None,
        min_face_px: int = 24,
        quality: QualityModel | None = None,
    ) -> None:
        self.quality = quality
        self.detector, self.classifier = detector, classifier
        self.rules = rules or StreamRules()
        self.min_face_px = min_face_px
        self.costs = Costs()
        self._tracks: tuple[Track, ...] = ()
        self._scores: dict[int, SmoothedScores] = {}
        self._before: Grey | None = None
        self._before_wh = (0, 0)  # of the whole frame that `_before` was shrunk from
        self._last_t_s: float | None = None
        self._looked_s = 0.0  # the clock of the tracks
        self._since_detection, self._n_frames = 0, 0
        self._numbers, self._keys = itertools.count(1), itertools.count()

    def afresh(self) -> "StreamAnalyzer":
        """Another one over the same parts and rules, that has seen nothing yet."""
        return StreamAnalyzer(
            self.detector,
            self.classifier,
            rules=self.rules,
            min_face_px=self.min_face_px,
            quality=self.quality,
        )

    def process(self, image_rgb: ImageRGB, t_s: float) -> StreamFrame:
        """Analyse the frame (height, width, 3) of time `t_s`, which is later than those before.

        Raises:
            InvalidImageArrayError: if the array is no image.
        """
        height, width = check_image_rgb(image_rgb).shape[:2]
        started = time.perf_counter()
        if self._last_t_s is not None:
            self._looked_s += min(max(t_s - self._last_t_s, 0.0), _MAX_LOOK_GAP_S)
        small, scale = _shrunk(image_rgb)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        self._fit_to((width, height), grey)
        self._follow(grey, scale)
        followed = time.perf_counter()
        detects = self._must_detect()
        if detects:
            self._detect(small, scale)
        detected = time.perf_counter()
        self._classify(image_rgb, t_s)
        ended = time.perf_counter()
        self._since_detection = 0 if detects else self._since_detection + 1
        self._before, self._before_wh = grey, (width, height)
        timings_ms = {
            "follow": round((followed - started) * 1000, 3),
            "detect": round((detected - followed) * 1000, 3),
            "classify": round((ended - detected) * 1000, 3),
        }
        self._note_costs(timings_ms, detects, t_s)
        frame = StreamFrame(
            self._n_frames, t_s, (width, height), self._faces(), detects, timings_ms
        )
        self._n_frames += 1
        return frame

    def _fit_to(self, size_wh: tuple[int, int], grey: Grey) -> None:
        """Places and the frame before in this frame's size, which follows the network's speed."""
        if self._before is None or self._before_wh == size_wh:
            return
        factors = [now / before for now, before in zip(size_wh, self._before_wh, strict=True)]
        if max(factors) / min(factors) > _MAX_STRETCH:  # a camera that was turned, another one
            self._before = None
            return
        self._before = np.asarray(cv2.resize(self._before, grey.shape[::-1]), np.uint8)
        self._tracks = tuple(
            replace(track, face=moved(track.face, 1 / factors[0])) for track in self._tracks
        )

    def _follow(self, grey: Grey, scale: float) -> None:
        before = self._before
        if before is None:  # places mean nothing any more
            self._tracks, self._since_detection = (), 10**9
            return
        boxes = [follow(before, grey, track.face.box.scaled(scale)) for track in self._tracks]
        self._tracks = move(
            self._tracks, [None if box is None else box.scaled(1 / scale) for box in boxes]
        )

    def _must_detect(self) -> bool:
        if self._since_detection + 1 >= self.costs.detect_every(self.rules.cadence):
            return True
        # A face that was lost, or seen once, is worth a look out of turn.
        fresh = any(track.id is None for track in self._tracks)
        lost = any(track.lost for track in self._tracks)
        return fresh or (lost and self._since_detection >= 1)

    def _detect(self, small: ImageRGB, scale: float) -> None:
        found = [moved(face, scale) for face in self.detector.detect(small)]
        self._tracks = update(
            self._tracks, found, self._looked_s, self.rules.tracking, self._numbers, self._keys
        )
        alive = {track.key for track in self._tracks}
        self._scores = {key: value for key, value in self._scores.items() if key in alive}

    def _classify(self, image_rgb: ImageRGB, t_s: float) -> None:
        card = self.classifier.card
        judged = [track for track in self._tracks if self._can_judge(track)]
        faces = [track.face for track in judged]
        batch = card.face_input.batch(image_rgb, faces, self.detector.box_geometry)
        scores = self.classifier.scores(batch)
        for track, raw in zip(judged, scores, strict=True):
            self._scores[track.key] = smooth(
                self._scores.get(track.key),
                raw,
                t_s,
                self.rules.smoothing,
                self.classifier.conformal,
                self._quality(image_rgb, track.face),
            )

    def _quality(self, image_rgb: ImageRGB, face: Face) -> float | None:
        if self.quality is None:
            return None
        return self.quality.score(measure_face(image_rgb, face, self.detector.box_geometry))

    def _can_judge(self, track: Track) -> bool:
        return not track.lost and track.face.box.size_wh[1] >= self.min_face_px

    def _faces(self) -> tuple[TrackedFace, ...]:
        shown = [track for track in self._tracks if track.id is not None and not track.lost]
        return tuple(
            TrackedFace(
                track.id,
                track.face.box,
                self._scores.get(track.key) if self._can_judge(track) else None,
            )
            for track in sorted(shown, key=lambda track: track.id or 0)
            if track.id is not None
        )

    def _note_costs(self, timings_ms: dict[str, float], detects: bool, t_s: float) -> None:
        interval_ms = None if self._last_t_s is None else (t_s - self._last_t_s) * 1000
        # The first frame pays for planning and warming up, which says nothing of the next.
        if self._last_t_s is not None:
            self.costs = self.costs.measured(
                detect_ms=timings_ms["detect"] if detects else None,
                other_ms=timings_ms["follow"] + timings_ms["classify"],
                interval_ms=interval_ms,
            )
        self._last_t_s = t_s


def _shrunk(image_rgb: ImageRGB) -> tuple[ImageRGB, float]:
    """The frame at working size, and by what it was scaled (at most 1)."""
    small, _ = shrink(image_rgb, _WORK_SIDE_PX)
    return small, max(small.shape[:2]) / max(image_rgb.shape[:2])
