import importlib.metadata
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from core.config import ROOT, Settings
from services.observe import WORK
from services.operations import checks
from services.operations.checks import Check
from services.operations.doctor import Readiness, can_serve, examine
from services.store import open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", min_free_mb=0, database_url=None, master_key=None)


def state(settings: Settings, name: str) -> str:
    return next(check.state for check in examine(settings) if check.name == name)


def test_this_installation_is_whole_and_looking_changes_nothing(settings: Settings) -> None:
    found = list(examine(settings))
    assert [check for check in found if check.state == "bad"] == []
    assert len({check.name for check in found}) == len(found) >= 11
    assert all(check.advice for check in found if check.state != "good")
    assert not settings.data_dir.exists()
    assert json.dumps([check.as_dict() for check in found])


def test_an_opened_store_is_found_good(settings: Settings) -> None:
    open_store(settings.data_dir).close()
    before = {file: file.stat().st_mtime_ns for file in settings.data_dir.rglob("*.key")}
    assert {check.name: check.state for check in can_serve(settings)} == {
        "models": "good", "database": "good", "master key": "good", "clock": "good",
        "data folder": "good", "disk": "good",
    }  # fmt: skip
    assert before == {file: file.stat().st_mtime_ns for file in before}


def test_another_key_a_lost_key_and_an_open_key_file_are_told(settings: Settings) -> None:
    open_store(settings.data_dir).close()
    other = settings.model_copy(update={"master_key": SecretStr("A" * 43 + "=")})
    assert state(other, "master key") == "bad"
    key_file = settings.data_dir / "secrets" / "master.key"
    key_file.chmod(0o644)
    (check,) = [c for c in examine(settings) if c.name == "database"]
    assert check.state == "bad"
    assert "chmod 600" in check.advice
    key_file.unlink()
    assert state(settings, "master key") == "bad"


def test_a_database_that_does_not_answer_and_an_old_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/none"})
    assert state(gone, "database") == "bad"
    open_store(settings.data_dir).close()
    monkeypatch.setattr("db.views.inspect.newest_revision", lambda: "9999")
    (check,) = [c for c in examine(settings) if c.name == "database"]
    assert check.state == "note"
    assert "next start" in check.advice


def test_changed_and_missing_models_are_found(settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "models"
    shutil.copytree(ROOT / "models", copy)
    moved = settings.model_copy(update={"models_dir": copy})
    assert checks.check_models(moved).state == "good"
    task = copy / "face_landmarker" / "face_landmarker.task"
    task.write_bytes(b"\1" + task.read_bytes()[1:])
    assert "face_landmarker.task" in checks.check_models(moved).found
    model = copy / settings.default_model / "model.tflite"
    model.write_bytes(b"\0" + model.read_bytes()[1:])
    assert checks.check_models(moved).state == "bad"
    shutil.rmtree(copy / settings.default_model)
    assert "MIEN_DEFAULT_MODEL" in checks.check_models(moved).advice


def test_the_hashes_are_those_of_the_notices() -> None:
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    for name, sha256 in checks.THIRD_PARTY_SHA256.items():
        (line,) = [line for line in notices.splitlines() if f"`models/{name}`" in line]
        assert sha256 in line


def test_two_builds_of_opencv_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["opencv-python-headless", "opencv-contrib-python", "numpy"]
    builds = [SimpleNamespace(name=name) for name in names]
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: builds)
    check = checks.check_opencv()
    assert check.state == "bad"
    assert "pip uninstall -y opencv-contrib-python opencv-python-headless" in check.advice


def test_wrong_and_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy>=999", "no-such-package>=1", "pytest>=1; extra == 'dev'", "pillow"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: asked)
    check = checks.check_packages()
    assert check.state == "bad"
    assert "no-such-package is missing" in check.found
    assert "numpy" in check.found
    assert "pytest" not in check.found
    assert "pillow" not in check.found


def test_a_clock_that_was_set_back() -> None:
    now = datetime.now(UTC)
    assert checks.check_clock(None, now).state == "good"
    assert checks.check_clock(now + timedelta(hours=1), now).state == "bad"
    assert checks.check_clock(now + timedelta(minutes=1), now).state == "good"
    assert checks.check_clock(None, datetime(2000, 1, 1, tzinfo=UTC)).state == "bad"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "note"),
        ({"turn_urls": ("turn:a:3478",)}, "bad"),
        ({"turn_urls": ("turn:a:3478",), "turn_secret": SecretStr("s")}, "good"),
        ({"stun_urls": ("https://a",)}, "bad"),
    ],
)
def test_live_video(settings: Settings, fields: dict[str, object], expected: str) -> None:
    assert checks.check_live_video(settings.model_copy(update=fields)).state == expected


def test_replicas_need_shared_secrets(settings: Settings) -> None:
    url = {"database_url": "postgresql://a@b/c"}
    assert checks.check_replicas(settings.model_copy(update=url)).state == "note"
    secrets = {"master_key": SecretStr("k"), "cookie_secret": SecretStr("c")}
    assert checks.check_replicas(settings.model_copy(update=url | secrets)).state == "good"


AUTH = f"""[auth]
cookie_secret = "{"x" * 40}"
redirect_uri = "https://mien.example.org"
client_id = "mien"
server_metadata_url = "https://id.example.org/.well-known/openid-configuration"
"""


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        (None, 0, "good"),
        (AUTH, 0o600, "good"),
        (AUTH.replace("https://mien", "http://mien"), 0o600, "bad"),
        (AUTH.replace("https://id", "http://id"), 0o600, "bad"),
        (AUTH.replace("https://mien.example.org", "http://localhost:8501"), 0o600, "good"),
        (AUTH.replace('redirect_uri = "https://mien.example.org"', ""), 0o600, "bad"),
        ('auth = "x"', 0o600, "bad"),
        ('[auth]\ncookie_secret = "short"\n', 0o600, "bad"),
        ("[auth]\n", 0o600, "bad"),
        ("[auth]\n", 0o644, "bad"),
        ("not toml", 0o600, "bad"),
    ],
)
def test_the_secrets_file(tmp_path: Path, content: str | None, mode: int, expected: str) -> None:
    if content is not None:
        file = tmp_path / ".streamlit" / "secrets.toml"
        file.parent.mkdir()
        file.write_text(content)
        file.chmod(mode)
    assert checks.check_secrets_file(tmp_path).state == expected


def test_a_full_disk_and_a_folder_for_all(settings: Settings) -> None:
    assert state(settings.model_copy(update={"min_free_mb": 10**12}), "disk") == "bad"
    settings.data_dir.mkdir(mode=0o755)
    assert state(settings, "data folder") == "note"


def test_a_process_is_ready_with_a_store_and_not_while_it_stops(settings: Settings) -> None:
    store = open_store(settings.data_dir)
    ready = Readiness(settings, lambda: store)
    assert [check.state for check in ready()] == ["good"] * 4
    assert [c.state for c in Readiness(settings, lambda: None)() if c.name == "database"] == [
        "bad"
    ]
    starting = Readiness(settings, lambda: store, serving=lambda: False)
    assert [(check.name, check.state) for check in starting()] == [("starting", "bad")]
    assert WORK.stop(1)
    try:
        assert [check.name for check in ready()] == ["stopping"]
    finally:
        WORK.resume()
        store.close()


def test_a_check_says_what_it_found() -> None:
    check = Check("disk", "good", "Fine.")
    assert check.as_dict() == {"name": "disk", "state": "good", "found": "Fine.", "advice": ""}
