"""Where a command prints to may be full, or gone: a sentence, never a trace."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.training import studies
from core.pictures.files.output import OutputError
from tests.paths import ROOT

MIEN = [sys.executable, "-c", "from cli.main import main; main()"]


def mien(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"stderr": subprocess.PIPE, "text": True, "cwd": ROOT, **options}
    return subprocess.run([*MIEN, *words], check=False, **options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("words", [["models"], ["models", "--json"], ["--help"]])
def test_a_full_disk_behind_the_screen_is_a_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = mien(*words, stdout=full)
    assert done.stderr == "mien: The results cannot be written: No space left on device.\n"
    assert done.returncode == 2


def test_a_screen_that_was_closed_takes_nothing_and_stops_nothing() -> None:
    done = mien("models", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_has_enough_ends_the_command_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    done = mien("models", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_study_that_cannot_be_written_is_on_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(OutputError, match="the disk is full"):
        studies.write("x", {"n": 1}, Path("/dev/full"))
    assert capsys.readouterr().out == '{\n "n": 1\n}\n'


@pytest.mark.parametrize(
    "words",
    [
        ["bias", "speed"],
        ["bias", "measured", "--data", __file__],
        ["bias", "robustness", "--data", str(ROOT / "tests")],
        ["study", "failures", "--fer", __file__],
        ["evaluate", "--coverage", "--data", __file__],
    ],
)
def test_studies_that_could_not_be_kept_are_not_begun(tmp_path: Path, words: list[str]) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for entry in (ROOT / "models").iterdir():
        if entry.name != "studies":
            (models / entry.name).symlink_to(entry)
    (models / "studies").write_text("in the way")
    environment = {**os.environ, "MIEN_MODELS_DIR": str(models)}
    done = mien(*words, env=environment, stdout=subprocess.DEVNULL)
    assert done.stderr.rstrip("\n").splitlines()[-1:] == [
        line for line in done.stderr.splitlines() if line.startswith("mien: ")
    ]
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


def test_a_set_that_is_missing_is_said_of_a_bias_study(tmp_path: Path) -> None:
    done = mien("bias", "measured", "--data", str(tmp_path / "gone.parquet"))
    assert "mien: There is no file" in done.stderr
    assert done.returncode == 2
