"""Scores over time: an average that forgets, and a label that does not flicker. Pure functions.

The average is exponential in time, not in frames, so that it behaves alike at 10 and at 30
frames a second. It is taken of probabilities: a mean of calibrated probabilities is again one,
and a single wild frame cannot pull it further than its share of the time.
"""

import math
from dataclasses import dataclass

import numpy as np

from core.emotions import EMOTIONS
from core.expression.conformal import ConformalFit, ranking
from core.types import Answer, EmotionScores, FloatArray


@dataclass(frozen=True)
class SmoothingRules:
    """How scores are smoothed; `RAW` turns it off. Values: benchmarks/live_quality.py.

    Attributes:
        time_constant_s: after this time a new expression makes up 63 % of the average.
        label_margin: another expression must lead by this much probability to become the label.
        named_band: a label is named besides another from this much over the share it needs, and
            until it is this much under it.
    """

    time_constant_s: float = 0.3
    label_margin: float = 0.1
    named_band: float = 0.03


RAW = SmoothingRules(time_constant_s=0.0, label_margin=0.0, named_band=0.0)


@dataclass(frozen=True, eq=False)
class SmoothedScores:
    """The scores of one face at one time: of this frame, and averaged.

    Attributes:
        t_s: time of the frame in seconds.
        raw: the model's scores of this frame.
        scores: their average over time.
        labels: those to name, the first one held until another leads clearly.

    Examples:
        >>> from core.expression.conformal import WITHOUT_FIT
        >>> happy, sad = EmotionScores(np.eye(7)[3]), EmotionScores(np.eye(7)[4])
        >>> now = smooth(None, happy, 0.0, SmoothingRules(), WITHOUT_FIT)
        >>> for t_s in (0.1, 0.2, 0.3):
        ...     now = smooth(now, sad, t_s, SmoothingRules(), WITHOUT_FIT)
        ...     now.raw.top, now.answer.top
        ('sad', 'happy')
        ('sad', 'happy')
        ('sad', 'sad')
    """

    t_s: float
    raw: EmotionScores
    scores: EmotionScores
    labels: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        """The average and its labels."""
        return Answer(self.scores, self.labels)


def blend(
    average: FloatArray, observed: FloatArray, elapsed_s: float, time_constant_s: float
) -> FloatArray:
    """Exponential average of probabilities (7,) after `elapsed_s` more seconds.

    Examples:
        >>> blend(np.float32([1, 0]), np.float32([0, 1]), 0.3, 0.3).round(2).tolist()
        [0.3700000047683716, 0.6299999952316284]
    """
    if time_constant_s <= 0:
        return observed
    keep = math.exp(-max(elapsed_s, 0.0) / time_constant_s)
    return np.asarray(keep * average + (1 - keep) * observed, np.float32)


def next_label(current: str | None, probabilities: FloatArray, margin: float) -> str:
    """The label for probabilities (7,), given the one shown now."""
    best = EMOTIONS[int(probabilities.argmax())]
    if current is None or best == current:
        return best
    lead = float(probabilities.max() - probabilities[EMOTIONS.index(current)])
    return best if lead > margin else current


def next_labels(
    current: tuple[str, ...],
    scores: EmotionScores,
    rules: SmoothingRules,
    conformal: ConformalFit,
    quality: float | None = None,
) -> tuple[str, ...]:
    """The labels to name, given those named now; () for a face seen for the first time.

    What is named stays while it needs but `named_band` more; what is new needs as much over.
    """
    top = next_label(current[0] if current else None, scores.probabilities, rules.label_margin)
    band = rules.named_band if current else 0.0
    must = conformal.labels(scores, quality, slack=band)
    may = conformal.labels(scores, quality, slack=-band)
    named = {top, *must, *(label for label in may if label in current)}
    ranked = [EMOTIONS[index] for index in ranking(scores.probabilities)]
    return (top, *(label for label in ranked if label in named and label != top))


def smooth(
    before: SmoothedScores | None,
    raw: EmotionScores,
    t_s: float,
    rules: SmoothingRules,
    conformal: ConformalFit,
    quality: float | None = None,
) -> SmoothedScores:
    """Add the model's scores of the frame at `t_s` to what was known `before`."""
    if before is None:
        average = raw
    else:
        mixed = blend(
            before.scores.probabilities, raw.probabilities, t_s - before.t_s, rules.time_constant_s
        )
        average = EmotionScores(mixed / mixed.sum())
    current = before.labels if before else ()
    labels = next_labels(current, average, rules, conformal, quality)
    return SmoothedScores(t_s, raw, average, labels)
