import hmac
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from db.audit.chain import GENESIS_HASH, AuditRow, row_hash
from db.audit.head import HEAD_FILE
from db.consent.events import require
from db.database.engine import make_engine
from db.database.migrate import config, newest_revision, upgrade
from db.errors import ConsentForgedError, StoreUnreachableError
from db.policy import retention
from db.seal.files import write_whole
from db.seal.master_key import Keys, make_key_file
from db.store import Store, open_store
from db.tables import Base
from db.types import Kind, Purpose
from services.store import chain_status
from tests.db.fixtures import FakeClock, Opener
from tests.db.tools import actions, dump
from tests.db.traces import plant


def test_the_migrations_make_the_tables_of_the_program(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == newest_revision()


def test_opening_again_migrates_nothing_and_changes_nothing(
    store: Store, open_again: Opener
) -> None:
    plant(store)
    rows = dump(store)
    assert dump(open_again()) == rows


def make_old_store(data_dir: Path, database_url: str | None, *, forged: str = "") -> None:
    """A store as the first version left it: nothing signed, a head without a generation."""
    data_dir.mkdir()
    secret = make_key_file(data_dir)
    keys = Keys.derive(secret)
    engine = make_engine(data_dir, database_url)
    upgrade(engine, "0001")
    at, head = "2026-01-01 00:00:00", None
    text_hash = sha256(b"text").hexdigest()
    statements = [
        f"INSERT INTO store_info VALUES ('key_check', '{keys.check}')",
        f"INSERT INTO notice VALUES ('old', 'notice', 0, 'en', 'text', '{text_hash}', '{at}')",
        *(
            f"INSERT INTO retention_policy VALUES ('{kind.value}', 30, '{at}', 'system')"
            for kind in Kind
        ),
        *(
            f"INSERT INTO consent_event VALUES ({seq}, '{at}', 'somebody', '{purpose.value}', "
            f"'{'given' if purpose is Purpose.ANALYSE else 'refused'}', 'old', 'personal', '{at}')"
            for seq, purpose in enumerate(Purpose, start=1)
        ),
        forged,
    ]
    notice = f'{{"kind":"notice","language":"en","sha256":"{text_hash}","version":0}}'
    for action, actor, object_id, details in (
        ("STORE_CREATED", "system", "", "{}"),
        ("NOTICE_PUBLISHED", "system", "old", notice),
        ("CONSENT_GIVEN", "person:somebody", "", '{"analyse":true,"evaluation":false}'),
    ):
        seq, prev_hash = (head.seq + 1, head.hash) if head else (1, GENESIS_HASH)
        ts_utc = "2026-01-01T00:00:00.000000Z"
        row = AuditRow(seq, ts_utc, actor, action, object_id, details, prev_hash, "")
        head = replace(row, hash=row_hash(keys.audit, row))
        values = ", ".join(f"'{value}'" for value in vars(head).values())
        statements.append(f"INSERT INTO audit_event VALUES ({values})")
    assert head is not None
    with engine.begin() as connection:
        for statement in filter(None, statements):
            connection.exec_driver_sql(statement)
    engine.dispose()
    words = f"head:{head.seq}:{head.hash}:{head.seq}".encode()
    mac = hmac.new(keys.audit, words, sha256).hexdigest()
    content = {"seq": head.seq, "hash": head.hash, "count": head.seq, "mac": mac}
    write_whole(data_dir / HEAD_FILE, json.dumps(content).encode())


def test_an_old_store_comes_up_to_date_and_is_signed_once(
    data_dir: Path, database_url: str | None, open_again: Opener
) -> None:
    make_old_store(data_dir, database_url)
    store = open_again()
    assert chain_status(store).ok, chain_status(store).problem
    assert actions(store)[3:] == ["ROWS_SIGNED", "NOTICE_PUBLISHED", "NOTICE_PUBLISHED"]
    assert store.head.read() == chain_status(store).end
    plant(store)
    rows = dump(store)
    assert dump(open_again()) == rows


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE retention_policy SET days = 5000 WHERE kind = 'image'",
        "UPDATE notice SET text = 'another text'",
        "INSERT INTO consent_event VALUES (9, '2026-01-01 00:00:00', 'somebody', 'evaluation', "
        "'given', 'old', 'personal', '2036-01-01 00:00:00')",
        "INSERT INTO admin VALUES ('x', 'mallory', 'hash', '2026-01-01 00:00:00', false, 0, NULL)",
    ],
)
def test_signing_an_old_store_does_not_sign_what_was_forged_before(
    data_dir: Path, database_url: str | None, open_again: Opener, forged: str
) -> None:
    make_old_store(data_dir, database_url, forged=forged)
    store = open_again()
    status = chain_status(store)
    assert not status.ok
    assert "without the key" in status.problem
    with store.read() as look:
        assert retention.policy_days(look.session)[Kind.IMAGE] == 30


def test_a_second_upgrade_signs_nothing(
    sqlite_store: Store, data_dir: Path, clock: FakeClock
) -> None:
    """Somebody forges a row, takes the signatures away and puts the revision back."""
    person = plant(sqlite_store)
    sqlite_store.close()
    engine = make_engine(data_dir)
    with engine.begin() as connection:
        command.downgrade(config(connection), "0001")
        connection.exec_driver_sql("UPDATE retention_policy SET days = 1095")
    engine.dispose()
    store = open_store(data_dir, clock=clock)
    assert "ROWS_SIGNED" not in actions(store)
    assert not chain_status(store).ok
    with store.read() as look, pytest.raises(ConsentForgedError):
        require(look, person.given.consent.pseudonym)
    store.close()


def test_a_store_of_a_newer_program_is_left_alone(store: Store, open_again: Opener) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    rows = dump(store)
    with pytest.raises(StoreUnreachableError, match="newer version"):
        open_again()
    assert dump(store) == rows
