"""`mien models`: every model in one table, with where its figures come from."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.expression.model_card import (
    UNSHIPPED,
    UNSHIPPED_FILE,
    load_card,
    load_model_bytes,
    model_ids,
)
from tests.cli.training.test_bias import fer_like
from tests.paths import ROOT

MODELS = ROOT / "models"
run = CliRunner().invoke


def test_shipped_models_and_unshipped_models_are_listed_with_their_stored_figures() -> None:
    rows = json.loads(run(app, ["models", "--json"]).output)
    unshipped = model_ids(MODELS / UNSHIPPED)
    assert [row["id"] for row in rows] == [*model_ids(MODELS), *unshipped]
    for row in rows:
        folder = MODELS / UNSHIPPED if row["id"] in unshipped else MODELS
        report = json.loads((folder / row["id"] / "evaluation.json").read_text())
        assert row["accuracy"] == report["all"]["accuracy"]
        assert row["shipped"] == (row["id"] not in unshipped)


def test_tables_say_which_model_is_not_shipped() -> None:
    table = run(app, ["models"]).output
    markdown = run(app, ["models", "--markdown"]).output
    for name in model_ids(MODELS):
        assert f"| {name} |" in markdown
        assert name in table
    for name in model_ids(MODELS / UNSHIPPED):
        assert f"| {name} (not shipped) |" in markdown
        assert f"{name} (not shipped)" in table


def test_a_model_that_is_not_shipped_is_measured_where_its_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    folder = models / UNSHIPPED / "heavy"
    shutil.copytree(MODELS / "mien-fast", folder)
    card = load_card("mien-fast", MODELS).model_copy(update={"id": "heavy", "file": ""})
    (folder / "card.json").write_text(card.model_dump_json())
    monkeypatch.setenv("MIEN_MODELS_DIR", str(models))
    data = str(fer_like(tmp_path, 30))
    for words in (["robustness", "--data", data, "--model", "heavy", "--n", "3"], ["speed"]):
        done = run(app, ["bias", *words])
        assert done.exit_code == 0, done.output
    (row,) = json.loads(run(app, ["models", "--json"]).output)
    study = json.loads((models / "studies" / "robustness_heavy.json").read_text())
    assert row["accuracy_corrupted"] == pytest.approx(
        sum(one["accuracy"] for one in study["rows"]) / len(study["rows"])
    )
    assert row["ms_per_face"] > 0
    assert (folder / UNSHIPPED_FILE).read_bytes() == load_model_bytes(card, models / UNSHIPPED)
    (folder / UNSHIPPED_FILE).unlink()
    done = run(app, ["bias", "robustness", "--data", data, "--model", "heavy"])
    assert done.exit_code != 0
    assert "is not shipped; see docs/guides/train.md" in str(done.exception)
