"""Every kind of chart draws, carries its data, and is the same when drawn again."""

from pathlib import Path
from typing import Any

import pytest

from core.measures.study import plain
from docs.tools.figures import drawing
from docs.tools.figures.make import DIGITS, SIZES_INCHES, write_all
from docs.tools.measured import Measured
from tests.docs.copies import copy_of_sources
from tests.docs.figures import alike, drawn_data

# Charts whose files may not be there yet, and awkward cases of others.
MADE_UP: dict[str, dict[str, Any]] = {
    "robustness": {
        "corruptions": ["noise", "haze"], "levels": [1, 2], "clean": 0.7,
        "accuracy": [[0.6, 0.3], [0.5, 0.1]],
    },
    "detectors": {
        "curves": {"one": {"recall": [0.1, 0.9], "precision": [1.0, 0.5], "ap50": 0.8},
                   "two": {"recall": [], "precision": [], "ap50": None}},
    },
    "training": {
        "lines": {name: {"epoch": [1, 2], "validation": [0.2, 0.4], "train": [0.1, 0.3]}
                  for name in "abcdefghij"},
    },
    "groups": {
        "overall": 0.7,
        "rows": [["light", "dark", 40, 0.6, 0.5, 0.7], ["light", "none", 5, None, None, None]],
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE_UP)
def test_a_chart_draws_and_carries_its_data(kind: str, tmp_path: Path) -> None:
    file, again = tmp_path / "one.svg", tmp_path / "two.svg"
    drawing.save(kind, MADE_UP[kind], (4, 3), file)
    drawing.save(kind, MADE_UP[kind], (4, 3), again)
    assert alike(drawn_data(file), plain(MADE_UP[kind], DIGITS))
    assert file.read_bytes() == again.read_bytes()


def test_all_figures_are_written_and_those_without_sources_removed(tmp_path: Path) -> None:
    root, folder = copy_of_sources(tmp_path / "root"), tmp_path / "figures"
    assert {file.stem for file in write_all(Measured(root), folder)} == set(SIZES_INCHES)
    assert all(file.stat().st_size < 100_000 for file in folder.glob("*.svg"))
    (root / "models" / "studies" / "landmarks.json").unlink()
    assert len(write_all(Measured(root), folder)) == len(SIZES_INCHES) - 1
    assert not (folder / "landmarks.svg").exists()
