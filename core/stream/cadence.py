"""How often to detect: on every k-th frame, k from what the steps were measured to cost."""

import math
from dataclasses import dataclass

_NEWEST_SHARE = 0.2  # of a measurement in the running mean


@dataclass(frozen=True)
class CadenceRules:
    """How much of the machine one stream may take."""

    # share of the time between two frames that the work on one may take; the rest is for decoding,
    # drawing, encoding and other users
    busy_share: float = 0.5
    max_gap_ms: float = 400.0  # longest time without a detection, however slow it is


@dataclass(frozen=True)
class Costs:
    """Running means of what a stream costs, in milliseconds; 0 is: not measured yet.

    Examples:
        >>> Costs(detect_ms=20.0, other_ms=5.0, interval_ms=33.0).detect_every(CadenceRules())
        2
        >>> Costs(detect_ms=5.0, other_ms=5.0, interval_ms=33.0).detect_every(CadenceRules())
        1
    """

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
        """k: detect on every k-th frame; 1 until an interval was measured."""
        if self.interval_ms == 0:
            return 1
        longest = max(1, int(rules.max_gap_ms / max(self.interval_ms, 1.0)))
        left_ms = rules.busy_share * self.interval_ms - self.other_ms
        if left_ms <= 0:
            return longest
        return min(max(1, math.ceil(self.detect_ms / left_ms)), longest)


def _mean(before: float, value: float | None) -> float:
    if value is None:
        return before
    return value if before == 0 else before + _NEWEST_SHARE * (value - before)
