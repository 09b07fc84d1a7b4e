"""Kill -9 at every step; what a step is says crash_run.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

ALL_SCENARIOS = [
    ("erase", 60),
    ("purge", 60),
    ("withdraw_image", 60),
    ("analyse", 30),
    ("first_start", 60),
]


def kill_at(scenario: str, every: int, folder: Path) -> int:
    run = subprocess.run(
        [sys.executable, "-m", "tests.db.database.crash_run", scenario, str(folder), str(every)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1_800,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.parametrize(("scenario", "at_least"), ALL_SCENARIOS)
def test_a_kill_at_a_step_is_mended_by_the_next_start(
    scenario: str, at_least: int, quick_dir: Path
) -> None:
    """Every fifth step, of which there are hundreds; slow tests take all of them."""
    assert kill_at(scenario, 5, quick_dir) >= at_least // 5


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "at_least"), ALL_SCENARIOS)
def test_a_kill_at_any_step_is_mended_by_the_next_start(
    scenario: str, at_least: int, quick_dir: Path
) -> None:
    assert kill_at(scenario, 1, quick_dir) >= at_least
