import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_MIN_FREE_MB", "0")
    monkeypatch.delenv("MIEN_DATABASE_URL", raising=False)
    return tmp_path / "data"


def test_doctor_says_what_it_found(data_dir: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0, done.output
    found = {check["name"]: check for check in json.loads(done.stdout)}
    assert found["models"]["state"] == "good"
    assert found["opencv"]["state"] == "good"
    assert not data_dir.exists()


def test_doctor_says_what_mends_it_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DEFAULT_MODEL", "no-such-model")
    done = CliRunner().invoke(app, ["doctor", "--ready"])
    assert done.exit_code == 1
    assert "BAD   models: The default model 'no-such-model' is not there." in done.stdout
    assert "      -> Set MIEN_DEFAULT_MODEL to one of:" in done.stdout
    assert "live video" not in done.stdout
