import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import services.store
from services.store import Store, open_store
from tests.db.fixtures import FakeClock
from tests.paths import ROOT
from ui.shared.resources import settings
from ui.shared.store import forget_store, opened


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder for this test alone; nothing is ever written into the repository."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MIEN_DATA_DIR", str(folder))
    monkeypatch.delenv("MIEN_DATABASE_URL", raising=False)
    monkeypatch.delenv("MIEN_MASTER_KEY", raising=False)
    settings.clear()
    yield folder
    forget_store()  # ends its thread, closes its files
    settings.clear()


@pytest.fixture(autouse=True)
def _main_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit leaves Home.py behind as `__main__`, which other tests' processes would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def store(data_dir: Path) -> Store:
    """The store that the app under test has opened, or will use."""
    found = opened().store
    assert found is not None
    assert found.data_dir == data_dir
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of the store, which stands still until told otherwise; ask for it first."""
    made = FakeClock()

    def open_with_clock(*args: Any, **options: Any) -> Store:
        return open_store(*args, **options, clock=made)

    monkeypatch.setattr(services.store, "open_store", open_with_clock)
    return made


@pytest.fixture
def open_page() -> Callable[[str], AppTest]:
    """Opens a page as a new session does: through Home.py, which decides on pages."""

    def open_it(page: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180).run()
        if page:
            app = app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        return app

    return open_it
