"""A session's turn at the analyzer, with words for the time until it comes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.analysis.queue import Turns
from ui.shared.once import Once
from ui.shared.resources import settings

_SAY_EVERY_S = 0.5


# The turns of this process.
turns = Once(lambda: Turns(settings().parallel_photos, settings().max_waiting_photos))


@contextmanager
def my_turn(say_waiting: Callable[[int], None]) -> Iterator[Callable[[], None]]:
    """Wait until this session may analyse one photo, and let the next one in afterwards.

    Long work (a clip, an audit) calls what it is given several times a second: there others are
    let in, and it waits for its next turn. `say_waiting` is called now and then with the number of
    turns that come first; drawing something there is what lets a click interrupt the waiting.

    Raises:
        BusyError: too many wait already.
    """
    turn = turns().ask()

    def wait() -> None:
        while not turn.wait(_SAY_EVERY_S):
            say_waiting(turn.ahead)

    def let_others() -> None:
        if turn.hand_on():
            wait()

    try:
        wait()
        yield let_others
    finally:
        turn.leave()


def waiting_words(n_ahead: int) -> str:
    """Such as "Waiting: 3 photos before yours"."""
    if not n_ahead:
        return "Waiting: yours is next"
    return f"Waiting: {n_ahead} photo{'s' * (n_ahead > 1)} before yours"
