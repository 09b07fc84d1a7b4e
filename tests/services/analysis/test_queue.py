"""Nobody waits long for somebody else, whatever that one has brought."""

import itertools
import random
import threading
import time

import pytest

from services.analysis.queue import SLICE_S, BusyError, Turn, Turns
from services.observe import Observer, add_observer, remove_observer


def test_first_come_first_served_and_who_has_many_stands_at_the_back_again() -> None:
    turns = Turns(1, 100)
    # Each session waits for one turn at a time; "many" has 4 photos, "few" 2 and "one" 1.
    photos = {"many": 4, "few": 2, "one": 1}
    holder, turn = "many", turns.ask()
    waiting = {user: turns.ask() for user in ("few", "one")}
    order = []
    while True:
        order.append(holder)
        photos[holder] -= 1
        turn.leave()
        if photos[holder]:
            waiting[holder] = turns.ask()
        if not waiting:
            break
        holder = next(user for user, other in waiting.items() if other.wait(0))
        turn = waiting.pop(holder)
    # "many" asks again after its photo, when the next in line has the turn already.
    assert order == ["many", "few", "one", "many", "few", "many", "many"]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_said_to_come_before_is_what_comes_before(seed: int) -> None:
    rng = random.Random(seed)
    turns = Turns(1, 100)
    running = turns.ask()
    waiting = [turns.ask() for _ in range(rng.randrange(2, 25))]
    for gone in rng.sample(waiting, len(waiting) // 3):
        gone.leave()
        waiting.remove(gone)
    said = {turn: turn.ahead for turn in waiting}
    order: list[Turn] = []
    while len(order) < len(waiting):
        running.leave()
        running = next(t for t in waiting if t.granted.is_set() and t not in order)
        order.append(running)
    assert {turn: order.index(turn) for turn in waiting} == said


def test_beyond_the_limit_it_is_refused_and_the_waiting_go_on() -> None:
    turns = Turns(1, 2)
    running, second, third = (turns.ask() for _ in "abc")
    with pytest.raises(BusyError, match="2 photos are waiting"):
        turns.ask()
    running.leave()
    assert second.wait(0)
    fourth = turns.ask()
    assert (third.ahead, fourth.ahead, turns.n_waiting) == (0, 1, 2)


def test_who_stops_waiting_holds_nobody_up() -> None:
    turns = Turns(1, 10)
    running, gone, last = (turns.ask() for _ in "abc")
    gone.leave()
    gone.leave()
    running.leave()
    assert last.wait(0)
    last.leave()
    assert turns.n_waiting == 0
    assert turns.ask().wait(0), "the turn was lost"


def test_long_work_hands_its_turn_on_and_goes_on_afterwards() -> None:
    turns = Turns(1, 1)
    clip = turns.ask()
    photo = turns.ask()
    assert not clip.hand_on(), "it has only just begun"
    time.sleep(SLICE_S)
    # The queue is full, yet who has begun is never turned away.
    assert clip.hand_on()
    assert photo.wait(0)
    assert not clip.wait(0)
    photo.leave()
    assert clip.wait(0)
    time.sleep(SLICE_S)
    assert not clip.hand_on(), "nobody waits"
    clip.leave()
    assert turns.ask().wait(0)


def test_who_leaves_while_its_turn_is_handed_on_takes_none_along() -> None:
    turns = Turns(1, 1)
    clip, photo = turns.ask(), turns.ask()
    time.sleep(SLICE_S)
    assert clip.hand_on()
    clip.leave()
    photo.leave()
    assert turns.n_waiting == 0
    assert turns.ask().wait(0), "the turn was lost"
    assert not turns.ask().wait(0), "there are two turns"


def test_the_length_of_the_queue_is_told() -> None:
    class Seen(Observer):
        lengths: list[int] = []  # noqa: RUF012 - one test, one object

        def queue_changed(self, n_waiting: int) -> None:
            self.lengths.append(n_waiting)

    seen = Seen()
    add_observer(seen)
    try:
        turns = Turns(1, 10)
        a, b = turns.ask(), turns.ask()
        a.leave()
        b.leave()
    finally:
        remove_observer(seen)
    assert seen.lengths == [1, 0]


def test_threads_never_run_more_than_allowed_and_nobody_waits_for_clips_or_albums() -> None:
    turns, lock = Turns(2, 100), threading.Lock()
    running, most = 0, 0
    ended: dict[str, float] = {}
    failures: list[BaseException] = []

    def person(name: str, n_photos: int, is_clip: bool) -> None:
        nonlocal running, most
        try:
            for _ in range(n_photos):
                turn = turns.ask()
                try:
                    for _ in range(400 if is_clip else 1):
                        assert turn.wait(30)
                        with lock:
                            running += 1
                            most = max(most, running)
                        time.sleep(0.01)
                        with lock:
                            running -= 1
                        turn.hand_on()
                finally:
                    turn.leave()
            ended[name] = time.monotonic()
        except BaseException as exc:
            failures.append(exc)

    people = [("clip 1", 1, True), ("clip 2", 1, True), ("many", 100, False)]
    people += [(f"few{n}", 2, False) for n in range(5)]
    threads = [threading.Thread(target=person, args=item) for item in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert most == 2
    few = [when for name, when in ended.items() if name.startswith("few")]
    assert max(few) < min(ended[name] for name in ("clip 1", "clip 2", "many"))
    assert turns.n_waiting == 0
    assert len(list(itertools.takewhile(lambda t: t.wait(0), (turns.ask() for _ in "12")))) == 2
