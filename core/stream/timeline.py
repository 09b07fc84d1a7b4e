"""What happened in a video so far: rows for charts and files, and a summary of each face.

Memory is bounded however long the video runs: when the rows are full, every second one is
dropped and from then on half as many a second are kept. The summary counts every frame.
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from core.emotions import EMOTIONS
from core.expression.answer import band
from core.stream.frames import StreamFrame, TrackedFace
from core.types import TOO_SMALL, Answer, Box, EmotionScores, FloatArray

MAX_ROWS: Final = 12_000
FIRST_ROW_INTERVAL_S: Final = 0.1
# A face that was there for less is left out of the summary: a passer-by, or an error.
MIN_SEEN_S: Final = 0.3
_MAX_FACES: Final = 500
# Longer without a frame and the face was not "seen" in between, unless the clip itself is so slow.
_MAX_GAP_S: Final = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class TimelineRow:
    """One face at one time; `labels` is () and `probabilities` None where it was too small.

    `every_s` is how far apart rows are kept at least; it grows where there are too many.
    """

    t_s: float
    face: int
    box: Box
    labels: tuple[str, ...]
    probabilities: FloatArray | None
    raw: FloatArray | None
    every_s: float = FIRST_ROW_INTERVAL_S

    @property
    def answer(self) -> Answer:
        """What people would say of the face then."""
        if self.probabilities is None:
            return TOO_SMALL
        return Answer(EmotionScores(self.probabilities), self.labels)


@dataclass(eq=False)
class FaceSummary:
    """One face over the whole video; times in seconds from the video's beginning.

    `seconds_by_band` has the seconds of each of `core.expression.answer.BANDS` that was seen.
    """

    face: int
    first_s: float
    last_s: float
    seen_s: float = 0.0
    seconds_by_band: dict[str, float] = field(default_factory=dict)
    n_label_changes: int = 0
    _sum: FloatArray = field(default_factory=lambda: np.zeros(len(EMOTIONS), np.float32))
    _judged_s: float = 0.0
    _label: str = ""

    @property
    def mean_shares(self) -> dict[str, float]:
        """Expression -> share of people, averaged over the time it was judged; {} if never."""
        if self._judged_s == 0:
            return {}
        mean = self._sum / self._judged_s
        return dict(zip(EMOTIONS, mean.tolist(), strict=True))

    @property
    def most_seen(self) -> str:
        """The label held alone for the longest time; "" for none."""
        labels = {name: s for name, s in self.seconds_by_band.items() if name in EMOTIONS}
        return max(labels, key=lambda name: labels[name]) if labels else ""

    def add(self, seen: TrackedFace, t_s: float, max_gap_s: float = _MAX_GAP_S) -> None:
        """Count the frame at `t_s`; at most `max_gap_s` since the last one were seen."""
        elapsed_s = min(max(t_s - self.last_s, 0.0), max_gap_s)
        self.last_s = t_s
        self.seen_s += elapsed_s
        held = band(seen.answer)
        self.seconds_by_band[held] = self.seconds_by_band.get(held, 0.0) + elapsed_s
        if seen.scores is None:
            return
        self._sum = self._sum + np.float32(elapsed_s) * seen.scores.scores.probabilities
        self._judged_s += elapsed_s
        label = seen.scores.labels[0]
        if self._label and label != self._label:
            self.n_label_changes += 1
        self._label = label


class Timeline:
    """Collects frames. Not safe for several threads; whoever owns it locks.

    Args:
        max_rows: kept at a time; beyond that, half as many a second.
        row_every_s: time from one row of a face to the next; 0 keeps every frame.
        is_clip: whether frames lie as far apart as their times say, however far that is. Live,
            a long gap means that nobody looked.
    """

    def __init__(
        self,
        *,
        max_rows: int = MAX_ROWS,
        row_every_s: float = FIRST_ROW_INTERVAL_S,
        is_clip: bool = False,
    ) -> None:
        self.max_rows, self._is_clip = max_rows, is_clip
        self.n_frames = 0
        self._start_s: float | None = None
        self._end_s = 0.0
        self.row_every_s = row_every_s
        self.is_thinned = False
        self._next_row_s = 0.0
        self._rows: list[TimelineRow] = []
        self._faces: dict[int, FaceSummary] = {}

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last."""
        return self._end_s

    def add(self, frame: StreamFrame) -> None:
        """Count a frame, and keep a row of each face where one is due."""
        if self._start_s is None:
            self._start_s = frame.t_s
        t_s, before_s = frame.t_s - self._start_s, self._end_s
        max_gap_s = max(_MAX_GAP_S, t_s - before_s if self._is_clip else 0.0)
        self.n_frames += 1
        self._end_s = t_s
        for face in frame.faces:
            if face.id not in self._faces and len(self._faces) < _MAX_FACES:
                # It was there in the frame before: a face gets its number at second sight.
                self._faces[face.id] = FaceSummary(face.id, before_s, before_s)
            if face.id in self._faces:
                self._faces[face.id].add(face, t_s, max_gap_s)
        if t_s >= self._next_row_s:
            self._next_row_s = t_s + self.row_every_s - 1e-6
            self._rows += [_row(face, t_s, self.row_every_s) for face in frame.faces]
            self._thin_out()

    def rows(self, *, since_s: float = 0.0) -> list[TimelineRow]:
        """Kept rows from `since_s` on, in the order of time."""
        return self._rows[bisect_left(self._rows, since_s, key=lambda row: row.t_s) :]

    def summaries(self) -> list[FaceSummary]:
        """One for each face that was there for `MIN_SEEN_S` at least, by number."""
        return [face for face in self._faces.values() if face.seen_s >= MIN_SEEN_S]

    def _thin_out(self) -> None:
        if len(self._rows) <= self.max_rows:
            return
        times = sorted({row.t_s for row in self._rows})
        kept = set(times[::2])
        self.row_every_s = 2 * max(self.row_every_s, self._end_s / self.n_frames)
        self.is_thinned = True
        self._rows = [
            replace(row, every_s=self.row_every_s) for row in self._rows if row.t_s in kept
        ]


