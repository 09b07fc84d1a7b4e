"""What comes out of one frame of a video."""

from dataclasses import dataclass

from core.stream.smoothing import SmoothedScores
from core.types import TOO_SMALL, Answer, Box


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """One face in one frame.

    `answer` is the verdict, as for a face in a photo.
    """

    id: int  # number that stays with the face while it is in the picture, counted from 1
    box: Box  # its place in pixels of the frame
    scores: SmoothedScores | None  # None for a face that is too small to be judged

    @property
    def answer(self) -> Answer:
        """What people would say of the face now."""
        return TOO_SMALL if self.scores is None else self.scores.answer


@dataclass(frozen=True, eq=False)
class StreamFrame:
    """One analysed frame, its faces by number, `detected` or only followed.

    `index` counts frames analysed before it; `t_s` is on the clock of whoever fed it.
    """

    index: int
    t_s: float
    size_wh: tuple[int, int]
    faces: tuple[TrackedFace, ...]
    detected: bool
    timings_ms: dict[str, float]
