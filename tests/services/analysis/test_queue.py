import itertools
import random
import threading
import time

import pytest

from services.analysis.queue import BusyError, Turn, Turns
from services.observe import Observer, add_observer, remove_observer


def served(turns: Turns, running: Turn, waiting: list[Turn]) -> list[str]:
    """Users in the order in which they are served when one turn follows another."""
    order = []
    while running:
        running.leave()
        running = next((turn for turn in waiting if turn.granted.is_set()), None)  # type: ignore[assignment]
        if running:
            waiting.remove(running)
            order.append(running.user)
    return order


def test_users_take_turns_and_each_keeps_its_own_order() -> None:
    turns = Turns(1, 100)
    running = turns.ask("many")
    waiting = [turns.ask(user) for user in ("many", "many", "many", "few", "many", "one", "few")]
    assert served(turns, running, waiting) == [
        "many", "few", "one", "many", "few", "many", "many",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_what_is_said_to_come_before_is_what_comes_before(seed: int) -> None:
    rng = random.Random(seed)
    turns = Turns(1, 100)
    running = turns.ask("first")
    waiting = [turns.ask(rng.choice("abcd")) for _ in range(rng.randrange(1, 25))]
    said = {turn: turn.ahead for turn in waiting}
    order: list[Turn] = []
    while len(order) < len(waiting):
        running.leave()
        running = next(t for t in waiting if t.granted.is_set() and t not in order)
        order.append(running)
    assert {turn: order.index(turn) for turn in waiting} == said


def test_beyond_the_limit_it_is_refused_and_the_waiting_go_on() -> None:
    turns = Turns(1, 2)
    running, second, third = (turns.ask(user) for user in "abc")
    with pytest.raises(BusyError, match="2 photos are waiting"):
        turns.ask("d")
    running.leave()
    assert second.wait(0)
    fourth = turns.ask("d")
    assert (third.ahead, fourth.ahead, turns.n_waiting) == (0, 1, 2)


def test_who_stops_waiting_holds_nobody_up() -> None:
    turns = Turns(1, 10)
    running, gone, last = (turns.ask(user) for user in "abc")
    gone.leave()
    gone.leave()
    running.leave()
    assert last.wait(0)
    last.leave()
    assert turns.n_waiting == 0
    assert turns.ask("d").wait(0), "the turn was lost"


def test_the_length_of_the_queue_is_told() -> None:
    class Seen(Observer):
        lengths: list[int] = []  # noqa: RUF012 - one test, one object

        def queue_changed(self, n_waiting: int) -> None:
            self.lengths.append(n_waiting)

    seen = Seen()
    add_observer(seen)
    try:
        turns = Turns(1, 10)
        a, b = turns.ask("a"), turns.ask("b")
        a.leave()
        b.leave()
    finally:
        remove_observer(seen)
    assert seen.lengths == [1, 0]


def test_threads_never_run_more_than_allowed_and_small_users_pass_big_ones() -> None:
    turns, lock = Turns(2, 100), threading.Lock()
    running, most = 0, 0
    ended: dict[str, float] = {}
    failures: list[BaseException] = []

    def person(name: str, n_photos: int) -> None:
        nonlocal running, most
        try:
            for _ in range(n_photos):
                turn = turns.ask(name)
                try:
                    assert turn.wait(30)
                    with lock:
                        running += 1
                        most = max(most, running)
                    time.sleep(0.002)
                    with lock:
                        running -= 1
                finally:
                    turn.leave()
            ended[name] = time.monotonic()
        except BaseException as exc:
            failures.append(exc)

    counts = {"many": 200, **{f"few{n}": 4 for n in range(12)}}
    threads = [threading.Thread(target=person, args=item) for item in counts.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert most == 2
    assert max(ended, key=ended.__getitem__) == "many"
    assert turns.n_waiting == 0
    assert len(list(itertools.takewhile(lambda t: t.wait(0), (turns.ask("x") for _ in "12")))) == 2
