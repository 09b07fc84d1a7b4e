import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cli.measure.audit import audit
from core.errors import DatasetError
from core.expression.model_card import model_ids
from core.pictures.files.output import OutputError
from services.store import chain_status, open_store
from tests.cli.photos.test_analyze import mien
from tests.db.tools import actions
from tests.helpers.audit_sets import csv_bytes, good_zip, labels, pictures
from tests.helpers.pictures import colourful, encode
from tests.paths import ROOT

KILLED_AFTER_S = (0.0, 0.4, 1.1)

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(audit)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    file = tmp_path / "mine.parquet"
    side = ["left"] * 40 + ["right"] * 30
    pd.DataFrame({"image": pictures(), "label": labels(), "side": side}).to_parquet(file)
    return file


def run(*words: object) -> str:
    """Standard output; errors of ours are raised, as `cli.main` expects them."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_report_never_takes_the_place_of_the_table(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_bytes(csv_bytes(2))
    with pytest.raises(OutputError, match="not overwritten: it is what is read"):
        run("--data", table, "--out", table)
    assert table.read_bytes() == csv_bytes(2)


@pytest.mark.parametrize("suffix", ["html", "json", "csv"])
def test_an_audit_writes_what_the_suffix_says(parquet: Path, suffix: str) -> None:
    out = parquet.with_name(f"report.{suffix}")
    said = run("--data", parquet, "--group-by", "side", "--out", out)
    assert "mine.parquet: 70 faces" in said
    assert "side (annotated): gap" in said
    content = out.read_text(encoding="utf-8")
    if suffix == "json":
        assert json.loads(content)["pictures"] == 70
    elif suffix == "csv":
        assert len(content.splitlines()) == 71
    else:
        assert content.startswith("<!doctype html>")


def test_a_csv_with_its_zip_or_beside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(csv_bytes())
    (tmp_path / "mine.zip").write_bytes(good_zip())
    by_zip = run("--data", tmp_path / "mine.csv", "--images", tmp_path / "mine.zip")
    (tmp_path / "faces").mkdir()
    for i, data in enumerate(pictures()):
        (tmp_path / "faces" / f"{i}.png").write_bytes(data)
    assert run("--data", tmp_path / "mine.csv") == by_zip


@pytest.mark.parametrize(("width_px", "told"), [(48, False), (90, True)])
def test_photos_taken_for_crops_are_told(tmp_path: Path, width_px: int, told: bool) -> None:
    file = tmp_path / "mine.parquet"
    images = [encode(colourful(48, width_px, seed), "PNG") for seed in range(7)]
    pd.DataFrame({"image": images, "label": labels(7)}).to_parquet(file)
    done = CliRunner().invoke(app, ["--data", str(file)])
    assert done.exit_code == 0, done.output
    assert ("`--faces detect` finds the face first" in done.stderr) is told


def test_predicted_labels_are_named_as_such(parquet: Path) -> None:
    said = run(
        "--data", parquet, "--group-by", "side", "--labels-are", "predicted", "--label-error", 0.1
    )
    assert "side (predicted)" in said


def test_every_shipped_model_can_be_audited(parquet: Path, models_dir: Path) -> None:
    for model in model_ids(models_dir):
        assert model in run("--data", parquet, "--model", model)


def test_two_models_are_compared_and_a_sample_is_corrupted(
    parquet: Path, models_dir: Path
) -> None:
    first, second = model_ids(models_dir)[:2]
    out = parquet.with_name("report.json")
    said = run(
        "--data", parquet, "--model", first, "--model", second, "--robustness", 3, "--out", out
    )
    assert f"{first} on mine.parquet" in said
    assert f"{second} on mine.parquet" in said
    assert "McNemar" in said
    assert "of 3 faces" in said
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [len(one["robustness"]["rows"]) for one in written["models"]] == [75, 75]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--group-by", "town"), "no column town"),
        (("--images", "missing.zip"), "cannot be read"),
    ],
)
def test_bad_input_is_one_clear_error(parquet: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        run("--data", parquet, *words)


@pytest.mark.parametrize("out", ["report.pdf", "nowhere/report.html"])
def test_a_bad_place_for_the_report_is_refused_before_the_work(parquet: Path, out: str) -> None:
    done = mien("audit", "--data", parquet, "--out", parquet.parent / out)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "faces" not in done.stdout


@pytest.mark.parametrize("after_s", KILLED_AFTER_S)
def test_a_killed_audit_was_begun_and_kept_nothing(
    parquet: Path, tmp_path: Path, after_s: float
) -> None:
    data_dir, temporary, out = tmp_path / "data", tmp_path / "tmp", tmp_path / "report.html"
    temporary.mkdir()
    open_store(data_dir).close()
    command = ["audit", "--data", parquet, "--group-by", "side", "--robustness", 70, "--out", out]
    with subprocess.Popen(
        [sys.executable, "-c", "from cli.main import main; main()", *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "MIEN_DATA_DIR": str(data_dir), "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        deadline = time.monotonic() + 180
        while not _begun(data_dir) and time.monotonic() < deadline:
            assert run.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
        time.sleep(after_s)
        os.kill(run.pid, signal.SIGKILL)
        assert run.wait(timeout=30) == -signal.SIGKILL
    store = open_store(data_dir)
    try:
        assert chain_status(store).ok
        assert actions(store)[-1] == "ANALYSED"
    finally:
        store.close()
    assert not out.exists()
    assert not list(temporary.iterdir())
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for picture in pictures()[:10]:
        assert kept.count(picture) <= parquet.read_bytes().count(picture)
    if after_s == KILLED_AFTER_S[-1]:  # and the next one is as if nothing had been
        assert "70 faces" in mien("audit", "--data", parquet).stdout


def _begun(data_dir: Path) -> bool:
    with sqlite3.connect(f"file:{data_dir / 'mien.sqlite3'}?mode=ro", uri=True) as database:
        found = database.execute("SELECT 1 FROM audit_event WHERE action = 'ANALYSED'")
        return found.fetchone() is not None
