"""Scores over time: an average that forgets, and a label that does not flicker. Pure functions.

The average is exponential in time, not in frames, so that it behaves alike at 10 and at 30
frames a second. It is taken of probabilities: a mean of calibrated probabilities is again one,
and a single wild frame cannot pull it further than its share of the time.
"""

import math
from dataclasses import dataclass

import numpy as np

from core.emotions import EMOTIONS
from core.types import EmotionScores, FloatArray


@dataclass(frozen=True)
class SmoothingRules:
    """How scores are smoothed; `RAW` turns it off. Values: benchmarks/live_quality.py.

    Attributes:
        time_constant_s: after this time a new expression makes up 63 % of the average.
        label_margin: another expression must lead by this much probability to become the label.
        uncertain_band: "uncertain" begins this much under the threshold and ends this much above.
    """

    time_constant_s: float = 0.3
    label_margin: float = 0.1
    uncertain_band: float = 0.03


RAW = SmoothingRules(time_constant_s=0.0, label_margin=0.0, uncertain_band=0.0)


@dataclass(frozen=True, eq=False)
class SmoothedScores:
    """The scores of one face at one time.

    Attributes:
        t_s: time of the frame in seconds.
        raw: what the model said of this frame.
        scores: the average.
        label: one of `EMOTIONS`, held until another leads clearly.
        uncertain: whether the average of the label is too low to be relied on.
    """

    t_s: float
    raw: EmotionScores
    scores: EmotionScores
    label: str
    uncertain: bool

    @property
    def label_probability(self) -> float:
        """Averaged probability of the label, 0..1."""
        return float(self.scores.probabilities[EMOTIONS.index(self.label)])


def blend(
    average: FloatArray, observed: FloatArray, elapsed_s: float, time_constant_s: float
) -> FloatArray:
    """Exponential average of probabilities (7,) after `elapsed_s` more seconds.

    Example:
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


def next_uncertain(
    current: bool | None, probability: float, threshold: float, band: float
) -> bool:
    """Whether a label of `probability` is uncertain, given whether it was until now."""
    if current is None:
        return probability < threshold
    return probability < (threshold + band if current else threshold - band)


def smooth(
    before: SmoothedScores | None,
    raw: EmotionScores,
    t_s: float,
    rules: SmoothingRules,
    uncertain_threshold: float,
) -> SmoothedScores:
    """Add the model's scores of the frame at `t_s` to what was known `before`."""
    if before is None:
        average = raw
    else:
        mixed = blend(
            before.scores.probabilities, raw.probabilities, t_s - before.t_s, rules.time_constant_s
        )
        average = EmotionScores(mixed / mixed.sum())
    shown, was_uncertain = (before.label, before.uncertain) if before else (None, None)
    label = next_label(shown, average.probabilities, rules.label_margin)
    probability = float(average.probabilities[EMOTIONS.index(label)])
    uncertain = next_uncertain(
        was_uncertain, probability, uncertain_threshold, rules.uncertain_band
    )
    return SmoothedScores(t_s, raw, average, label, uncertain)
