"""What "deleted" means, point by point; kill -9 at every step is in crash_run.py."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from db.consent.purge import purge
from db.errors import (
    SealBrokenError,
    UnknownCodeError,
)
from db.store import Store, open_store
from db.types import JobState, Purpose
from services.admin.review import erasure_jobs
from services.analysis.records import record_analysis
from services.person.consent import erase, resume, withdraw
from services.person.export import export, look_up
from tests.db.fixtures import FakeClock
from tests.db.tools import actions, counts, dump, files, raw, verified
from tests.db.traces import found, found_in_rows, plant

PERSONAL_TABLES = ("subject", "consent_record", "analysis", "stored_image")


def test_the_search_finds_what_is_there(sqlite_store: Store) -> None:
    """Without this, finding nothing later would prove nothing."""
    person = plant(sqlite_store)
    stored = set(person.needles) - person.never
    assert found(sqlite_store.data_dir, person.needles) == stored
    sealed_away = {"sealed image", "key record", "key result", "key image", "image id"}
    assert found_in_rows(sqlite_store, person.needles) == stored - sealed_away | {"image id"}


def test_nothing_personal_is_ever_written_in_the_clear(
    sqlite_store: Store, tmp_path: Path
) -> None:
    person = plant(sqlite_store)
    export(sqlite_store, person.code)
    resume(sqlite_store, person.code)
    assert not found(sqlite_store.data_dir, person.needles) & person.never
    assert not found(tmp_path, person.needles)


def test_after_an_erasure_no_row_and_no_byte_is_left(sqlite_store: Store, tmp_path: Path) -> None:
    person = plant(sqlite_store)
    job = erase(sqlite_store, person.code)
    assert job.done
    assert job.counts == {"stored_image": 1, "analysis": 1, "consent_record": 1, "subject": 1}
    assert found_in_rows(sqlite_store, person.needles) == set()
    assert found(sqlite_store.data_dir, person.needles) == set()
    assert found(tmp_path, person.needles) == set()


def test_after_an_erasure_no_row_is_left_on_either_engine(store: Store) -> None:
    person = plant(store)
    assert found_in_rows(store, person.needles)
    assert erase(store, person.code).done
    assert found_in_rows(store, person.needles) == set()
    assert found(store.data_dir, person.needles) == set()
    assert {counts(store)[table] for table in PERSONAL_TABLES} == {0}
    with pytest.raises(UnknownCodeError, match="20 characters"):
        look_up(store, person.code)


def test_the_database_is_sound_and_the_log_says_what_went(store: Store) -> None:
    person = plant(store)
    erase(store, person.code)
    assert verified(store).ok
    assert actions(store).count("ERASED") == 1
    with store.engine.connect() as connection:
        details = connection.execute(
            text("SELECT details_json FROM audit_event WHERE action = 'ERASED'")
        ).scalar_one()
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert details == '{"analysis":1,"consent_record":1,"stored_image":1,"subject":1}'


def test_erasing_twice_gives_the_same_answer_and_touches_nobody_else(
    store: Store, clock: FakeClock
) -> None:
    person, other = plant(store), plant(store, "somebody else")
    with store.engine.connect() as connection:
        before = {
            table: connection.execute(
                text(f"SELECT * FROM {table} WHERE {column} = :id"),
                {"id": other.given.consent.subject_id},
            ).all()
            for table, column in zip(PERSONAL_TABLES, ("id", *["subject_id"] * 3), strict=True)
        }
    first = erase(store, person.code)
    clock.forward(days=1)
    rows = dump(store)
    assert erase(store, person.code.lower()) == first
    assert dump(store) == rows
    with store.engine.connect() as connection:
        for table, column in zip(PERSONAL_TABLES, ("id", *["subject_id"] * 3), strict=True):
            after = connection.execute(
                text(f"SELECT * FROM {table} WHERE {column} = :id"),
                {"id": other.given.consent.subject_id},
            ).all()
            assert after == before[table]
    view = look_up(store, other.code)
    assert store.vault.read_image(view.subject_id, view.images[0].id).startswith(b"\xff\xd8")


def test_an_unknown_code_changes_nothing(store: Store) -> None:
    plant(store)
    rows = dump(store)
    with pytest.raises(UnknownCodeError):
        erase(store, "AAAAA-AAAAA-AAAAA-AAAAA")
    assert dump(store) == rows


def test_what_an_old_backup_holds_cannot_be_opened(
    data_dir: Path, clock: FakeClock, quick_dir: Path
) -> None:
    """Everything but the folder of data keys is backed up, the master key included."""
    store = open_store(data_dir, clock=clock)
    person = plant(store)
    store.close()
    backup = quick_dir / "backup"
    shutil.copytree(data_dir, backup, ignore=shutil.ignore_patterns("keys"))

    store = open_store(data_dir, clock=clock)
    assert erase(store, person.code).done
    store.close()

    shutil.copytree(data_dir / "keys", backup / "keys")  # those of today: his are destroyed
    restored = open_store(backup, clock=clock)
    with pytest.raises(SealBrokenError, match="key of this item was destroyed"):
        look_up(restored, person.code)
    image = next(path for path in files(restored) if path.parent.parent.name == "images")
    with pytest.raises(SealBrokenError, match="destroyed"):
        restored.vault.read_image(person.given.consent.subject_id or "", image.name)
    assert not found(backup, person.needles) & person.never
    restored.close()


def test_a_backup_without_its_keys_is_the_positive_control(
    data_dir: Path, clock: FakeClock, quick_dir: Path
) -> None:
    store = open_store(data_dir, clock=clock)
    person = plant(store)
    store.close()
    backup = quick_dir / "backup"
    shutil.copytree(data_dir, backup)
    restored = open_store(backup, clock=clock)
    assert look_up(restored, person.code).analyses[0].result == {
        "needle": person.needles["result"].hex()
    }
    restored.close()


def test_while_a_reader_holds_an_old_state_deleted_is_not_said(sqlite_store: Store) -> None:
    person = plant(sqlite_store)
    reader = raw(sqlite_store)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM subject").fetchall()
    job = erase(sqlite_store, person.code)
    assert (job.state, job.done) == (JobState.ROWS_DELETED, False)
    assert "ERASED" not in actions(sqlite_store)
    assert [job.done for job in erasure_jobs(sqlite_store)] == [False]
    assert not erase(sqlite_store, person.code).done
    assert purge(sqlite_store).unfinished == 1

    reader.execute("COMMIT")
    reader.close()
    assert purge(sqlite_store).done
    assert erase(sqlite_store, person.code).done
    assert actions(sqlite_store).count("ERASED") == 1
    assert found(sqlite_store.data_dir, person.needles) == set()


def test_withdrawing_the_image_destroys_its_key_only(sqlite_store: Store) -> None:
    person = plant(sqlite_store)
    withdraw(sqlite_store, person.given.consent, {Purpose.KEEP_IMAGE})
    left = found(sqlite_store.data_dir, person.needles)
    assert not left & {"sealed image", "key image", "image id", "image"}
    assert {"sealed result", "key result", "key record"} <= left


def test_derived_rows_die_and_pending_work_ends_with_the_consent(store: Store) -> None:
    person = plant(store)
    held = person.given.consent
    withdraw(store, held)
    with pytest.raises(Exception, match="took your consent back"):
        record_analysis(
            store, held, model_id="m", face_count=0, result={"late": True}, image_rgb=None
        )
    assert {counts(store)[table] for table in PERSONAL_TABLES} == {0}


def test_the_log_still_counts_an_erased_person_but_knows_nobody(store: Store) -> None:
    person = plant(store)
    pseudonym = person.given.consent.pseudonym
    receipt = str(person.given.receipt)
    assert pseudonym not in receipt
    erase(store, person.code)
    rows = dump(store)
    assert pseudonym in rows  # on events and audit rows, with nothing that leads to the person
    for table in PERSONAL_TABLES:
        assert f'{table}["' not in rows
