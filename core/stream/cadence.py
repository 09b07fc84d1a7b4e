"""How often to detect: on every k-th frame, k from what the steps were measured to cost."""

import math
from dataclasses import dataclass

_NEWEST_SHARE = 0.2  # of a measurement in the running mean


@dataclass(frozen=True)
class CadenceRules:
    """How much of the machine one stream may take.

    Attributes:
        busy_share: share of the time between two frames that the work on one may take; the rest
            is for decoding, drawing, encoding and other users.
        max_gap_ms: longest time without a detection, however slow it is.
    """

    busy_share: float = 0.5
    max_gap_ms: float = 400.0


def detect_every(
    detect_ms: float, other_ms: float, interval_ms: float, rules: CadenceRules
) -> int:
    """k: detect on every k-th frame, for times of a detection, of the rest, between frames.

    Examples:
        >>> detect_every(20.0, 5.0, 33.0, CadenceRules())
        2
        >>> detect_every(5.0, 5.0, 33.0, CadenceRules())
        1
    """
    longest = max(1, int(rules.max_gap_ms / max(interval_ms, 1.0)))
    left_ms = rules.busy_share * interval_ms - other_ms
    if left_ms <= 0:
        return longest
    return min(max(1, math.ceil(detect_ms / left_ms)), longest)


@dataclass(frozen=True)
class Costs:
    """Running means of what a stream costs, in milliseconds; 0 is: not measured yet."""

    detect_ms: float = 0.0
    other_ms: float = 0.0
    interval_ms: float = 0.0

    def measured(
        self, *, detect_ms: float | None, other_ms: float, interval_ms: float | None
    ) -> "Costs":
        """With one more frame; None for what this frame did not tell."""
        return Costs(
            _mean(self.detect_ms, detect_ms),
            _mean(self.other_ms, other_ms),
            _mean(self.interval_ms, interval_ms),
        )

    def detect_every(self, rules: CadenceRules) -> int:
        """The k for these costs; 1 until an interval was measured."""
        if self.interval_ms == 0:
            return 1
        return detect_every(self.detect_ms, self.other_ms, self.interval_ms, rules)


def _mean(before: float, value: float | None) -> float:
    if value is None:
        return before
    return value if before == 0 else before + _NEWEST_SHARE * (value - before)
