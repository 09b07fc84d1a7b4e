import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cli.measure.audit import audit
from core.errors import DatasetError
from core.expression.model_card import model_ids
from tests.cli.photos.test_analyze import mien
from tests.helpers.audit_sets import csv_bytes, good_zip, labels, pictures

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