def _row(face: TrackedFace, t_s: float, every_s: float) -> TimelineRow:
    scores = face.scores
    if scores is None:
        return TimelineRow(t_s, face.id, face.box, (), None, None, every_s)
    return TimelineRow(
        t_s,
        face.id,
        face.box,
        scores.labels,
        scores.scores.probabilities,
        scores.raw.probabilities,
        every_s,
    )


def row_dict(row: TimelineRow) -> dict[str, Any]:
    """A row as plain values, the same in CSV and JSON; shares are None where not judged."""
    shares = [None] * len(EMOTIONS) if row.probabilities is None else row.probabilities.tolist()
    return {
        "t_s": round(row.t_s, 3),
        "face": row.face,
        **dict(zip(("x_min", "y_min", "x_max", "y_max"), _rounded(row.box.xyxy, 1), strict=True)),
        "top": row.labels[0] if row.labels else None,
        "labels": " ".join(row.labels) or None,
        "uncertain": len(row.labels) > 1,
        **dict(zip(EMOTIONS, _rounded(shares, 5), strict=True)),
        "every_s": round(row.every_s, 3),
    }


def _rounded(values: Any, digits: int) -> list[float | None]:
    return [None if value is None else round(float(value), digits) for value in values]


def summary_dict(face: FaceSummary) -> dict[str, Any]:
    """A summary as plain values."""
    return {
        "face": face.face,
        "first_s": round(face.first_s, 3),
        "last_s": round(face.last_s, 3),
        "seen_s": round(face.seen_s, 3),
        "seconds_by_band": {k: round(v, 3) for k, v in sorted(face.seconds_by_band.items())},
        "mean_shares": {name: round(value, 5) for name, value in face.mean_shares.items()},
        "label_changes": face.n_label_changes,
    }
