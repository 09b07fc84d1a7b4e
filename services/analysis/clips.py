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
from typing import Any

from core.config import Settings
from core.detection import FaceDetector
from core.drawing.video import draw_faces
from core.emotions import EMOTIONS
from core.errors import MienError
from core.expression.classify import EmotionClassifier
from core.expression.quality import load_quality_model
from core.pictures.video import Clip, ClipInfo, ClipLimits
from core.stream import SmoothingRules, StreamAnalyzer, StreamFrame, StreamRules
from core.stream.timeline import FaceSummary, Timeline, TimelineRow, row_dict, summary_dict
from core.types import ImageRGB

NO_FACE = (
    "No face was found in this video: please choose one in which faces are upright, "
    "well lit and not small."
)

Progress = Callable[[float, float], None]


@dataclass(frozen=True, eq=False)
class ClipResult:
    """What came of one clip, or the reason for a refusal.

    Attributes:
        name: the file's name as given.
        info: what the file says of itself; None where it was refused.
        duration_s: seconds that were analysed.
        n_frames: frames that were analysed.
        faces: each face over the whole clip.
        rows: faces over time.
        key_frame_rgb: the first frame with the most faces, boxes drawn; None without faces.
        elapsed_s: time that it took.
        notes: sentences for the user.
        error: why the clip was refused, else None.
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
) -> ClipResult:
    """Decode and analyse one clip frame by frame; a refusal is a result, not an exception.

    Args:
        name: the file's name, for the result only.
        source: a path, or the file's bytes.
        analyzer: a fresh one; its numbers of faces begin with this clip.
        limits: what is accepted.
        progress: called with the seconds done and the seconds there are (0 where unknown).
    """
    started = time.perf_counter()
    timeline, best = Timeline(), _KeyFrame()
    try:
        with Clip(source, limits) as clip:
            info = clip.info
            for frame in clip.frames():
                analysed = analyzer.process(frame.image_rgb, frame.t_s)
                timeline.add(analysed)
                best.offer(frame.image_rgb, analysed)
                if progress is not None and analysed.index % 5 == 0:
                    progress(frame.t_s, info.duration_s or 0.0)
    except MienError as error:
        return ClipResult.refused(name, error)
    except MemoryError:
        refusal = MienError("This video needs more memory than there is; please shrink it.")
        return ClipResult.refused(name, refusal)
    faces = tuple(timeline.summaries())
    return ClipResult(
        name=name,
        info=info,
        duration_s=timeline.duration_s,
        n_frames=timeline.n_frames,
        faces=faces,
        rows=tuple(timeline.rows()),
        key_frame_rgb=best.drawn(),
        elapsed_s=time.perf_counter() - started,
        notes=() if faces else (NO_FACE,),
        error=None,
    )


class _KeyFrame:
    """Remembers one frame, the first with the most faces, so that numbers can be matched."""

    def __init__(self) -> None:
        self._image_rgb: ImageRGB | None = None
        self._frame: StreamFrame | None = None

    def offer(self, image_rgb: ImageRGB, frame: StreamFrame) -> None:
        n_before = 0 if self._frame is None else len(self._frame.faces)
        if len(frame.faces) > n_before:
            self._image_rgb, self._frame = image_rgb, frame

    def drawn(self) -> ImageRGB | None:
        if self._image_rgb is None or self._frame is None:
            return None
        return draw_faces(self._image_rgb.copy(), self._frame.faces)


CSV_COLUMNS = (
    "t_s", "face", "x_min", "y_min", "x_max", "y_max", "top", "labels", "uncertain", *EMOTIONS,
)  # fmt: skip


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
    info = result.info
    error = result.error
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
