"""Random histories against a simple model of what must remain.

`MIEN_TEST_HISTORIES=1000` runs as many on SQLite; the default is fewer, to stay quick.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine, text

from db.consent.purge import purge
from db.errors import ConsentError, UnknownCodeError
from db.store import Store, open_store
from db.types import AdminIdentity, Choices, Kind, Purpose
from services.admin.review import set_retention
from services.person.consent import Given, erase, withdraw
from services.person.export import look_up
from tests.db.fixtures import MEMORY_DIR, NO_POSTGRES, POSTGRES_URL, START, FakeClock
from tests.db.tools import agree, analyse, counts, verified
from tests.db.traces import found

HISTORIES = int(os.environ.get("MIEN_TEST_HISTORIES", "150"))
ADMIN = AdminIdentity("admin:0", "ada", "password")
KEEP = {Kind.RESULT: Purpose.KEEP_RESULT, Kind.IMAGE: Purpose.KEEP_IMAGE}
PERSON = st.integers(0, 5)
PURPOSES = st.sets(st.sampled_from(list(Purpose)), min_size=1)


@dataclass
class Item:
    kind: Kind
    id: str
    stored_at: datetime
    days: int


@dataclass
class Person:
    """What the model knows of somebody: the promises, and the items that were not removed."""

    agreed: Given
    given_at: datetime
    given: set[Purpose]
    promised: dict[Kind, int]
    items: list[Item] = field(default_factory=list)
    has_record: bool = True


class Histories(RuleBasedStateMachine):
    """Does things to a store and to the model, and compares after each."""

    database_url: str | None = None
    template: Path

    def __init__(self) -> None:
        super().__init__()
        base = MEMORY_DIR if os.access(MEMORY_DIR, os.W_OK) else None
        self.root = Path(tempfile.mkdtemp(prefix="mien-test-", dir=base))
        self.clock = FakeClock()
        self.people: list[Person] = []
        self.policy = {Kind.RESULT: 30, Kind.IMAGE: 30}
        self.gone: dict[str, bytes] = {}
        self.schema = ""

    @initialize()
    def start(self) -> None:
        data_dir = self.root / "data"
        url = None
        if self.database_url:
            self.schema = f"test_{uuid4().hex}"
            _execute(f"CREATE SCHEMA {self.schema}")
            url = f"{POSTGRES_URL}?options=-csearch_path%3D{self.schema}"
        else:
            shutil.copytree(self.template, data_dir)
        self.store: Store = open_store(data_dir, database_url=url, clock=self.clock)
        self.url = url

    # What people and time do

    @rule(choices=st.builds(Choices, *[st.booleans()] * 4))
    def agree(self, choices: Choices) -> None:
        given = agree(self.store, choices)
        wanted = {Kind.RESULT: choices.keep_result, Kind.IMAGE: choices.keep_image}
        promised = {
            kind: self.policy[kind]
            for kind in wanted
            if wanted[kind] and choices.analyse and self.policy[kind]
        }
        assert (given.code is not None) == bool(promised)
        person = Person(given, self.clock.now, set(choices.given), promised)
        person.has_record = bool(promised)
        self.people.append(person)

    @precondition(lambda self: self.people)
    @rule(which=PERSON)
    def analyse(self, which: int) -> None:
        person = self._person(which)
        longest = max(person.promised.values(), default=0)
        valid = timedelta(days=longest) if longest else timedelta(hours=12)
        if Purpose.ANALYSE not in person.given or self.clock.now >= person.given_at + valid:
            with pytest.raises(ConsentError):
                analyse(self.store, person.agreed.consent)
            return
        kept = analyse(self.store, person.agreed.consent)
        for kind, item_id in ((Kind.RESULT, kept.analysis_id), (Kind.IMAGE, kept.image_id)):
            days = min(person.promised.get(kind, 0), self.policy[kind])
            may = person.has_record and KEEP[kind] in person.given
            may = may and self.clock.now < person.given_at + timedelta(days=days)
            assert (item_id is not None) == may
            if item_id is not None:
                person.items.append(Item(kind, item_id, self.clock.now, person.promised[kind]))

    @precondition(lambda self: self.people)
    @rule(which=PERSON, purposes=PURPOSES)
    def withdraw(self, which: int, purposes: set[Purpose]) -> None:
        person = self._person(which)
        withdraw(self.store, person.agreed.consent, purposes)
        had = any(KEEP[kind] in person.given for kind in KEEP)
        person.given -= set(Purpose) if Purpose.ANALYSE in purposes else purposes
        keeps = any(KEEP[kind] in person.given for kind in KEEP)
        if had and not keeps:
            person.given.discard(Purpose.EVALUATION) if person.has_record else None
        for item in list(person.items):
            if KEEP[item.kind] not in person.given:
                self._remove(person, item)
        if person.has_record and not keeps:
            self._remove_record(person)

    @precondition(lambda self: any(person.has_record for person in self.people))
    @rule(which=PERSON)
    def erase(self, which: int) -> None:
        with_record = [person for person in self.people if person.has_record]
        person = with_record[which % len(with_record)]
        assert erase(self.store, person.agreed.code or "").done
        for item in list(person.items):
            self._remove(person, item)
        self._remove_record(person)
        person.given.clear()

    @rule()
    def purge(self) -> None:
        assert purge(self.store).done
        self._model_purge()

    @rule(days=st.integers(0, 40), seconds=st.sampled_from([0, 0, 1, 43_200]))
    def forward(self, days: int, seconds: int) -> None:
        self.clock.forward(days=days, seconds=seconds)

    @rule(kind=st.sampled_from(list(KEEP)), days=st.sampled_from([0, 1, 10, 30, 90]))
    def set_retention(self, kind: Kind, days: int) -> None:
        self._model_purge()
        set_retention(self.store, kind, days, admin=ADMIN)
        self.policy[kind] = days

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.root / "data", database_url=self.url, clock=self.clock)

    # The model

    def _person(self, which: int) -> Person:
        return self.people[which % len(self.people)]

    def _alive(self, item: Item) -> bool:
        days = min(item.days, self.policy[item.kind])
        return self.clock.now < item.stored_at + timedelta(days=days)

    def _remove(self, person: Person, item: Item) -> None:
        person.items.remove(item)
        self.gone[item.id] = bytes.fromhex(item.id)

    def _remove_record(self, person: Person) -> None:
        person.has_record = False
        consent = person.agreed.consent
        for item_id in (consent.record_id, consent.subject_id):
            assert item_id is not None
            self.gone[item_id] = bytes.fromhex(item_id)

    def _model_purge(self) -> None:
        for person in self.people:
            for item in list(person.items):
                if not self._alive(item):
                    self._remove(person, item)
            open_kinds = [
                kind
                for kind, days in person.promised.items()
                if KEEP[kind] in person.given
                and self.clock.now < person.given_at + timedelta(days=min(days, self.policy[kind]))
            ]
            if person.has_record and not person.items and not open_kinds:
                self._remove_record(person)
                person.given.clear()

    # What must hold

    @invariant()
    def each_person_sees_what_the_model_knows(self) -> None:
        for person in self.people:
            code = person.agreed.code
            if not person.has_record:
                if code is not None:
                    with pytest.raises(UnknownCodeError):
                        look_up(self.store, code)
                continue
            view = look_up(self.store, code or "")
            seen = {item.id for item in (*view.analyses, *view.images)}
            assert seen == {item.id for item in person.items if self._alive(item)}

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        try:
            self._compare_bytes()
        finally:
            self.store.close()
            shutil.rmtree(self.root)
            if self.schema:
                _execute(f"DROP SCHEMA {self.schema} CASCADE")

    def _compare_bytes(self) -> None:
        assert purge(self.store).done
        self._model_purge()
        items = [item for person in self.people for item in person.items]
        rows = counts(self.store)
        assert rows["analysis"] == sum(item.kind is Kind.RESULT for item in items)
        assert rows["stored_image"] == sum(item.kind is Kind.IMAGE for item in items)
        assert rows["subject"] == rows["consent_record"]
        assert rows["subject"] == sum(person.has_record for person in self.people)
        status = verified(self.store)
        assert status.ok, status.problem
        assert found(self.root, self.gone) == set()
        if not self.url:
            alive = {item.id: bytes.fromhex(item.id) for item in items}
            assert found(self.root, alive) == set(alive)
            with self.store.engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def _execute(statement: str) -> None:
    engine = create_engine(POSTGRES_URL.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    open_store(folder, clock=FakeClock(START)).close()
    return folder


def run(machine: type[Histories], histories: int) -> None:
    limits: dict[str, Any] = {"max_examples": histories, "stateful_step_count": 12}
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine, settings=settings(deadline=None, suppress_health_check=checks, **limits)
    )


def test_random_histories_on_sqlite(template: Path) -> None:
    machine = type("SqliteHistories", (Histories,), {"template": template})
    run(machine, HISTORIES)


@pytest.mark.slow
def test_a_thousand_random_histories_on_sqlite(template: Path) -> None:
    machine = type("SqliteHistories", (Histories,), {"template": template})
    run(machine, 1_000)


def test_random_histories_on_postgresql() -> None:
    if not POSTGRES_URL:
        pytest.skip(NO_POSTGRES)
    machine = type("PostgresHistories", (Histories,), {"database_url": POSTGRES_URL})
    run(machine, max(HISTORIES // 10, 5))
