"""Somebody who may write into the data folder but lacks the key, and then any start of Mien."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.operate.store import store_app
from db.audit import log as audit
from db.audit.chain import AuditRow, row_hash
from db.audit.head import HEAD_FILE
from db.consent.events import require
from db.database.engine import SQLITE_FILE_NAME
from db.errors import (
    ConsentForgedError,
    NoPolicyError,
    StoreError,
    StoreMissingError,
    StoreTamperedError,
)
from db.policy import retention
from db.seal.master_key import KEY_FILE
from db.store import Store, look_at_store, open_store
from db.types import AdminIdentity, Choices, Kind, NoticeKind, Purpose
from services.admin.review import evaluation_items, set_retention
from services.admin.sign_in import create_admin, current, set_admin_disabled, sign_in
from services.person.consent import Given, current_notice, erase, resume, withdraw
from services.person.export import export, look_up
from services.store import chain_status
from tests.db.fixtures import QUICK_HASHER, FakeClock
from tests.db.tools import agree, analyse, fill, raw, verified
from tests.db.traces import plant

ROWS = 14
ADMIN = AdminIdentity("admin:0", "ada", "password")


def attack(store: Store, *statements: str) -> None:
    """Run SQL with the triggers out of the way, as whoever owns the file can."""
    connection = raw(store)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    kept = triggers.fetchall()
    for name, _ in kept:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in kept:
        connection.execute(sql)
    connection.close()


def start(store: Store, clock: FakeClock) -> None:
    open_store(store.data_dir, clock=clock).close()


CUT = "DELETE FROM audit_event WHERE seq > 9"
NO_KEY = "DELETE FROM store_info WHERE name = 'key_check'"


@pytest.mark.parametrize("also", ["SELECT 1", "DELETE FROM retention_policy"])
def test_a_cut_log_is_not_laundered_by_a_start(
    sqlite_store: Store, clock: FakeClock, also: str
) -> None:
    fill(sqlite_store, ROWS)
    with sqlite3.connect(sqlite_store.data_dir / SQLITE_FILE_NAME) as db:
        check = db.execute("SELECT value FROM store_info WHERE name = 'key_check'").fetchone()[0]
    head = (sqlite_store.data_dir / HEAD_FILE).read_bytes()
    attack(sqlite_store, CUT, NO_KEY, also)
    for _ in range(2):
        with pytest.raises(StoreTamperedError, match="no longer says which key"):
            start(sqlite_store, clock)
    assert (sqlite_store.data_dir / HEAD_FILE).read_bytes() == head
    attack(sqlite_store, f"INSERT INTO store_info VALUES ('key_check', '{check}')")
    start(sqlite_store, clock)
    status = verified(sqlite_store)
    assert not status.ok
    assert status.problem == f"Rows 10 to {ROWS} were cut off."


def attack_server(store: Store, *statements: str) -> None:
    """The same on a server of PostgreSQL, as whoever may do everything there."""
    with store.engine.connect() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # no triggers
        for statement in statements:
            connection.execute(text(statement))
        connection.execute(text("SET session_replication_role = DEFAULT"))
        connection.commit()


@pytest.fixture
def server_store(store: Store) -> Store:
    if store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite's files are attacked above")
    return store


def test_on_postgresql_a_cut_log_is_not_laundered_by_a_start(
    server_store: Store, open_again: Callable[[], Store]
) -> None:
    fill(server_store, ROWS)
    head = (server_store.data_dir / HEAD_FILE).read_bytes()
    with server_store.engine.connect() as connection:
        found = text("SELECT value FROM store_info WHERE name = 'key_check'")
        check = connection.execute(found).scalar_one()
    attack_server(server_store, CUT, NO_KEY, "DELETE FROM retention_policy")
    for _ in range(2):
        with pytest.raises(StoreTamperedError, match="no longer says which key"):
            open_again()
    assert (server_store.data_dir / HEAD_FILE).read_bytes() == head
    attack_server(server_store, f"INSERT INTO store_info VALUES ('key_check', '{check}')")
    status = verified(server_store)
    assert not status.ok
    assert status.problem == f"Rows 10 to {ROWS} were cut off."


def test_on_postgresql_an_emptied_schema_is_an_alarm_and_no_new_store(
    server_store: Store, open_again: Callable[[], Store]
) -> None:
    fill(server_store, ROWS)
    head = (server_store.data_dir / HEAD_FILE).read_bytes()
    with server_store.engine.connect() as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
    attack_server(server_store, f"DROP SCHEMA {schema} CASCADE", f"CREATE SCHEMA {schema}")
    for _ in range(2):
        with pytest.raises(StoreError):
            open_again()
    assert (server_store.data_dir / HEAD_FILE).read_bytes() == head


def test_on_postgresql_a_longer_retention_does_not_act_and_is_found(server_store: Store) -> None:
    with server_store.read() as look:
        before = retention.policy_days(look.session)
    attack_server(server_store, "UPDATE retention_policy SET days = 5000")
    assert not chain_status(server_store).ok
    # It says that it is forged, or stays as it was: both keep the change from acting.
    with contextlib.suppress(StoreError), server_store.read() as look:
        assert retention.policy_days(look.session) == before


def test_a_second_beginning_within_the_log_is_questioned(sqlite_store: Store) -> None:
    """Not even whoever has the key begins a second log within the first one unseen."""
    fill(sqlite_store, 9)
    with sqlite_store.write() as unit:
        unit.log(audit.Action.STORE_CREATED, "system", {"generation": 2})
    status = verified(sqlite_store)
    assert (status.ok, status.first_bad_seq) == (False, 10)
    assert "second log" in status.problem


@pytest.mark.parametrize(
    "gone",
    [
        (SQLITE_FILE_NAME,),
        (SQLITE_FILE_NAME, str(HEAD_FILE)),
        (SQLITE_FILE_NAME, str(KEY_FILE)),
    ],
)
def test_a_database_that_is_gone_is_an_alarm_and_no_new_store(
    sqlite_store: Store, clock: FakeClock, gone: tuple[str, ...]
) -> None:
    fill(sqlite_store, ROWS)
    sqlite_store.close()
    for name in gone:
        (sqlite_store.data_dir / name).unlink()
    before = listing(sqlite_store.data_dir)
    for _ in range(2):
        with pytest.raises(StoreTamperedError, match="There was a store here"):
            start(sqlite_store, clock)
    assert listing(sqlite_store.data_dir) == before
    with pytest.raises(StoreTamperedError):
        look_at_store(sqlite_store.data_dir)


def test_with_all_three_gone_a_store_is_begun(sqlite_store: Store, clock: FakeClock) -> None:
    sqlite_store.close()
    shutil.rmtree(sqlite_store.data_dir)
    start(sqlite_store, clock)


@pytest.mark.parametrize("command", ["verify", "status"])
def test_verifying_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    mistyped = tmp_path / "dtaa"
    monkeypatch.setenv("MIEN_DATA_DIR", str(mistyped))
    said = CliRunner().invoke(store_app, [command])
    assert isinstance(said.exception, StoreMissingError)
    assert not mistyped.exists()


def test_looking_changes_no_file(sqlite_store: Store) -> None:
    plant(sqlite_store)
    sqlite_store.close()
    before = listing(sqlite_store.data_dir)
    look = look_at_store(sqlite_store.data_dir)
    assert chain_status(look).ok
    with pytest.raises(Exception, match=r"."), look.write() as unit:
        unit.log(audit.Action.EXPORTED, "person:x")
    look.close()
    assert listing(sqlite_store.data_dir) == before


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_old_head_does_not_pass_after_a_reanchoring(sqlite_store: Store) -> None:
    """Cut, reanchor (which the log shows), then try to hide the reanchoring with an older head."""
    from services.store import reanchor

    fill(sqlite_store, ROWS)
    old = (sqlite_store.data_dir / HEAD_FILE).read_bytes()
    fill(sqlite_store, ROWS + 2)
    attack(sqlite_store, f"DELETE FROM audit_event WHERE seq > {ROWS}")
    reanchor(sqlite_store)
    assert verified(sqlite_store).ok
    content = json.loads((sqlite_store.data_dir / HEAD_FILE).read_text())
    assert content["generation"] == 2
    for words in (old.decode(), json.dumps({**content, "generation": 1})):
        (sqlite_store.data_dir / HEAD_FILE).write_text(words)
        fill(sqlite_store, verified(sqlite_store).count + 1)
    assert not verified(sqlite_store).ok


def refused_person(store: Store) -> str:
    """Somebody who let a photo be kept and said no to evaluation."""
    given = agree(store, Choices(analyse=True, keep_image=True))
    analyse(store, given.consent)
    return given.consent.pseudonym


GIVE = (
    "INSERT INTO consent_event SELECT seq + 100, at, pseudonym, 'evaluation', 'given', notice_id, "
    "context, valid_until, mac FROM consent_event WHERE purpose = 'analyse'"
)


def test_a_forged_consent_puts_nobody_into_the_evaluation(sqlite_store: Store) -> None:
    pseudonym = refused_person(sqlite_store)
    attack(sqlite_store, GIVE)
    assert list(evaluation_items(sqlite_store, admin=ADMIN)) == []
    with sqlite_store.read() as look, pytest.raises(ConsentForgedError, match="changed from out"):
        require(look, pseudonym)
    assert "of the rows of consent_event" in verified(sqlite_store).problem


def test_a_subject_that_points_to_another_consent_is_left_out(sqlite_store: Store) -> None:
    refused_person(sqlite_store)
    other = agree(sqlite_store)
    attack(
        sqlite_store,
        f"UPDATE subject SET pseudonym = 'x' WHERE pseudonym = '{other.consent.pseudonym}'",
        f"UPDATE subject SET pseudonym = '{other.consent.pseudonym}' WHERE pseudonym <> 'x'",
    )
    assert list(evaluation_items(sqlite_store, admin=ADMIN)) == []
    assert "of the rows of subject" in verified(sqlite_store).problem


def test_a_withdrawal_that_was_taken_away_does_not_come_back(sqlite_store: Store) -> None:
    given = agree(sqlite_store)
    analyse(sqlite_store, given.consent)
    withdraw(sqlite_store, given.consent, {Purpose.EVALUATION})
    attack(sqlite_store, "DELETE FROM consent_event WHERE state = 'withdrawn'")
    assert list(evaluation_items(sqlite_store, admin=ADMIN)) == []
    assert "more than the log says" in verified(sqlite_store).problem
    assert erase(sqlite_store, given.code or "").done  # which nothing may hold up


def test_a_signed_event_cannot_be_put_back_later(sqlite_store: Store) -> None:
    given = agree(sqlite_store)
    withdraw(sqlite_store, given.consent, {Purpose.EVALUATION})
    attack(
        sqlite_store,
        "INSERT INTO consent_event SELECT seq + 100, at, pseudonym, purpose, state, notice_id, "
        "context, valid_until, mac FROM consent_event WHERE purpose = 'evaluation' "
        "AND state = 'given'",
    )
    with sqlite_store.read() as look, pytest.raises(ConsentForgedError):
        require(look, given.consent.pseudonym)


def test_a_changed_notice_takes_no_effect_and_is_published_anew(
    sqlite_store: Store, clock: FakeClock
) -> None:
    shown = current_notice(sqlite_store)
    attack(sqlite_store, "UPDATE notice SET text = 'You agree to everything.'")
    with pytest.raises(NoPolicyError, match="changed from outside"):
        current_notice(sqlite_store)
    assert "published text is missing or was changed" in verified(sqlite_store).problem
    start(sqlite_store, clock)
    again = current_notice(sqlite_store)
    assert (again.text, again.version) == (shown.text, shown.version + 1)
    assert again.kind is NoticeKind.NOTICE


def test_a_changed_retention_takes_no_effect(sqlite_store: Store, clock: FakeClock) -> None:
    set_retention(sqlite_store, Kind.IMAGE, 1000, admin=ADMIN)
    old = raw(sqlite_store).execute("SELECT * FROM retention_policy WHERE kind = 'image'")
    lax = old.fetchone()
    clock.forward(hours=1)
    set_retention(sqlite_store, Kind.IMAGE, 10, admin=ADMIN)
    person = agree(sqlite_store)
    analyse(sqlite_store, person.consent)
    put_back = [f"'{value}'" for value in lax]
    for statement in (
        "UPDATE retention_policy SET days = 5000",
        f"REPLACE INTO retention_policy VALUES ({', '.join(put_back)})",  # genuine, but old
    ):
        attack(sqlite_store, statement)
        with sqlite_store.read() as look:
            assert retention.policy_days(look.session)[Kind.IMAGE] == 10
        assert "retention" in verified(sqlite_store).problem
    clock.forward(days=10)
    from db.consent.purge import purge

    assert purge(sqlite_store).images == 1


def test_an_admin_of_somebody_elses_making_is_not_let_in(sqlite_store: Store) -> None:
    from db.errors import WrongPasswordError

    create_admin(sqlite_store, "ada", "correct horse battery", by="x", hasher=QUICK_HASHER)
    own_hash = QUICK_HASHER.hash("mallory's password")
    for statement in (
        f"UPDATE admin SET password_hash = '{own_hash}'",
        "INSERT INTO admin SELECT 'x', 'mallory', password_hash, created_at, disabled, 0, NULL, "
        "mac FROM admin",
    ):
        attack(sqlite_store, statement)
    for name in ("ada", "mallory"):
        with pytest.raises(WrongPasswordError):
            sign_in(sqlite_store, name, "mallory's password", hasher=QUICK_HASHER)
    assert "2 of the rows of admin" in verified(sqlite_store).problem


def test_an_account_that_was_disabled_does_not_come_back(sqlite_store: Store) -> None:
    from db.errors import SessionEndedError, WrongPasswordError

    password = "correct horse battery"
    create_admin(sqlite_store, "ada", password, by="x", hasher=QUICK_HASHER)
    token = sign_in(sqlite_store, "ada", password, hasher=QUICK_HASHER)
    db = raw(sqlite_store)
    account = db.execute("SELECT * FROM admin").fetchone()
    session = db.execute("SELECT * FROM admin_session").fetchone()
    set_admin_disabled(sqlite_store, "ada", True, by="x")
    for table, row in (("admin", account), ("admin_session", session)):
        marks = ", ".join("?" * len(row))
        db.execute(f"REPLACE INTO {table} VALUES ({marks})", row)  # genuine, but old
    with pytest.raises(WrongPasswordError):
        sign_in(sqlite_store, "ada", password, hasher=QUICK_HASHER)
    with pytest.raises(SessionEndedError):
        current(sqlite_store, token)
    assert "admin account" in verified(sqlite_store).problem
    set_admin_disabled(sqlite_store, "ada", False, by="x")
    sign_in(sqlite_store, "ada", password, hasher=QUICK_HASHER)


def swap(store: Store, column: str, one: Given, other: Given) -> None:
    """Exchange a value of two persons."""
    names = (one.consent.pseudonym, other.consent.pseudonym)
    rows = dict(raw(store).execute(f"SELECT pseudonym, {column} FROM subject").fetchall())
    ids = dict(raw(store).execute("SELECT pseudonym, id FROM subject").fetchall())
    attack(
        store,
        *(
            f"UPDATE subject SET {column} = '{n}' WHERE id = '{ids[name]}'"
            for n, name in enumerate(names)
        ),
        f"UPDATE subject SET {column} = '{rows[names[1]]}' WHERE id = '{ids[names[0]]}'",
        f"UPDATE subject SET {column} = '{rows[names[0]]}' WHERE id = '{ids[names[1]]}'",
    )


def test_a_receipt_code_of_ones_own_opens_nobody_elses_pictures(sqlite_store: Store) -> None:
    victim, mallory = agree(sqlite_store), agree(sqlite_store)
    analyse(sqlite_store, victim.consent)
    swap(sqlite_store, "code_hash", victim, mallory)
    code = mallory.code or ""
    for open_with in (look_up, export):
        with pytest.raises(ConsentForgedError, match="changed from outside"):
            open_with(sqlite_store, code)
    with pytest.raises(ConsentForgedError):
        resume(sqlite_store, code)
    assert "of the rows of subject" in verified(sqlite_store).problem
    swap(sqlite_store, "code_hash", mallory, victim)
    assert len(look_up(sqlite_store, victim.code or "").images) == 1
    assert erase(sqlite_store, victim.code or "").done


def test_pictures_are_not_kept_under_a_consent_that_was_exchanged(sqlite_store: Store) -> None:
    """Put back afterwards, all rows would be genuine, and the picture with the wrong person."""
    victim, mallory = agree(sqlite_store), agree(sqlite_store)
    swap(sqlite_store, "pseudonym", victim, mallory)
    with pytest.raises(ConsentForgedError):
        analyse(sqlite_store, victim.consent)
    swap(sqlite_store, "pseudonym", victim, mallory)
    assert len(look_up(sqlite_store, mallory.code or "").images) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_image SET promised_until = '2040-01-01 00:00:00'",
        "UPDATE stored_image SET stored_at = '2026-03-05 00:00:00'",
        "UPDATE analysis SET stored_at = datetime(stored_at, '9 days')",
        "UPDATE consent_record SET image_until = '2040-01-01 00:00:00'",
        "UPDATE consent_record SET given_at = '2039-12-01', valid_until = '2040-01-01 00:00:00'",
        "UPDATE stored_image SET subject_id = (SELECT id FROM subject WHERE id <> subject_id)",
    ],
)  # fmt: skip
def test_longer_times_of_what_is_kept_are_found(
    sqlite_store: Store, clock: FakeClock, statement: str
) -> None:
    person = agree(sqlite_store)
    clock.forward(hours=3)
    analyse(sqlite_store, person.consent)
    clock.forward(hours=3)
    agree(sqlite_store)
    withdraw(sqlite_store, person.consent, {Purpose.EVALUATION})
    assert verified(sqlite_store).ok
    attack(sqlite_store, statement)
    assert "Times of what is kept" in verified(sqlite_store).problem


@pytest.mark.parametrize("note", ["", "yesterday", "9999-99-99T00:00:00.000000Z"])
def test_nonsense_about_the_last_purge_holds_up_none(
    sqlite_store: Store, clock: FakeClock, note: str
) -> None:
    from db.consent.purge import purge

    analyse(sqlite_store, agree(sqlite_store).consent)
    attack(sqlite_store, f"REPLACE INTO store_info VALUES ('last_purge', '{note}')")
    clock.forward(days=31)
    assert purge(sqlite_store).images == 1


def test_a_forged_row_of_the_log_bears_nothing_out(sqlite_store: Store) -> None:
    """A consent forged in both places: event and log, the latter without the key."""
    pseudonym = refused_person(sqlite_store)
    with sqlite_store.read() as look:
        last = audit.last_row(look.session)
    assert last is not None
    row = AuditRow(
        last.seq + 1, last.ts_utc, f"person:{pseudonym}", "CONSENT_GIVEN", "",
        '{"analyse":true,"evaluation":true,"keep_image":true}', last.hash, "",
    )  # fmt: skip
    forged_hash = row_hash(b"k" * 32, row)
    values = ", ".join(f"'{value}'" for value in (*list(vars(row).values())[:-1], forged_hash))
    attack(sqlite_store, GIVE, f"INSERT INTO audit_event VALUES ({values})")
    assert list(evaluation_items(sqlite_store, admin=ADMIN)) == []


def test_damaged_pages_are_found(sqlite_store: Store) -> None:
    for number in range(30):
        plant(sqlite_store, str(number))
    sqlite_store.close()
    path = sqlite_store.data_dir / SQLITE_FILE_NAME
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in range(20, pages):
        damaged = bytearray(content)
        damaged[page * 4096 : page * 4096 + 400] = b"\xff" * 400
        path.write_bytes(damaged)
        assert "damaged" in what_verify_says(sqlite_store.data_dir), page


def what_verify_says(data_dir: Path) -> str:
    try:
        look = look_at_store(data_dir)
        words = chain_status(look).problem
    except StoreError as error:
        return str(error)
    look.close()
    return words
