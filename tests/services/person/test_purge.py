"""The purge as the product runs it: in its thread, on read, and told to whoever listens."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from db.consent import purge as work
from db.errors import StoreFullError
from db.store import Store
from db.types import AdminIdentity, Choices, Kind
from services.admin.review import log_entries, set_retention
from services.observe import Observer, add_observer, remove_observer
from services.person.export import look_up
from services.person.purge import PurgeThread, purge, purge_if_due, purge_lag_s
from services.store import chain_status
from tests.db.fixtures import FakeClock
from tests.db.tools import actions, agree, analyse, counts
from tests.db.traces import plant

ADMIN = AdminIdentity("admin:0", "ada", "password")


class Heard(Observer):
    def __init__(self) -> None:
        self.ended: list[tuple[int, int]] = []
        self.said: list[str] = []

    def purge_ended(self, n_removed: int, n_unfinished: int, elapsed_s: float) -> None:
        assert elapsed_s > 0
        self.ended.append((n_removed, n_unfinished))

    def purge_skipped(self) -> None:
        self.said.append("skipped")

    def purge_failed(self) -> None:
        self.said.append("failed")


@pytest.fixture
def heard() -> Iterator[Heard]:
    observer = Heard()
    add_observer(observer)
    yield observer
    remove_observer(observer)


def test_each_purge_is_told_with_what_it_removed(
    store: Store, clock: FakeClock, heard: Heard
) -> None:
    plant(store)
    purge(store)
    clock.forward(days=30)
    purge(store)
    assert heard.ended == [(0, 0), (3, 0)]  # image, result, consent record
    assert heard.said == []


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's clock on the wall jumps on 29 March and 25 October 2026, at 1:00 UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    "stored_at", [datetime(2026, 3, 14, 1, 30, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC)]
)
def test_a_day_has_24_hours_whatever_the_clock_on_the_wall_does(
    store: Store, clock: FakeClock, stored_at: datetime
) -> None:
    clock.now = stored_at
    planted = plant(store)
    assert planted.given.code is not None
    clock.forward(days=30, seconds=-1)
    assert clock.now.astimezone().utcoffset() != stored_at.astimezone().utcoffset()
    before = purge(store)
    assert (before.images, before.analyses, before.subjects) == (0, 0, 0)
    assert look_up(store, planted.given.code).analyses
    clock.forward(seconds=1)
    after = purge(store)
    assert (after.images, after.analyses, after.subjects) == (1, 1, 1)


@pytest.mark.usefixtures("berlin")
def test_the_hour_that_comes_twice_is_two_hours_of_the_log(
    store: Store, clock: FakeClock, heard: Heard
) -> None:
    for minutes in range(0, 150, 15):  # from 02:00 on the wall to 03:30, by way of 02:00 again
        clock.now = datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=minutes)
        agree(store)
        purge(store)
    assert heard.said == []
    assert chain_status(store).ok
    at = [entry.row.ts_utc for entry in log_entries(store)[0]]
    assert at == sorted(at, reverse=True)


def test_a_purge_that_is_left_to_another_process_is_told(store: Store, heard: Heard) -> None:
    with work._lease(store):
        assert purge(store).skipped
    assert heard.said == ["skipped"]
    assert heard.ended == []


def test_a_purge_that_fails_is_told_and_raises(
    store: Store, clock: FakeClock, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(store)
    clock.forward(days=30)

    def refuse(*_args: object, **_kwargs: object) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("db.seal.vault.remove", refuse)
        with pytest.raises(StoreFullError):
            purge(store)
    assert heard.said == ["failed"]
    assert purge(store).done


def test_what_is_not_over_its_time_is_left_without_a_purge(store: Store, clock: FakeClock) -> None:
    plant(store)
    clock.forward(days=30, seconds=-1)
    assert purge_if_due(store) is None
    clock.forward(seconds=1)
    assert purge_if_due(store) is not None


@pytest.mark.parametrize("kept", ["keep_result", "keep_image"])
def test_a_promise_that_is_shorter_than_the_policy_is_what_counts(
    store: Store, clock: FakeClock, kept: str
) -> None:
    for kind in (Kind.RESULT, Kind.IMAGE):
        set_retention(store, kind, 10, admin=ADMIN)
    given = agree(store, Choices(analyse=True, **{kept: True}))
    analyse(store, given.consent)
    for kind in (Kind.RESULT, Kind.IMAGE):
        set_retention(store, kind, 90, admin=ADMIN)
    clock.forward(days=10)
    assert purge_lag_s(store) == 0
    clock.forward(seconds=5)
    assert purge_lag_s(store) == 5
    assert purge_if_due(store) is not None
    assert purge_lag_s(store) == 0


def test_the_lag_is_that_of_the_item_longest_over_its_time(store: Store, clock: FakeClock) -> None:
    assert purge_lag_s(store) == 0
    given = agree(store)
    analyse(store, given.consent)
    clock.forward(days=10)
    analyse(store, given.consent)
    clock.forward(days=20, seconds=-1)
    assert purge_lag_s(store) == 0
    clock.forward(seconds=43)
    assert purge_lag_s(store) == 42  # promised: thirty days
    work.purge(store)
    assert purge_lag_s(store) == 0
    # The second pair is twenty days old; a stricter policy puts it over its time, too.
    with store.write() as unit:
        from db.policy import retention

        retention.set_days(unit, Kind.IMAGE, 20, by=ADMIN.actor)
    assert purge_lag_s(store) == 42
    set_retention(store, Kind.IMAGE, 19, admin=ADMIN)  # purges what is over already
    assert purge_lag_s(store) == 0


def test_the_thread_purges_and_stops(store: Store, clock: FakeClock) -> None:
    plant(store)
    clock.forward(days=30)
    thread = PurgeThread(store, every_s=0.01)
    waited = threading.Event()
    for _ in range(500):
        if "PURGED" in actions(store):
            break
        waited.wait(0.02)
    assert thread.alive
    thread.stop()
    assert not thread.alive
    assert counts(store)["subject"] == 0


@pytest.mark.parametrize("error", [StoreFullError("full"), ZeroDivisionError("surprise")])
def test_the_thread_outlives_failures(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    calls = threading.Semaphore(0)

    def fail(_store: Store) -> None:
        calls.release()
        raise error

    monkeypatch.setattr("services.person.purge.purge", fail)
    thread = PurgeThread(store, every_s=0.01)
    assert calls.acquire(timeout=5)
    assert calls.acquire(timeout=5)
    thread.stop()
    assert "purge" in caplog.text


def test_a_purge_on_read_that_fails_is_only_logged(
    store: Store,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    person = plant(store)
    clock.forward(days=30)

    def full(*_args: object) -> None:
        raise StoreFullError("There is no space left.")

    monkeypatch.setattr("services.person.purge.purge", full)
    assert purge_if_due(store) is None
    assert "no space left" in caplog.text
    assert look_up(store, person.code).images == ()


@pytest.mark.parametrize("kind", [Kind.RESULT, Kind.IMAGE])
def test_one_kind_over_its_time_is_reason_enough(
    store: Store, clock: FakeClock, kind: Kind
) -> None:
    plant(store)
    set_retention(store, kind, 5, admin=ADMIN)
    clock.forward(days=5)
    report = purge_if_due(store)
    assert report is not None
    assert (report.analyses, report.images) == (kind is Kind.RESULT, kind is Kind.IMAGE)
