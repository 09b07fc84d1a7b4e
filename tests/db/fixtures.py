"""Stores for tests, on SQLite and on PostgreSQL; imported by the conftest files that need them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, text

from db.store import Store, open_store

MEMORY_DIR = Path("/dev/shm")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSTGRES_URL = os.environ.get("MIEN_TEST_POSTGRES_URL", "")
NO_POSTGRES = (
    "no PostgreSQL: set MIEN_TEST_POSTGRES_URL, for example by "
    'eval "$(sh tests/db/start_postgres.sh)"'
)
# The cheapest argon2id there is: tests check what is done with hashes, not how slow they are.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class FakeClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now: datetime = START):
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def quick_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: the tests sync to disk thousands of times."""
    if not os.access(MEMORY_DIR, os.W_OK):
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(prefix="mien-test-", dir=MEMORY_DIR))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def data_dir(quick_dir: Path) -> Path:
    return quick_dir / "data"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None for the SQLite file in the data folder; else a schema of its own on the server."""
    if request.param == "sqlite":
        yield None
        return
    if not POSTGRES_URL:
        pytest.skip(NO_POSTGRES)
    schema = f"test_{uuid4().hex}"
    server = create_engine(POSTGRES_URL.replace("postgresql://", "postgresql+psycopg://"))
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{POSTGRES_URL}?options=-csearch_path%3D{schema}"
    with server.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    server.dispose()


Opener = Callable[[], Store]


@pytest.fixture
def open_again(data_dir: Path, database_url: str | None, clock: FakeClock) -> Iterator[Opener]:
    """Opens the same store as often as wanted, each time with connections of its own."""
    opened: list[Store] = []

    def opener() -> Store:
        opened.append(
            open_store(data_dir, database_url=database_url, clock=clock, busy_timeout_ms=2_000)
        )
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_again: Opener) -> Store:
    return open_again()


@pytest.fixture
def sqlite_store(data_dir: Path, clock: FakeClock) -> Iterator[Store]:
    """For what only SQLite has: files that can be read byte by byte."""
    made = open_store(data_dir, clock=clock, busy_timeout_ms=300)
    yield made
    made.close()
