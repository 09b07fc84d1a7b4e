"""Kills a process at each of its steps and checks what a restart makes of it.

`python -m tests.db.database.crash_run SCENARIO FOLDER [EVERY]` prints the number of kills. It is a
process of its own because it forks and must not have threads. A step is an SQL statement, BEGIN,
COMMIT and PRAGMA included, or the opening for writing, renaming, linking or removing of a file.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, event

from db.consent.purge import purge
from db.errors import UnknownCodeError
from db.store import Store, open_store
from db.types import Purpose
from services.person.consent import erase, withdraw_by_code
from services.person.export import look_up
from services.store import chain_status
from tests.db.fixtures import START, FakeClock
from tests.db.tools import actions, analyse, counts, files
from tests.db.traces import Person, found, found_in_rows, plant

Scenario = Callable[[Store, Person], None]
Check = Callable[[Store, Person], None]
FILE_EVENTS = {"os.rename", "os.remove", "os.link", "os.mkdir"}
CLOCK = FakeClock()


def main(name: str, folder: Path, every: int = 1) -> int:
    """Kill scenario `name` at each `every`-th step; return how often it was killed."""
    action, check = SCENARIOS[name]
    origin = folder / "origin"
    CLOCK.now = START
    person = None
    if name != "first_start":
        store = open_store(origin, clock=CLOCK)
        person = plant(store)
        plant(store, "somebody else")
        store.close()
    if name == "purge":
        CLOCK.forward(days=30)
    step = 1
    kills = 0
    killed = True
    while killed:
        copy = folder / f"step-{step}"
        if origin.exists():
            shutil.copytree(origin, copy)
        killed = _killed_at(step, copy, action, person)
        try:
            _check_restart(copy, check, person)
        except BaseException:
            print(f"scenario {name}, killed at step {step}", file=sys.stderr)
            raise
        shutil.rmtree(copy)
        kills += killed
        step += every
    return kills


def _killed_at(step: int, data_dir: Path, action: Scenario, person: Person | None) -> bool:
    """Run `action` in a child that is killed just before its step `step`, if it has so many."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if person is None:
                _count_steps(step)
                open_store(data_dir, clock=CLOCK)
            else:
                store = open_store(data_dir, clock=CLOCK)
                store.engine.dispose()  # its next connection is traced
                _count_steps(step)
                action(store, person)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the scenario itself fails"
    return False


def _count_steps(last: int) -> None:
    taken = 0

    def take(*_what: object) -> None:
        nonlocal taken
        taken += 1
        if taken == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit_hook(name: str, args: tuple[object, ...]) -> None:
        writes = name == "open" and isinstance(args[2], int) and args[2] & os.O_ACCMODE
        if name in FILE_EVENTS or writes:
            take()

    @event.listens_for(Engine, "connect")
    def trace(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(take)

    sys.addaudithook(audit_hook)


def _check_restart(data_dir: Path, check: Check, person: Person | None) -> None:
    store = open_store(data_dir, clock=CLOCK)
    try:
        purge(store)
        check(store, person)
        status = chain_status(store)
        assert status.ok, status.problem
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    finally:
        store.close()


def _gone(store: Store, person: Person, done: str) -> None:
    assert found_in_rows(store, person.needles) == set()
    assert found(store.data_dir, person.needles) == set()
    assert actions(store).count(done) == 1


def _erased_or_untouched(store: Store, person: Person) -> None:
    if "ERASURE_REQUESTED" in actions(store):
        _gone(store, person, "ERASED")  # the restart finished it
    else:
        view = look_up(store, person.code)
        assert len(view.analyses) == len(view.images) == 1
        store.vault.read_image(view.subject_id, view.images[0].id)
    assert erase(store, person.code).done
    _gone(store, person, "ERASED")
    assert counts(store)["subject"] == 1
    assert len(files(store)) == 4


def _image_gone_or_untouched(store: Store, person: Person) -> None:
    image = {name: needle for name, needle in person.needles.items() if "image" in name}
    requested = "ERASURE_REQUESTED" in actions(store)
    view = look_up(store, person.code)
    assert len(view.analyses) == 1
    assert len(view.images) == (0 if requested else 1)
    assert bool(found(store.data_dir, image)) == (not requested)


def _purged(store: Store, person: Person) -> None:
    CLOCK.forward(minutes=11)  # a killed purge holds its lease for ten
    purge(store)
    CLOCK.forward(minutes=-11)
    _gone(store, person, "PURGED")
    assert counts(store)["subject"] == 0
    assert files(store) == []


def _kept_whole_or_not_at_all(store: Store, person: Person) -> None:
    CLOCK.forward(minutes=11)
    purge(store)
    CLOCK.forward(minutes=-11)
    rows = counts(store)
    assert rows["analysis"] == rows["stored_image"] == actions(store).count("ANALYSED")
    assert rows["analysis"] in (2, 3)
    assert len(files(store)) == 6 + rows["stored_image"]
    for image in look_up(store, person.code).images:
        store.vault.read_image(person.given.consent.subject_id or "", image.id)


def _usable(store: Store, _person: Person) -> None:
    person = plant(store)
    assert erase(store, person.code).done
    try:
        look_up(store, person.code)
    except UnknownCodeError:
        return
    raise AssertionError("the code still works")


SCENARIOS: dict[str, tuple[Scenario, Check]] = {
    "erase": (lambda store, person: erase(store, person.code) and None, _erased_or_untouched),
    "withdraw_image": (
        lambda store, person: withdraw_by_code(store, person.code, {Purpose.KEEP_IMAGE}) and None,
        _image_gone_or_untouched,
    ),
    "purge": (lambda store, _person: purge(store) and None, _purged),
    "analyse": (
        lambda store, person: analyse(store, person.given.consent) and None,
        _kept_whole_or_not_at_all,
    ),
    "first_start": (lambda _store, _person: None, _usable),
}

if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), int(*sys.argv[3:]) or 1))
