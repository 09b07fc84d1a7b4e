"""What docs/performance.md shows was measured without faults."""

import copy
import json

from benchmarks.compare import RECORDED, slower
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


def test_what_became_slower_is_said_and_a_slower_machine_is_not() -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    new = copy.deepcopy(recorded)
    for photo in new["photos"].values():
        photo["processor_ms"] = {work: 3 * ms for work, ms in photo["processor_ms"].items()}
    assert slower(new, recorded, 0.15) == []
    new["photos"]["1"]["processor_ms"]["detect"] *= 1.2
    (sentence,) = slower(new, recorded, 0.15)
    assert sentence.startswith("detect, photo of 1: 1.20 times as long")
