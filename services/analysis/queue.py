"""Whose photo is analysed next: first come, first served, one photo or a moment of long work each.

Whoever has many photos asks for one turn after another and so stands at the back again each time;
clips and audits hand their turn on every `SLICE_S`. So nobody's 200 photos starve the others.
"""

import threading
import time
from collections import deque
from typing import Final

from core.errors import MienError
from services.observe import observers

SLICE_S: Final = 0.5  # long work hands its turn on after this, where others wait


class BusyError(MienError):
    """More photos wait already than are taken."""


class Turns:
    """Gives out turns, `n_at_once`; more than `max_waiting` that wait are refused.

    Safe for many threads; nothing of a photo is kept here.
    """

    def __init__(self, n_at_once: int, max_waiting: int) -> None:
        self._free, self._max_waiting = n_at_once, max_waiting
        self._lock = threading.Lock()
        self._waiting: deque[Turn] = deque()

    @property
    def n_waiting(self) -> int:
        """Turns that are waited for now."""
        return len(self._waiting)

    def ask(self) -> "Turn":
        """A turn, to be waited for; leave it in any case.

        Raises:
            BusyError: too many wait.
        """
        turn = Turn(self)
        with self._lock:
            if self._free > 0:  # then nobody waits
                self._free -= 1
                turn.grant()
                return turn
            if self.n_waiting >= self._max_waiting:
                raise BusyError(
                    f"{self.n_waiting} photos are waiting to be analysed already; please try "
                    "again in a minute."
                )
            self._waiting.append(turn)
            self._tell()
        return turn

    def ahead_of(self, turn: "Turn") -> int:
        """How many turns come before this one, if nobody leaves."""
        with self._lock:
            return self._waiting.index(turn) if turn in self._waiting else 0

    def hand_on(self, turn: "Turn") -> bool:
        """Give a turn that is held to whoever waits longest, and stand at the back, if any do."""
        with self._lock:
            if not self._waiting:
                return False
            turn.granted.clear()
            self._waiting.append(turn)
            self._waiting.popleft().grant()
            return True

    def leave(self, turn: "Turn") -> None:
        """Hand a turn on, or stop waiting for it."""
        with self._lock:
            if turn.left:
                return
            turn.left = True
            if not turn.granted.is_set():
                self._waiting.remove(turn)
            elif self._waiting:
                self._waiting.popleft().grant()
            else:
                self._free += 1
                return
            self._tell()

    def _tell(self) -> None:
        for observer in observers():
            observer.queue_changed(self.n_waiting)


class Turn:
    """One place, from `Turns.ask`."""

    def __init__(self, turns: Turns) -> None:
        self._turns, self._since_s = turns, 0.0
        self.granted, self.left = threading.Event(), False

    @property
    def ahead(self) -> int:
        """How many come before this one."""
        return self._turns.ahead_of(self)

    def grant(self) -> None:
        """It is this one's turn; for `Turns` only."""
        self._since_s = time.monotonic()
        self.granted.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether the turn has come, after waiting for at most `timeout_s`."""
        return self.granted.wait(timeout_s)

    def hand_on(self) -> bool:
        """Let the next one in where this turn has been held for long; then it is to be awaited."""
        held_s = time.monotonic() - self._since_s
        return held_s >= SLICE_S and self._turns.hand_on(self)

    def leave(self) -> None:
        """Let the next one in; harmless the second time."""
        self._turns.leave(self)
