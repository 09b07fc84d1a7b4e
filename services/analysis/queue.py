"""Whose photo is analysed next: users take turns, so that nobody's 200 photos starve the others.

A fixed number runs at a time. Those that wait stand in one queue a user, and the users are served
one photo each, round after round (Nagle 1987, "On packet switches with infinite storage", IEEE
Transactions on Communications 35).
"""

import threading
from collections import OrderedDict, deque

from core.errors import MienError
from services.observe import observers


class BusyError(MienError):
    """More photos wait already than are taken."""


class Turns:
    """Gives out turns. Safe for many threads; nothing of a photo is kept here.

    Args:
        n_at_once: turns held at a time.
        max_waiting: turns asked for beyond this are refused.
    """

    def __init__(self, n_at_once: int, max_waiting: int) -> None:
        """Nobody is there."""
        self._free, self._max_waiting = n_at_once, max_waiting
        self._lock = threading.Lock()
        # User -> waiting turns; the first user of the dictionary is served next.
        self._waiting: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._n_waiting = 0

    @property
    def n_waiting(self) -> int:
        """Turns that are waited for now."""
        return self._n_waiting

    def ask(self, user: str) -> "Turn":
        """A turn for one photo of `user`, to be waited for; leave it in any case.

        Raises:
            BusyError: too many wait.
        """
        turn = Turn(self, user)
        with self._lock:
            if self._free > 0:  # then nobody waits
                self._free -= 1
                turn.granted.set()
                return turn
            if self._n_waiting >= self._max_waiting:
                raise BusyError(
                    f"{self._n_waiting} photos are waiting to be analysed already; please try "
                    "again in a minute."
                )
            self._waiting.setdefault(user, deque()).append(turn)
            self._changed(+1)
        return turn

    def ahead_of(self, turn: "Turn") -> int:
        """How many photos come before that of `turn`, if nobody leaves and nobody comes."""
        with self._lock:
            own = self._waiting.get(turn.user)
            if own is None or turn not in own:
                return 0
            rounds = own.index(turn)
            ahead, passed = rounds, False
            for user, queue in self._waiting.items():
                passed = passed or user == turn.user
                if user != turn.user:
                    ahead += min(len(queue), rounds if passed else rounds + 1)
            return ahead

    def leave(self, turn: "Turn") -> None:
        """Hand a turn on, or stop waiting for it."""
        with self._lock:
            if turn.left:
                return
            turn.left = True
            if turn.granted.is_set():
                self._hand_on()
                return
            queue = self._waiting[turn.user]
            queue.remove(turn)
            if not queue:
                del self._waiting[turn.user]
            self._changed(-1)

    def _hand_on(self) -> None:
        if not self._waiting:
            self._free += 1
            return
        user, queue = next(iter(self._waiting.items()))
        turn = queue.popleft()
        if queue:
            self._waiting.move_to_end(user)
        else:
            del self._waiting[user]
        turn.granted.set()
        self._changed(-1)

    def _changed(self, by: int) -> None:
        self._n_waiting += by
        for observer in observers():
            observer.queue_changed(self._n_waiting)


class Turn:
    """One photo's place, from `Turns.ask`."""

    def __init__(self, turns: Turns, user: str) -> None:
        """Not granted yet."""
        self._turns, self.user = turns, user
        self.granted, self.left = threading.Event(), False

    @property
    def ahead(self) -> int:
        """How many photos come before this one."""
        return self._turns.ahead_of(self)

    def wait(self, timeout_s: float) -> bool:
        """Whether the turn has come, after waiting for at most `timeout_s`."""
        return self.granted.wait(timeout_s)

    def leave(self) -> None:
        """Let the next one in; harmless the second time."""
        self._turns.leave(self)
