"""What a process has one of: made at its first use, let go only by the program itself."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """One object a process, for work that goes on behind the pages: the store, queues, places.

    Streamlit's caches are no place for it: they may be emptied while somebody counts on it.

    Args:
        make: makes the object.
        release: ends what it began, when it is let go.

    Examples:
        >>> numbers = Once(lambda: [1])
        >>> numbers() is numbers()
        True
    """

    def __init__(self, make: Callable[[], T], release: Callable[[T], None] | None = None):
        self._make, self._release = make, release
        self._lock = threading.RLock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """The object; whoever comes while it is made waits for it."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def clear(self) -> None:
        """Let go of the object; the next use makes another."""
        with self._lock:
            made, self._made = self._made, []
        for one in made:
            if self._release is not None:
                self._release(one)
