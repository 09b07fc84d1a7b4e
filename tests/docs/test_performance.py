"""What docs/performance.md shows was measured without faults."""

import json

from tests.paths import ROOT


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
