"""Analyse a video clip from beginning to end: the use-case of the Webcam page and `mien analyze`.

Also what a video leaves to take home, live or clip: its rows as CSV, all of it as JSON.
"""

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.config import Settings
from core.detection import FaceDetector
from core.detection.upright import UprightDetector, standing_out
from core.drawing.video import draw_faces
from core.emotions import EMOTIONS
from core.errors import MienError
from core.expression.classify import EmotionClassifier
from core.expression.quality import load_quality_model
from core.pictures.quarter_turns import turn_back
from core.pictures.video import ClipFrame, ClipInfo, ClipLimits
from core.pictures.video_process import IsolatedClip
from core.stream import SmoothingRules, StreamAnalyzer, StreamFrame, StreamRules
from core.stream.timeline import FaceSummary, Timeline, TimelineRow, row_dict, summary_dict
from core.types import ImageRGB
from services.analysis.photos import BOX_COLUMNS, turned_note

NO_FACE = (
    "No face was found in this video: please choose one in which faces are upright, "
    "well lit and not small."
)
ONE_FRAME = (
    "This video has one picture only, and a face is told from an error by its second one: please "
    "take it as a photo."
)

MAX_ALL_ROWS: Final = 300_000  # of `every_frame`: some 200 MB
_PROBE_EVERY_S: Final = 0.5
_FEWEST_PROBES: Final = 2
_MOST_PROBES: Final = 40

Progress = Callable[[float, float], None]


@dataclass(frozen=True, eq=False)
class ClipResult:
    """What came of one clip: what was analysed of it, or the reason for a refusal.

    `key_frame_rgb` is the first frame with the most faces, boxes drawn; None without faces.
    """

    name: str
    info: ClipInfo | None
    duration_s: float
    n_frames: int
    faces: tuple[FaceSummary, ...]
    rows: tuple[TimelineRow, ...]
    key_frame_rgb: ImageRGB | None
    elapsed_s: float
    notes: tuple[str, ...]
    error: MienError | None

    @classmethod
    def refused(cls, name: str, error: MienError) -> "ClipResult":
        """A clip of which nothing was analysed, and why."""
        return cls(name, None, 0.0, 0, (), (), None, 0.0, (), error)


def clip_limits(settings: Settings) -> ClipLimits:
    """The limits that the settings name."""
    return ClipLimits(max_bytes=settings.max_clip_bytes, max_seconds=settings.max_clip_seconds)


def stream_analyzer(
    detector: FaceDetector,
    classifier: EmotionClassifier,
    settings: Settings,
    smoothing: SmoothingRules | None = None,
) -> StreamAnalyzer:
    """A new analyzer for one video over shared parts; making one costs nothing."""
    rules = StreamRules(smoothing=smoothing or SmoothingRules())
    return StreamAnalyzer(
        detector,
        classifier,
        rules=rules,
        min_face_px=settings.min_face_px,
        quality=load_quality_model(classifier.card.id, settings.models_dir),
    )


def analyse_clip(
    name: str,
    source: Path | bytes,
    analyzer: StreamAnalyzer,
    limits: ClipLimits,
    progress: Progress | None = None,
    *,
    every_frame: bool = False,
    let_others: Callable[[], None] = lambda: None,
) -> ClipResult:
    """Decode and analyse one clip frame by frame; a refusal is a result, not an exception.

    A clip whose faces lie on their side or stand on their head is turned, as photos are. The
    analyzer is a fresh one, for its numbers of faces begin with this clip. `progress` is called
    with the seconds done and the seconds there are (0 where unknown), `let_others` several times a
    second, to hand on a turn for which others wait. With `every_frame` a row is kept of each frame
    instead of ten a second.
    """
    started = time.perf_counter()
    finder, degrees = _TurnFinder(analyzer.detector), 0
    try:
        while True:
            run = _Run(analyzer.afresh(), degrees, finder, every_frame)
            with IsolatedClip(source, limits, let_others) as clip:
                for frame in clip.frames():
                    run.add(frame)
                    let_others()
                    if progress is not None and run.timeline.n_frames % 5 == 1:
                        progress(frame.t_s, clip.info.duration_s or 0.0)
                    if finder.degrees != degrees:
                        break
            if finder.degrees == degrees:
                break
            degrees = finder.degrees  # from the beginning, turned
        return run.result(name, clip, time.perf_counter() - started)
    except MienError as error:
        return ClipResult.refused(name, error)
    except MemoryError:
        return ClipResult.refused(
            name, MienError("This video needs more memory than there is; please shrink it.")
        )


