import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.audit import log as audit
from db.audit.chain import GENESIS_HASH, AuditRow, ChainHead, row_hash
from db.seal.master_key import Keys
from db.store import Store
from services.store import chain_status, reanchor
from tests.db.tools import LOG_ROWS as ROWS
from tests.db.tools import agree, fill, raw, verified

Tamper = Callable[[sqlite3.Connection], object]


def tamper(store: Store, change: Tamper) -> None:
    """Do what somebody with write access to the file could: drop the triggers, then change."""
    connection = raw(store)
    for name in ("audit_event_no_update", "audit_event_no_delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    change(connection)
    connection.close()


@pytest.mark.parametrize(
    "column", ["ts_utc", "actor", "action", "object_id", "details_json", "prev_hash", "hash"]
)
@pytest.mark.parametrize("seq", [1, 5, ROWS])
def test_an_edited_value_is_found_at_its_row(sqlite_store: Store, column: str, seq: int) -> None:
    fill(sqlite_store)
    tamper(
        sqlite_store,
        lambda db: db.execute(
            f"UPDATE audit_event SET {column} = {column} || 'x' WHERE seq = ?", (seq,)
        ),
    )
    status = verified(sqlite_store)
    assert not status.ok
    assert status.first_bad_seq == seq


@settings(deadline=None)  # a loaded machine is no fault
@given(data=st.data())
def test_any_edited_character_is_found(data: st.DataObject) -> None:
    key = b"k" * 32
    text_of = st.text(max_size=8)
    row = AuditRow(3, "t", "actor", "A", "", '{"n":1}', "p", "")
    column = data.draw(st.sampled_from(["ts_utc", "actor", "action", "object_id", "prev_hash"]))
    changed = AuditRow(**{**vars(row), column: data.draw(text_of)})
    same = changed == row
    assert (row_hash(key, changed) == row_hash(key, row)) == same


def test_values_cannot_move_between_columns() -> None:
    key = b"k" * 32
    one = AuditRow(1, "t", "ab", "c", "", "{}", "p", "")
    other = AuditRow(1, "t", "a", "bc", "", "{}", "p", "")
    assert row_hash(key, one) != row_hash(key, other)


def swap(db: sqlite3.Connection) -> None:
    db.execute("UPDATE audit_event SET seq = -4 WHERE seq = 4")
    db.execute("UPDATE audit_event SET seq = 4 WHERE seq = 7")
    db.execute("UPDATE audit_event SET seq = 7 WHERE seq = -4")


def insert_between(db: sqlite3.Connection) -> None:
    db.execute("UPDATE audit_event SET seq = seq + 100 WHERE seq > 5")
    db.execute("UPDATE audit_event SET seq = seq - 99 WHERE seq > 100")
    db.execute(
        "INSERT INTO audit_event SELECT 6, ts_utc, actor, action, object_id, details_json, "
        "'forged', 'forged' FROM audit_event WHERE seq = 5"
    )


STRUCTURAL: list[tuple[str, Tamper, int]] = [
    ("delete the first", lambda db: db.execute("DELETE FROM audit_event WHERE seq = 1"), 1),
    ("delete one", lambda db: db.execute("DELETE FROM audit_event WHERE seq = 6"), 6),
    ("swap two", swap, 4),
    ("insert one", insert_between, 6),
    ("cut the last", lambda db: db.execute(f"DELETE FROM audit_event WHERE seq = {ROWS}"), ROWS),
    ("cut the tail", lambda db: db.execute("DELETE FROM audit_event WHERE seq > 8"), 9),
    ("cut all", lambda db: db.execute("DELETE FROM audit_event"), 1),
]


@pytest.mark.parametrize(("_name", "change", "first_bad"), STRUCTURAL)
def test_structural_changes_are_found(
    sqlite_store: Store, _name: str, change: Tamper, first_bad: int
) -> None:
    fill(sqlite_store)
    tamper(sqlite_store, change)
    status = verified(sqlite_store)
    assert not status.ok
    assert status.first_bad_seq == first_bad
    assert status.problem.startswith((f"Row {first_bad} ", f"Rows {first_bad} to {ROWS} "))


def test_a_chain_rebuilt_without_the_key_is_found(sqlite_store: Store) -> None:
    fill(sqlite_store)
    with sqlite_store.read() as look:
        rows = list(audit.walk(look.session, audit.AuditFilter()))
    other_key = Keys.derive(b"another key, also 32 bytes long!").audit

    def rebuild(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM audit_event")
        prev_hash = GENESIS_HASH
        for row in rows:
            forged = AuditRow(**{**vars(row), "prev_hash": prev_hash, "hash": ""})
            prev_hash = row_hash(other_key, forged)
            values = (*list(vars(forged).values())[:-1], prev_hash)
            db.execute("INSERT INTO audit_event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    tamper(sqlite_store, rebuild)
    status = verified(sqlite_store)
    assert (status.ok, status.first_bad_seq) == (False, 1)
    assert "without the key" in status.problem


def test_rows_appended_after_a_cut_do_not_hide_it(sqlite_store: Store) -> None:
    fill(sqlite_store)
    tamper(sqlite_store, lambda db: db.execute("DELETE FROM audit_event WHERE seq > 8"))
    agree(sqlite_store)  # the product goes on
    fill(sqlite_store, ROWS + 8)
    status = verified(sqlite_store)
    assert not status.ok
    assert status.first_bad_seq == ROWS


def test_a_missing_or_forged_head_is_found(sqlite_store: Store) -> None:
    fill(sqlite_store)
    words = sqlite_store.head.path.read_text()
    for forged in ("", "{}", "[1]", words.replace(f'"seq": {ROWS}', f'"seq": {ROWS - 1}')):
        sqlite_store.head.path.write_text(forged)
        status = verified(sqlite_store)
        assert not status.ok
        assert "head file" in status.problem
        fill(sqlite_store, verified(sqlite_store).count + 1)  # and it stays found
        assert not verified(sqlite_store).ok
    sqlite_store.head.path.unlink()
    assert not verified(sqlite_store).ok


def test_putting_back_database_and_head_shows_against_a_noted_end(sqlite_store: Store) -> None:
    fill(sqlite_store)
    old_head = sqlite_store.head.path.read_bytes()
    fill(sqlite_store, ROWS + 4)
    noted = verified(sqlite_store).end
    tamper(sqlite_store, lambda db: db.execute(f"DELETE FROM audit_event WHERE seq > {ROWS}"))
    sqlite_store.head.path.write_bytes(old_head)
    assert verified(sqlite_store).ok  # nothing here can tell …
    status = chain_status(sqlite_store, noted)  # … but the note can
    assert (status.ok, status.first_bad_seq) == (False, ROWS + 1)


def test_a_head_of_another_chain_is_found_at_its_row(store: Store) -> None:
    fill(store)
    status = chain_status(store, ChainHead(7, "f" * 64, 7))
    assert (status.ok, status.first_bad_seq) == (False, 7)
    assert "remembers" in status.problem


@pytest.mark.parametrize("table", ["audit_event", "consent_event"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {0} SET actor = 'x'", "DELETE FROM {0}", "DELETE FROM {0} WHERE seq = 1"]
)
def test_triggers_refuse_changes_by_raw_sql(
    sqlite_store: Store, table: str, statement: str
) -> None:
    agree(sqlite_store)
    statement = statement.format(table)
    if table == "consent_event":
        statement = statement.replace("actor", "state")
    connection = raw(sqlite_store)
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("table", ["audit_event", "consent_event"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {0} SET seq = 99", "DELETE FROM {0}", "TRUNCATE {0}"]
)
def test_triggers_refuse_changes_on_both_engines(store: Store, table: str, statement: str) -> None:
    agree(store)
    if store.engine.dialect.name == "sqlite" and "TRUNCATE" in statement:
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DBAPIError, match=f"{table} is append-only"), store.engine.begin() as db:
        db.execute(text(statement.format(table)))


def test_reanchoring_accepts_a_restore_and_says_so(sqlite_store: Store) -> None:
    fill(sqlite_store)
    tamper(sqlite_store, lambda db: db.execute("DELETE FROM audit_event WHERE seq > 8"))
    assert not verified(sqlite_store).ok
    status = reanchor(sqlite_store)
    assert status.ok
    with sqlite_store.read() as look:
        last = audit.last_row(look.session)
    assert last is not None
    assert (last.action, last.actor) == ("REANCHORED", "operator")
    assert last.details_json == f'{{"generation":2,"head_seq":{ROWS},"last_seq":8}}'


def test_reanchoring_does_not_hide_a_changed_row(sqlite_store: Store) -> None:
    fill(sqlite_store)
    tamper(
        sqlite_store,
        lambda db: db.execute("UPDATE audit_event SET actor = 'x' WHERE seq = 5"),
    )
    status = reanchor(sqlite_store)
    assert (status.ok, status.first_bad_seq) == (False, 5)
