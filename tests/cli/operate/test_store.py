import json
import os
import sqlite3
import stat
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.operate.admin import admin_app
from cli.operate.store import store_app
from db import admins
from db.errors import AdminAccountError, RetentionBoundsError, UnknownCodeError
from db.store import Store, open_store
from services.admin.sign_in import sign_in
from tests.db.fixtures import QUICK_HASHER
from tests.db.tools import actions, agree, analyse, raw
from tests.db.traces import found, plant

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    for name in [name for name in os.environ if name.startswith("MIEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIEN_DATA_DIR", str(data_dir))


@pytest.fixture
def kept(data_dir: Path) -> Store:
    """A store with the real clock, which is the one that the commands use."""
    return open_store(data_dir)


def run(*arguments: str, app=store_app, stdin: str = "", status: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.output


def test_an_empty_store_is_whole_and_holds_nothing(data_dir: Path) -> None:
    open_store(data_dir).close()
    assert "0 results, 0 images (0.0 MB) of 0 persons" in run("status")
    assert "The audit log is whole: 3 rows." in run("verify")
    assert "Removed 0 images, 0 results, 0 consent records and 0 stray files." in run("purge")
    assert str(data_dir) in run("status")


def test_status_hides_the_password_of_the_database(kept: Store) -> None:
    from sqlalchemy import make_url

    url = make_url("postgresql+psycopg://me:secret@host/name")
    assert "secret" not in url.render_as_string(hide_password=True)
    kept.close()


def test_erasing_by_code_leaves_nothing_and_can_be_asked_again(
    kept: Store, data_dir: Path
) -> None:
    person = plant(kept)
    answer = run("erase", person.code)
    assert answer == "Deleted: 1 image, 1 result, 1 consent record, 1 receipt code.\n"
    assert found(data_dir, person.needles) == set()
    assert run("erase", "-", stdin=person.code + "\n") == answer
    with pytest.raises(UnknownCodeError):
        run("erase", "AAAAA-AAAAA-AAAAA-AAAAA")
    kept.close()


def test_an_erasure_that_is_not_finished_does_not_say_deleted(kept: Store) -> None:
    person = plant(kept)
    reader = raw(kept)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM subject").fetchall()
    output = run("erase", person.code, status=1)
    assert "not finished" in output
    assert "Deleted" not in output
    assert "Not finished: 1 removal;" in run("purge", status=1)
    reader.close()
    assert "Deleted" in run("erase", person.code)
    kept.close()


def test_exporting_by_code_writes_one_zip_for_its_owner(kept: Store, tmp_path: Path) -> None:
    given = agree(kept)
    analyse(kept, given.consent)
    out = tmp_path / "mine.zip"
    output = run("export", given.code or "", "--out", str(out))
    assert output == f"Wrote 1 result and 1 image to {out}.\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("record.json"))["header"]["record_id"]
    assert "exists; name another" in run("export", given.code or "", "-o", str(out), status=2)
    for path in kept.vault.images_dir.rglob("*"):
        if path.is_file():
            path.unlink()
    output = run("export", given.code or "", "-o", str(tmp_path / "other.zip"))
    assert "nobody can open them: 1 image." in output
    kept.close()


def test_verify_names_the_first_bad_row(kept: Store) -> None:
    agree(kept)
    end = run("verify").splitlines()[-1].removeprefix("Its end, to note elsewhere: ")
    connection = raw(kept)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE audit_event SET actor = 'x' WHERE seq = 2")
    assert "is whole" in run("verify", "--expect", end)
    connection.execute("DROP TRIGGER audit_event_no_update")
    connection.execute("UPDATE audit_event SET actor = 'x' WHERE seq = 2")
    connection.close()
    output = run("verify", status=1)
    assert "not whole after 1 good rows" in output
    assert "First bad row: 2" in output
    kept.close()


def test_verify_against_a_noted_end(kept: Store) -> None:
    seq, _, hash_hex = run("verify").splitlines()[-1].split()[-1].partition(":")
    assert "First bad row: 4" in run("verify", "--expect", f"{int(seq) + 1}:{hash_hex}", status=1)
    for wrong in ("x", "3", "x:y", ":"):
        assert "SEQ:HASH" in run("verify", "--expect", wrong, status=2)
    kept.head.path.unlink()
    output = run("verify", status=1)
    assert "head file is missing" in output
    assert "First bad row" not in output
    kept.close()


def test_reanchoring_wants_to_be_asked_for(kept: Store) -> None:
    kept.head.path.unlink()
    assert "--yes" in run("reanchor", status=2)
    assert "Accepted: 4 rows." in run("reanchor", "--yes")
    assert "is whole" in run("verify")
    connection = raw(kept)
    connection.execute("DROP TRIGGER audit_event_no_update")
    connection.execute("UPDATE audit_event SET actor = 'x' WHERE seq = 2")
    connection.close()
    assert "Accepted the end, but row 2 was changed" in run("reanchor", "--yes", status=1)
    kept.close()


def test_the_policy_can_be_had_as_a_file() -> None:
    assert "# Retention and destruction policy" in run("policy")
    assert "| Kept image | 30 days after it was stored |" in run("policy")


def test_retention_is_shown_previewed_and_changed(kept: Store) -> None:
    given = agree(kept)
    analyse(kept, given.consent)
    assert "image          30 days" in run("retention")
    output = run("retention", "image", "0")
    assert "1 would go" in output
    assert "Nothing is changed" in output
    assert "image          30 days" in run("retention")
    assert "image: 0 days from now on" in run("retention", "image", "0", "--yes")
    assert "image          0 days" in run("retention")
    assert "Removed 1 image, 0 results" in run("purge")
    assert "RETENTION_CHANGED" in actions(kept)
    assert "Give the days" in run("retention", "image", status=2)
    with pytest.raises(RetentionBoundsError):
        run("retention", "image", "1096", "--yes")
    kept.close()


def test_a_purge_beside_another_says_so(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from db.consent.purge import _lease

    with _lease(kept):
        assert "Another process is purging" in run("purge", "--now")
    kept.close()


def test_admins_are_created_listed_disabled_and_enabled(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admins, "HASHER", QUICK_HASHER)
    assert "There are no admins" in run("list", app=admin_app)
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    output = run("create", "Ada", app=admin_app, stdin=typed)
    assert output.endswith("Added ada.\n")
    assert PASSWORD not in output
    assert sign_in(kept, "ada", PASSWORD)
    assert "enabled" in run("list", app=admin_app)
    assert run("disable", "ada", app=admin_app) == "ada is disabled.\n"
    assert run("enable", "ada", app=admin_app) == "ada is enabled.\n"
    with pytest.raises(AdminAccountError):
        run("disable", "eve", app=admin_app)
    with pytest.raises(AdminAccountError):
        run("create", "bob", app=admin_app, stdin="short\nshort\n")
    kept.close()


def test_a_password_from_the_environment(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_ADMIN_PASSWORD", PASSWORD)
    assert run("create", "ada", app=admin_app) == "Added ada.\n"
    kept.close()