class _Run:
    """One way through a clip, turned back by `degrees`."""

    def __init__(
        self, analyzer: StreamAnalyzer, degrees: int, finder: "_TurnFinder", every_frame: bool
    ) -> None:
        self._analyzer, self._degrees, self._finder = analyzer, degrees, finder
        rows: dict[str, Any] = {"max_rows": MAX_ALL_ROWS, "row_every_s": 0.0}
        self.timeline = Timeline(is_clip=True, **(rows if every_frame else {}))
        self._best: tuple[ImageRGB, StreamFrame] | None = None

    def add(self, frame: ClipFrame) -> None:
        image_rgb = turn_back(frame.image_rgb, self._degrees)
        analysed = self._analyzer.process(image_rgb, frame.t_s)
        self._finder.look(image_rgb, frame.t_s)
        self.timeline.add(analysed)
        if len(analysed.faces) > (0 if self._best is None else len(self._best[1].faces)):
            # A copy: the clip's next frame takes the place of this one.
            self._best = image_rgb.copy(), analysed

    def result(self, name: str, clip: IsolatedClip, elapsed_s: float) -> ClipResult:
        faces, notes = tuple(self.timeline.summaries()), [*clip.notes]
        if self._degrees:
            notes.insert(0, turned_note("video", self._degrees))
        if not faces:
            notes.insert(0, ONE_FRAME if self.timeline.n_frames == 1 else NO_FACE)
        if self.timeline.is_thinned:
            notes.append(
                f"Only one row every {self.timeline.row_every_s:.1f} s is kept, or there would be "
                f"more than {self.timeline.max_rows:,}; `mien analyze --csv --every-frame` writes "
                "more. Summaries count every frame."
            )
        return ClipResult(
            name=name,
            info=clip.info,
            duration_s=self.timeline.duration_s,
            n_frames=self.timeline.n_frames,
            faces=faces,
            rows=tuple(self.timeline.rows()),
            key_frame_rgb=self._best and draw_faces(self._best[0], self._best[1].faces),
            elapsed_s=elapsed_s,
            notes=tuple(notes),
            error=None,
        )


class _TurnFinder:
    """Looks now and then how a clip stands, until an upright face is seen with certainty.

    One frame may mislead, so that what speaks for each position is added up over some.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._upright = UprightDetector(detector)
        self._evidence = dict.fromkeys((0, 90, 180, 270), 0.0)
        self._next_s, self._n_left = 0.0, _MOST_PROBES
        self.degrees = 0

    def look(self, image_rgb: ImageRGB, t_s: float) -> None:
        """Look at the frame if it is time to; afterwards `degrees` may have become another."""
        if t_s < self._next_s or self._n_left == 0:
            return
        self._next_s = t_s + _PROBE_EVERY_S
        self._n_left -= 1
        if self._upright.is_upright(self._upright.detector.detect(image_rgb)):
            self._n_left = 0
            return
        for degrees, amount in self._upright.evidence(image_rgb).items():
            self._evidence[degrees] += amount
        n_probes = _MOST_PROBES - self._n_left
        if n_probes >= _FEWEST_PROBES and (found := standing_out(self._evidence)):
            self.degrees, self._n_left = found, 0


CSV_COLUMNS = ("t_s", "face", *BOX_COLUMNS, "top", "labels", "uncertain", *EMOTIONS, "every_s")


def rows_csv(rows: Sequence[TimelineRow]) -> str:
    """One row a face and time; cells of faces that were too small to be judged are empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row_dict(row) for row in rows)
    return buffer.getvalue()


def video_dict(
    faces: Sequence[FaceSummary],
    rows: Sequence[TimelineRow],
    *,
    duration_s: float,
    n_frames: int,
    about: dict[str, Any],
) -> dict[str, Any]:
    """A live session or a clip as plain values; `about` names model, detector and the like."""
    return {
        **about,
        "duration_s": round(duration_s, 3),
        "frames": n_frames,
        "faces": [summary_dict(face) for face in faces],
        "timeline": [row_dict(row) for row in rows],
    }


def video_json(*args: Any, **options: Any) -> str:
    """`video_dict` as text."""
    return json.dumps(video_dict(*args, **options), indent=1, ensure_ascii=False)


def clip_dict(result: ClipResult, *, model_id: str, detector: str) -> dict[str, Any]:
    """One object of `mien analyze clip.mp4 --json`, the same that the page offers."""
    info, error = result.info, result.error
    about = {
        "file": result.name,
        "model": model_id,
        "detector": detector,
        "codec": None if info is None else info.codec,
        "width": None if info is None else info.size_wh[0],
        "height": None if info is None else info.size_wh[1],
        "elapsed_s": round(result.elapsed_s, 3),
        "notes": list(result.notes),
        "error": None if error is None else {"kind": error.kind, "message": str(error)},
    }
    return video_dict(
        result.faces,
        result.rows,
        duration_s=result.duration_s,
        n_frames=result.n_frames,
        about=about,
    )
