"""Jobs of removal: what they say, that they wait, and that many may be at one."""

import json
import threading

import pytest
from sqlalchemy import Engine, text

from db.consent import erasure
from db.consent.purge import purge
from db.errors import StoreUnreachableError, UnknownCodeError
from db.store import Store
from db.types import ErasureJob, JobReason, JobState, Purpose, Scope
from services.admin.review import erasure_jobs
from services.person.consent import erase, withdraw, withdraw_by_code
from services.person.export import look_up
from tests.db.fixtures import START, FakeClock, Opener
from tests.db.tools import actions, counts, dump, verified
from tests.db.traces import found_in_rows, plant


def details_of(store: Store, action: str) -> dict[str, object]:
    """Details of the newest row of this action in the log."""
    query = text("SELECT details_json FROM audit_event WHERE action = :action ORDER BY seq DESC")
    with store.engine.connect() as connection:
        found: dict[str, object] = json.loads(
            connection.execute(query, {"action": action}).scalars().first() or ""
        )
    return found


def test_a_job_says_why_what_and_when(store: Store, clock: FakeClock) -> None:
    person = plant(store)
    job = erase(store, person.code)
    gone = {"stored_image": 1, "analysis": 1, "consent_record": 1, "subject": 1}
    assert erasure_jobs(store) == (
        ErasureJob(job.id, JobReason.ERASE, Scope.ALL, JobState.DONE, START, START, gone),
    )
    assert details_of(store, "ERASURE_REQUESTED") == {"scope": "all", "reason": "erase"}
    clock.forward(days=1)
    other = plant(store, "somebody else")
    withdraw(store, other.given.consent, {Purpose.KEEP_IMAGE})
    newest = erasure_jobs(store)[0]
    assert (newest.reason, newest.scope) == (JobReason.WITHDRAW, Scope.IMAGE)
    assert newest.requested_at == newest.done_at == clock.now
    assert details_of(store, "ERASURE_REQUESTED") == {"scope": "image", "reason": "withdraw"}
    assert details_of(store, "CONSENT_WITHDRAWN") == {"keep_image": True}


def test_an_erasure_that_cannot_remove_a_file_waits_and_is_finished(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = plant(store), plant(store, "somebody else")

    def refuse(*_args: object, **_kwargs: object) -> bool:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("db.seal.vault.remove", refuse)
        with pytest.raises(StoreUnreachableError, match="cannot be read or written"):
            erase(store, person.code)
        with pytest.raises(UnknownCodeError):  # hidden at once
            look_up(store, person.code)
        with pytest.raises(StoreUnreachableError):
            purge(store)
    assert len(look_up(store, other.code).images) == 1
    assert purge(store).done
    assert found_in_rows(store, person.needles) == set()
    assert erase(store, person.code).done


def test_two_processes_may_carry_out_one_job(store: Store, open_again: Opener) -> None:
    person = plant(store)
    with store.write() as unit:
        from db.consent.subjects import find

        subject = find(unit.session, store.keys, person.code)
        job_id = erasure.request(unit, subject, scope=Scope.ALL, reason=erasure.JobReason.ERASE)
    others = [open_again() for _ in range(3)]
    jobs = []
    threads = [
        threading.Thread(target=lambda own=own: jobs.append(erasure.carry_out(own, job_id)))
        for own in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == 3
    assert purge(store).done
    assert actions(store).count("ROWS_DELETED") == actions(store).count("ERASED") == 1
    assert verified(store).ok


def test_a_job_that_another_process_finished_is_left_alone(store: Store) -> None:
    person = plant(store)
    job = erase(store, person.code)
    rows = dump(store)
    erasure._delete_rows(store, job.id)
    assert erasure.carry_out(store, job.id) == job
    assert dump(store) == rows


def test_a_job_that_another_process_finishes_meanwhile_is_logged_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = plant(store)
    real = erasure.erase_traces

    def meanwhile(engine: Engine) -> bool:
        monkeypatch.setattr(erasure, "erase_traces", real)
        erasure.finish(store, erasure_jobs(store)[0].id)
        return real(engine)

    monkeypatch.setattr(erasure, "erase_traces", meanwhile)
    assert erase(store, person.code).done
    assert actions(store).count("ERASED") == 1


def test_asking_by_code_joins_a_removal_that_is_at_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Withdrawn from the page, then erased with the code while the removal waits."""
    person = plant(store)
    with monkeypatch.context() as patch:
        patch.setattr(
            "db.seal.vault.remove", lambda *_a, **_k: (_ for _ in ()).throw(OSError(5, "io"))
        )
        with pytest.raises(StoreUnreachableError):
            withdraw(store, person.given.consent)
    job = erase(store, person.code)
    assert job.done
    assert erase(store, person.code) == job
    assert len(erasure_jobs(store)) == 1


def test_withdrawing_all_with_the_code_can_be_asked_about_again(store: Store) -> None:
    person = plant(store)
    job = withdraw_by_code(store, person.code).job
    assert job is not None
    assert erase(store, person.code) == job


def test_the_answer_to_an_erasure_goes_too(store: Store, clock: FakeClock) -> None:
    person = plant(store)
    erase(store, person.code)
    clock.forward(days=30, seconds=-1)
    purge(store)
    assert erase(store, person.code).done
    clock.forward(seconds=1)
    purge(store)
    assert counts(store)["erasure_job"] == 0
    with pytest.raises(UnknownCodeError):
        erase(store, person.code)
    assert purge(store).done
    assert actions(store).count("PURGED") == 1
