"""A clip to look at again: one moment of it, or all of it as MP4, with the faces boxed."""

import io
import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

import av

from core.drawing.video import draw_faces
from core.pictures.video import ClipLimits, ClipRefusedError
from core.pictures.video_process import IsolatedClip
from core.stream import SmoothedScores, TrackedFace
from core.stream.timeline import TimelineRow
from core.types import EmotionScores, ImageRGB

# A row says where a face was for so long at least, and for longer where rows were thinned.
_SAYS_S: Final = 0.25


class FacesOverTime:
    """Where each face of a clip was, from the rows of its timeline in the order of time."""

    def __init__(self, rows: Sequence[TimelineRow]) -> None:
        grouped = [(t_s, tuple(group)) for t_s, group in groupby(rows, key=lambda row: row.t_s)]
        self._times_s = [t_s for t_s, _ in grouped]
        self._rows = [group for _, group in grouped]
        steps = sorted(b - a for a, b in pairwise(self._times_s))
        usual_s = steps[(len(steps) - 1) // 2] if steps else 0.0
        self._says_s = max(_SAYS_S, 1.5 * usual_s)

    def at(self, t_s: float) -> tuple[TrackedFace, ...]:
        """The faces at a time, () where there were none."""
        place = bisect_right(self._times_s, t_s + 1e-3) - 1
        if place < 0 or t_s - self._times_s[place] > self._says_s:
            return ()
        return tuple(_tracked(row) for row in self._rows[place])


def moment(source: Path | bytes, t_s: float, faces: FacesOverTime) -> ImageRGB | None:
    """The clip's picture at `t_s` seconds with its faces boxed.

    None where there is none, or it takes too long to decode everything before it.
    """
    n_bytes = len(source) if isinstance(source, bytes) else source.stat().st_size
    limits = ClipLimits(max_bytes=n_bytes, max_seconds=math.inf)  # accepted before
    try:
        with IsolatedClip(source, limits, at_s=t_s) as clip:
            frame = next(clip.frames(), None)
    except ClipRefusedError:
        return None
    return None if frame is None else draw_faces(frame.image_rgb, faces.at(frame.t_s))


def annotated_mp4(source: Path | bytes, faces: FacesOverTime, limits: ClipLimits) -> bytes:
    """The clip as H.264 in MP4 with its faces boxed, without sound.

    Raises:
        ClipRefusedError: the clip cannot be read.
    """
    target = io.BytesIO()
    container: Any = av.open(target, "w", format="mp4")
    stream: Any = None
    try:
        with IsolatedClip(source, limits) as clip:
            for frame in clip.frames():
                if stream is None:
                    stream = _h264(container, frame.image_rgb)
                canvas = draw_faces(frame.image_rgb.copy(), faces.at(frame.t_s))
                canvas = canvas[: stream.height, : stream.width]
                picture = av.VideoFrame.from_ndarray(canvas, format="rgb24")
                picture.pts, picture.time_base = round(frame.t_s * _TICKS), stream.time_base
                container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode())
    finally:
        container.close()
    return target.getvalue()


_TICKS: Final = 90_000  # a second


def _h264(container: Any, image_rgb: ImageRGB) -> Any:
    stream = container.add_stream("libx264", rate=30)
    height, width = image_rgb.shape[:2]
    stream.width, stream.height = width - width % 2, height - height % 2  # 4:2:0 needs even sides
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
    stream.options = {"preset": "veryfast", "crf": "23"}
    return stream


def _tracked(row: TimelineRow) -> TrackedFace:
    if row.probabilities is None:
        return TrackedFace(row.face, row.box, None)
    shares = EmotionScores(row.probabilities)
    return TrackedFace(row.face, row.box, SmoothedScores(row.t_s, shares, shares, row.labels))
