"""Places for live videos: so many and no more, and free again when nobody uses them."""

import threading

from services.analysis.live import LiveSlots


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_places_are_limited_and_come_back() -> None:
    clock = Clock()
    slots = LiveSlots(2, stale_s=10.0, clock=clock)
    assert slots.hold("a")
    assert slots.hold("b")
    assert not slots.hold("c")
    assert slots.hold("a")  # whoever has one keeps it
    slots.release("a")
    assert slots.hold("c")
    slots.release("nobody")
    assert slots.n_used == 2


def test_a_place_that_nobody_uses_is_free_after_a_while() -> None:
    clock = Clock()
    slots = LiveSlots(1, stale_s=10.0, clock=clock)
    assert slots.hold("a")
    clock.now_s = 9.0
    assert slots.hold("a")
    clock.now_s = 18.0
    assert not slots.hold("b")
    clock.now_s = 19.5
    assert slots.n_used == 0
    assert slots.hold("b")


def test_places_under_a_rush_are_never_given_twice() -> None:
    slots = LiveSlots(3)
    got: list[str] = []
    start = threading.Barrier(20)

    def rush(name: str) -> None:
        start.wait()
        if slots.hold(name):
            got.append(name)

    threads = [threading.Thread(target=rush, args=(str(i),)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == slots.n_used == 3


def test_the_last_free_one_goes_to_a_client_that_has_none() -> None:
    """Many tabs of one browser do not shut others out."""
    slots = LiveSlots(3)
    assert slots.hold("tab 1", "192.0.2.1")
    assert slots.hold("tab 2", "192.0.2.1")
    assert not slots.hold("tab 3", "192.0.2.1")
    assert slots.hold("tab 1", "192.0.2.1")  # keeps its own
    assert slots.hold("somebody else", "192.0.2.2")
    slots.release("tab 1")
    assert not slots.hold("tab 3", "192.0.2.1")
    slots.release("tab 2")
    assert slots.hold("tab 3", "192.0.2.1")


def test_clients_that_are_not_known_share_all() -> None:
    slots = LiveSlots(2)
    assert slots.hold("a")
    assert slots.hold("b")
    assert not slots.hold("c")


def test_the_only_one_goes_to_anybody() -> None:
    slots = LiveSlots(1)
    assert slots.hold("a", "192.0.2.1")
    assert not slots.hold("b", "192.0.2.2")
