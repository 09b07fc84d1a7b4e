import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.training.study import study_app
from core.errors import DatasetError

runner = CliRunner()


def test_the_command_says_what_it_needs() -> None:
    result = runner.invoke(study_app, ["landmarks", "--help"])
    assert result.exit_code == 0
    assert "--fer" in result.output
    assert "--helen" in result.output


def test_a_missing_set_is_a_sentence(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.parquet")
    result = runner.invoke(study_app, ["landmarks", "--fer", gone, "--helen", gone])
    assert isinstance(result.exception, DatasetError)
    assert "There is no file" in str(result.exception)


def test_a_quick_look_never_becomes_the_study(tmp_path: Path) -> None:
    there = tmp_path / "some.parquet"
    there.write_bytes(b"PAR1")
    result = runner.invoke(
        study_app, ["landmarks", "--fer", str(there), "--helen", str(there), "--quick"]
    )
    assert isinstance(result.exception, DatasetError)
    assert "too little to be shown" in str(result.exception)


def test_importing_the_command_loads_nothing_heavy() -> None:
    code = "import sys, cli.training.study; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"mediapipe", "cv2", "sklearn", "pandas", "scipy"} == set()


@pytest.mark.slow
def test_a_quick_study_has_every_part(shared_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "landmarks.json"
    data = shared_dir / "data"
    result = runner.invoke(
        study_app,
        ["landmarks", "--fer", str(data / "fer2013.parquet"),
         "--helen", str(data / "helen68.parquet"), "--quick", "--out", str(out)],
        catch_exceptions=False,
    )  # fmt: skip
    assert result.exit_code == 0
    content = json.loads(out.read_text())
    for part in ("accuracy", "e1", "e2", "e3", "e4", "e5"):
        assert content[part]["conclusion"]
    assert all(m["n"] == 330 for m in content["accuracy"]["methods"].values())
    assert content["command"].endswith("--per-split 400")  # a part never passes for the whole
    assert content["n_images"]["test"] == 400
