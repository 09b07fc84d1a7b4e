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
        self.free, self._max_waiting = n_at_once, max_waiting
        self.lock = threading.Lock()
        self.waiting: deque[Turn] = deque()

    @property
    def n_waiting(self) -> int:
        """Turns that are waited for now."""
        return len(self.waiting)

    def ask(self) -> "Turn":
        """A turn, to be waited for; leave it in any case.

        Raises:
            BusyError: too many wait.
        """
        turn = Turn(self)
        with self.lock:
            if self.free > 0:  # then nobody waits
                self.free -= 1
                turn.grant()
                return turn
            if self.n_waiting >= self._max_waiting:
                raise BusyError(
                    f"{self.n_waiting} photos are waiting to be analysed already; please try "
                    "again in a minute."
                )
            self.waiting.append(turn)
            self.tell()
        return turn

    def tell(self) -> None:
        """Say how many wait; for `Turn` only."""
        for observer in observers():
            observer.queue_changed(self.n_waiting)


class Turn:
    """One place, from `Turns.ask`."""

    def __init__(self, turns: Turns) -> None:
        self._turns, self._since_s = turns, 0.0
        self.granted, self._left = threading.Event(), False

    @property
    def ahead(self) -> int:
        """How many come before this one, if nobody leaves."""
        with self._turns.lock:
            waiting = self._turns.waiting
            return waiting.index(self) if self in waiting else 0

    def grant(self) -> None:
        """It is this one's turn; for `Turns` only."""
        self._since_s = time.monotonic()
        self.granted.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether the turn has come, after waiting for at most `timeout_s`."""
        return self.granted.wait(timeout_s)

    def hand_on(self) -> bool:
        """Let the next one in where this turn has been held for long; then it is to be awaited."""
        if time.monotonic() - self._since_s < SLICE_S:
            return False
        with self._turns.lock:
            if not self._turns.waiting:
                return False
            self.granted.clear()
            self._turns.waiting.append(self)
            self._turns.waiting.popleft().grant()
            return True

    def leave(self) -> None:
        """Let the next one in, or stop waiting; harmless the second time."""
        turns = self._turns
        with turns.lock:
            if self._left:
                return
            self._left = True
            if not self.granted.is_set():
                turns.waiting.remove(self)
            elif turns.waiting:
                turns.waiting.popleft().grant()
            else:
                turns.free += 1
                return
            turns.tell()
