"""What people would say of a face, in words: the same for pictures, tables, videos and files."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from core.emotions import EMOTIONS
from core.expression.conformal import WITHOUT_FIT
from core.types import TOO_SMALL, Answer, EmotionScores

# Bands of a timeline and rows of a count, besides the labels on which most people agree.
SPLIT: Final = "split"  # two or three labels
NO_AGREEMENT: Final = "no agreement"  # more
TINY: Final = "too small"
BANDS: Final = (*EMOTIONS, SPLIT, NO_AGREEMENT, TINY)
# From this share on nobody would count heads.
_NEARLY_ALL: Final = 0.95


def sentence(answer: Answer) -> str:
    """The answer as a sentence without its full stop.

    Examples:
        >>> shares = EmotionScores(np.float32([0, 0, 0, 0.8, 0.2, 0, 0]))
        >>> sentence(Answer(shares, ("happy",)))
        '8 of 10 people would say happy'
        >>> sentence(Answer(shares, ("happy", "sad")))
        'people would be split: happy or sad'
        >>> sentence(Answer(shares, ("happy", "sad", "angry", "fear")))
        'people would not agree'
    """
    if answer.scores is None:
        return "too small to be judged"
    if not answer.agreed:
        return "people would not agree"
    if answer.uncertain:
        return f"people would be split: {alternatives(answer.labels)}"
    if answer.share >= _NEARLY_ALL:
        return f"nearly everybody would say {answer.top}"
    return f"{10 * answer.share:.0f} of 10 people would say {answer.top}"


def short(answer: Answer) -> str:
    """For boxes and cells: "happy", "neutral or sad", "no agreement" or "too small"."""
    if answer.scores is None:
        return TINY
    return alternatives(answer.labels) if answer.agreed else NO_AGREEMENT


def shortest(answer: Answer) -> str:
    """One word: the label, with a question mark where people would be split."""
    if answer.scores is None:
        return TINY
    return f"{answer.top}?" if answer.uncertain else str(answer.top)


def band(answer: Answer) -> str:
    """One of `BANDS`: as what a face is counted and how its time is coloured."""
    if answer.scores is None:
        return TINY
    if answer.uncertain:
        return SPLIT if answer.agreed else NO_AGREEMENT
    return str(answer.top)


def counted(answers: Iterable[Answer]) -> str:
    """Such as "3 happy, 1 neutral or sad", most frequent first; "" for none.

    Examples:
        >>> counted([TOO_SMALL, TOO_SMALL])
        '2 too small'
    """
    counts = Counter(short(answer) for answer in answers)
    return ", ".join(f"{count:,} {said}" for said, count in counts.most_common())


def times(seconds_by_band: Mapping[str, float]) -> str:
    """What share of the time a face was in each band, the longest first.

    Examples:
        >>> times({"happy": 6.0, "split": 2.0, "too small": 2.0})
        'happy 60 % of the time, people would be split 20 %, too small to be judged 20 %'
        >>> times({"happy": 6.0})
        'happy all the time'
    """
    words = {
        SPLIT: "people would be split",
        NO_AGREEMENT: "people would not agree",
        TINY: "too small to be judged",
    }
    whole = sum(seconds_by_band.values()) or 1.0
    seen = sorted(
        ((s, words.get(name, name)) for name, s in seconds_by_band.items() if s > 0),
        key=lambda pair: -pair[0],
    )
    if len(seen) == 1:
        return f"{seen[0][1]} all the time"
    parts = [f"{name} {100 * seconds / whole:.0f} %" for seconds, name in seen]
    return ", ".join([f"{part} of the time" for part in parts[:1]] + parts[1:])


def alternatives(labels: tuple[str, ...]) -> str:
    """Labels with "or" before the last: "neutral", "neutral or sad", "neutral, sad or angry"."""
    *first, last = labels
    return f"{', '.join(first)} or {last}" if first else last


def answer_of(face: Mapping[str, Any]) -> Answer:
    """The answer of a face as plain values (services.analysis.photos), of any version.

    Faces that were stored before 2026-12 have `scores` in place of `shares` and no `labels`:
    theirs are made by the rule for models without a fit.
    """
    shares = face.get("shares") or face.get("scores")
    if not shares:
        return TOO_SMALL
    values = np.array([shares[name] for name in EMOTIONS], np.float64)
    scores = EmotionScores((values / values.sum()).astype(np.float32))
    labels = tuple(face.get("labels") or ())
    if not labels and not face.get("uncertain", True):
        labels = (str(face["top"]),)
    return Answer(scores, labels or WITHOUT_FIT.labels(scores))
