from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from db.database.engine import lock_writers, make_engine
from db.database.migrate import config, newest_revision, upgrade
from db.errors import StoreUnreachableError
from db.store import Store, open_store
from db.tables import Base
from tests.db.fixtures import FakeClock, Opener
from tests.db.tools import dump
from tests.db.traces import plant

REVISIONS = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()]


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


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_old_revision_with_data_comes_up_to_date(
    data_dir: Path, database_url: str | None, clock: FakeClock, revision: str
) -> None:
    data_dir.mkdir()
    engine = make_engine(data_dir, database_url)
    upgrade(engine, revision)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO notice VALUES "
                "('old', 'notice', 0, 'en', 'text', 'hash', '2026-01-01 00:00:00')"
            )
        )
    engine.dispose()
    store = open_store(data_dir, database_url=database_url, clock=clock)
    assert 'notice["old"' in dump(store)
    plant(store)
    store.close()


def test_going_down_removes_every_table(data_dir: Path, database_url: str | None) -> None:
    data_dir.mkdir()
    engine = make_engine(data_dir, database_url)
    upgrade(engine)
    with engine.begin() as connection:
        lock_writers(connection)
        command.downgrade(config(connection), "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    upgrade(engine)  # and up again
    engine.dispose()


def test_a_store_of_a_newer_program_is_left_alone(store: Store, open_again: Opener) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    rows = dump(store)
    with pytest.raises(StoreUnreachableError, match="newer version"):
        open_again()
    assert dump(store) == rows
