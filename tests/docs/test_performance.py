import importlib.util
import json
from types import ModuleType

import pytest

from tests.paths import ROOT


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    file = ROOT / "benchmarks" / "performance_page.py"
    spec = importlib.util.spec_from_file_location("performance_page", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_says_what_the_files_say(maker: ModuleType) -> None:
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(maker.FOLDER), "make performance"


def test_what_was_measured_was_right_enough_to_publish() -> None:
    folder = ROOT / "docs" / "performance"
    for file in folder.glob("*.json"):
        found = json.loads(file.read_text(encoding="utf-8"))
        assert found["machine"], file.name
        if file.stem == "load":
            assert found["faults"] == []
            assert found["rows_logged"] == found["rows_expected"] > 0
        if file.stem == "batch":
            assert all(run["photos"] == run["faces"] > 0 for run in found["runs"])
