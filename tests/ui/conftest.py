from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT


@pytest.fixture
def open_page() -> Callable[[str], AppTest]:
    """Opens a page as a new session does: through Home.py, which decides on pages."""

    def open_it(page: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60).run()
        if page:
            app = app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        return app

    return open_it
