import threading

import pytest

from db.audit.chain import stamp
from db.consent import purge as purge_module
from db.consent.purge import PurgeReport, last_purge, purge
from db.seal.files import write_whole
from db.store import Store
from services.person.export import look_up
from tests.db.fixtures import FakeClock, Opener
from tests.db.tools import actions, dump, files, raw, verified
from tests.db.traces import found, plant

NOTHING = PurgeReport()


def test_with_nothing_to_do_a_purge_only_notes_that_it_ran(store: Store, clock: FakeClock) -> None:
    with store.read() as look:
        assert last_purge(look.session) is None
    rows = set(dump(store).splitlines())
    assert purge(store) == NOTHING
    note = f'store_info["last_purge", "{stamp(clock.now)}"]'
    assert set(dump(store).splitlines()) - rows == {note}
    with store.read() as look:
        assert last_purge(look.session) == clock.now


def test_purging_again_changes_nothing_more(store: Store, clock: FakeClock) -> None:
    plant(store)
    clock.forward(days=30)
    purge(store)
    rows = dump(store)
    assert purge(store) == NOTHING
    assert dump(store) == rows


def test_many_starts_at_once_make_one_purge_event(
    store: Store, open_again: Opener, clock: FakeClock
) -> None:
    plant(store)
    clock.forward(days=30)
    others = [open_again() for _ in range(4)]
    gate = threading.Barrier(4)
    reports: list[PurgeReport] = []

    def start(own: Store) -> None:
        gate.wait()
        reports.append(purge(own))

    threads = [threading.Thread(target=start, args=(own,)) for own in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 4
    assert sum(report.images for report in reports) == 1
    assert actions(store).count("PURGED") == 1
    assert verified(store).ok


def test_the_lease_keeps_a_second_purge_out_until_it_runs_out(
    store: Store, clock: FakeClock
) -> None:
    plant(store)
    clock.forward(days=30)
    with purge_module._lease(store) as first:
        assert first
        assert purge(store) == PurgeReport(skipped=True)
        assert not purge(store).done
        clock.forward(minutes=10)  # its holder must have died
        assert purge(store).images == 1
    assert purge(store) == NOTHING


def test_a_lease_from_the_future_is_no_lease(store: Store, clock: FakeClock) -> None:
    with purge_module._lease(store):
        clock.forward(days=-1)
        assert not purge(store).skipped


def test_strays_of_a_crash_are_found_and_removed(store: Store) -> None:
    person = plant(store)
    vault = store.vault
    write_whole(vault.image_path("a" * 32), b"an image without a row")
    write_whole(vault.keys_dir / f"{'b' * 32}.image", b"a key without a subject")
    write_whole(vault.keys_dir / f"{person.given.consent.subject_id}.image.1234.tmp", b"a draft")
    assert purge(store).strays == 3
    assert len(files(store)) == 4
    assert actions(store)[-1] == "STRAYS_REMOVED"
    assert len(look_up(store, person.code).images) == 1
    assert purge(store) == NOTHING


def test_a_stray_that_became_known_meanwhile_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(store)
    looks = iter([(set(), set())])
    real = purge_module._known_ids
    monkeypatch.setattr(
        purge_module, "_known_ids", lambda session: next(looks, None) or real(session)
    )
    assert purge(store) == NOTHING


def test_while_a_reader_holds_an_old_state_purged_is_not_said(
    sqlite_store: Store, clock: FakeClock
) -> None:
    person = plant(sqlite_store)
    clock.forward(days=30)
    reader = raw(sqlite_store)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM subject").fetchall()
    report = purge(sqlite_store)
    assert (report.images, report.unfinished, report.done) == (1, 1, False)
    assert "PURGED" not in actions(sqlite_store)
    reader.execute("COMMIT")
    reader.close()
    assert purge(sqlite_store).done
    assert actions(sqlite_store).count("PURGED") == 1
    assert found(sqlite_store.data_dir, person.needles) == set()
