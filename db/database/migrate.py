"""Brings a database to the newest schema; configured here, so that it works when installed."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from db.database.engine import IMMEDIATE, lock_writers
from db.errors import StoreUnreachableError

MIGRATIONS_DIR = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; with `connection`, migrations run in its transaction."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS_DIR))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


@cache
def newest_revision() -> str:
    """The revision that this version of the program needs."""
    newest = _scripts().get_current_head()
    assert newest is not None  # there is at least one
    return newest


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


def is_newest(engine: Engine) -> bool:
    """Whether the tables are those that this version of the program works with."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest_revision()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`, in one transaction, alone among writers.

    Raises:
        StoreUnreachableError: the database was made by a newer version of the program.
    """
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == newest_revision():
        return
    if current is not None and current not in {
        script.revision for script in _scripts().walk_revisions()
    }:
        raise StoreUnreachableError(
            "The store was made by a newer version of Mien; install that version or a later one."
        )
    with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        lock_writers(connection)
        command.upgrade(config(connection), revision)
