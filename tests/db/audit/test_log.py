import threading
from datetime import UTC, datetime, timedelta

import pytest

from db.audit import log as audit
from db.audit.chain import ChainHead, parse_stamp, stamp
from db.errors import AuditDetailError
from db.store import Store
from services.store import reanchor
from tests.db.fixtures import START, FakeClock, Opener
from tests.db.tools import LOG_ROWS as ROWS
from tests.db.tools import agree, fill, verified


def test_an_untouched_chain_is_whole(store: Store) -> None:
    fill(store)
    status = verified(store)
    assert (status.ok, status.count, status.first_bad_seq, status.problem) == (
        True,
        ROWS,
        None,
        "",
    )
    assert store.head.read() == status.end


def test_a_chain_survives_reopening_and_goes_on(store: Store, open_again: Opener) -> None:
    fill(store)
    store.close()
    again = open_again()
    fill(again, ROWS + 3)
    assert verified(again).count == ROWS + 3
    assert verified(again).ok


def test_a_crash_between_commit_and_head_is_no_alarm(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    head = store.head.path.read_bytes()
    fill(store, ROWS + 1)
    store.head.path.write_bytes(head)  # as if the process had died before writing it
    assert verified(store).ok
    fill(store, ROWS + 2)
    assert store.head.read() == verified(store).end


def test_a_head_that_cannot_be_written_follows_with_the_next_change(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("db.audit.head.write_whole", full)
        fill(store, ROWS + 1)
    assert "head could not be written" in caplog.text
    assert verified(store).ok
    fill(store, ROWS + 2)
    assert store.head.read() == verified(store).end


def test_the_head_never_moves_back(store: Store) -> None:
    fill(store)
    store.head.advance(ChainHead(2, "0" * 64, 2))
    head = store.head.read()
    assert head is not None
    assert head.seq == ROWS


def test_many_writers_at_once_make_one_chain(store: Store, open_again: Opener) -> None:
    others = [open_again() for _ in range(4)]
    failures: list[Exception] = []

    def write(own: Store, number: int) -> None:
        try:
            for count in range(10):
                with own.write() as unit:
                    unit.log(audit.Action.ANALYSED, f"person:{number}", {"faces": count})
        except Exception as exc:
            failures.append(exc)

    before = verified(store).count
    threads = [
        threading.Thread(target=write, args=(own, number)) for number, own in enumerate(others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    status = verified(store)
    assert status.ok
    assert status.count == before + 40
    assert store.head.read() == status.end


def test_a_failed_change_leaves_no_audit_row(store: Store) -> None:
    before = verified(store).count

    def fail() -> None:
        with store.write() as unit:
            unit.log(audit.Action.ANALYSED, "person:abc")
            raise RuntimeError("the change fails")

    with pytest.raises(RuntimeError, match="the change fails"):
        fail()
    assert verified(store).count == before
    assert verified(store).ok


@pytest.mark.parametrize(
    "value",
    ["Ada Lovelace", "ada@example.org", "photo of me.jpg", "é", "x" * 65, None, 0.5, "a\nb"],
)
def test_details_that_could_be_personal_are_refused(store: Store, value: object) -> None:
    before = verified(store).count
    with pytest.raises(AuditDetailError, match="short token"), store.write() as unit:
        unit.log(audit.Action.ANALYSED, "person:abc", {"what": value})
    assert verified(store).count == before


@pytest.mark.parametrize(("actor", "object_id"), [("Ada Lovelace", ""), ("system", "a b")])
def test_actors_and_objects_that_could_be_personal_are_refused(
    store: Store, actor: str, object_id: str
) -> None:
    with pytest.raises(AuditDetailError, match="short tokens"), store.write() as unit:
        unit.log(audit.Action.ANALYSED, actor, object_id=object_id)


def test_browsing_filters_and_pages(store: Store, clock: FakeClock) -> None:
    with store.write() as unit:
        unit.log(audit.Action.ANALYSED, "person:one")
    clock.forward(hours=1)
    with store.write() as unit:
        unit.log(audit.Action.EXPORTED, "person:two")
        unit.log(audit.Action.ANALYSED, "person:two")
    wanted = audit.AuditFilter
    table: list[tuple[audit.AuditFilter, int]] = [
        (wanted(action="NOTHING"), 0),
        (wanted(action="ANALYSED"), 2),
        (wanted(actor="person:two"), 2),
        (wanted(action="ANALYSED", actor="person:two"), 1),
        (wanted(since=START + timedelta(hours=1)), 2),
        (wanted(until=START + timedelta(hours=1), actor="person:one"), 1),
        (wanted(since=START + timedelta(hours=2)), 0),
    ]
    with store.read() as look:
        for filter_, total in table:
            rows, found = audit.browse(look.session, filter_)
            assert (len(rows), found) == (total, total)
            assert [r.seq for r in audit.walk(look.session, filter_)] == [
                r.seq for r in reversed(rows)
            ]
        rows, total = audit.browse(look.session, wanted(), limit=2, offset=1)
        _, all_rows = audit.browse(look.session, wanted())
    assert [row.seq for row in rows] == [total - 1, total - 2]
    assert all_rows == total


def test_stamps_sort_as_times_do_and_read_back() -> None:
    early = datetime(999, 1, 1, tzinfo=UTC)
    late = datetime(2026, 10, 25, 1, 30, 0, 5, tzinfo=UTC)
    assert stamp(late) > stamp(early.replace(year=1999))
    assert parse_stamp(stamp(late)) == late
    with pytest.raises(ValueError, match="does not match"):
        parse_stamp("2026-01-01")


def test_reanchoring_after_a_lost_head(store: Store) -> None:
    store.head.path.unlink()
    assert reanchor(store).ok


def test_reanchoring_accepts_a_clock_that_was_wrong(store: Store, clock: FakeClock) -> None:
    clock.forward(days=3650)
    fill(store)
    clock.forward(days=-3650)
    reanchor(store)
    agree(store)
    with store.read() as look:
        assert look.now == clock.now
    assert verified(store).ok
