"""Where services say what happens, and whoever runs Mien listens: metrics, logs, a graceful stop.

Nothing of a person passes through here: durations, counts and the kinds of refusals.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.errors import MienError


class StoppingError(MienError):
    """This process is about to end and begins nothing new."""


class Observer:
    """Is told of what happens; by itself it does nothing. Calls come from many threads."""

    def photo_analysed(self, timings_ms: Mapping[str, float], n_faces: int) -> None:
        """A photo is through; `timings_ms` maps each step, and "total", to milliseconds."""

    def photo_refused(self, kind: str) -> None:
        """A photo was not analysed; `kind` is the stable name of the error."""

    def queue_changed(self, n_waiting: int) -> None:
        """So many analyses wait for their turn now."""

    def frame_analysed(self, latency_ms: float) -> None:
        """A frame of a live video is through, `latency_ms` after it came."""

    def frames_dropped(self, n_frames: int) -> None:
        """So many frames were replaced by a newer one before anybody looked at them."""

    def purge_ended(self, n_removed: int, n_unfinished: int, elapsed_s: float) -> None:
        """A purge of this process removed items; unfinished jobs wait for the next."""

    def purge_skipped(self) -> None:
        """Another process was at it."""

    def purge_failed(self) -> None:
        """A purge ended in an error; the next one tries again."""


_observers: tuple[Observer, ...] = ()


def add_observer(observer: Observer) -> None:
    """Tell `observer`, too, from now on."""
    global _observers
    _observers = (*_observers, observer)


def remove_observer(observer: Observer) -> None:
    """Tell `observer` no more; fine where it was never added."""
    global _observers
    _observers = tuple(known for known in _observers if known is not observer)


def observers() -> tuple[Observer, ...]:
    """All who are to be told."""
    return _observers


class Work:
    """How many analyses are under way, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.n_running, self.stopping = 0, False  # set by this class alone

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count as under way while the block runs.

        Raises:
            StoppingError: nothing new may begin.
        """
        with self._changed:
            if self.stopping:
                raise StoppingError(
                    "Mien is being restarted, so this was not analysed; try again in a minute."
                )
            self.n_running += 1
        try:
            yield
        finally:
            with self._changed:
                self.n_running -= 1
                self._changed.notify_all()

    def stop(self, timeout_s: float) -> bool:
        """Let nothing new begin and wait for what runs; False if it takes longer."""
        with self._changed:
            self.stopping = True
            return self._changed.wait_for(lambda: self.n_running == 0, timeout_s)

    def resume(self) -> None:
        """Let work begin again; for tests, which live on."""
        with self._changed:
            self.stopping = False


WORK = Work()
