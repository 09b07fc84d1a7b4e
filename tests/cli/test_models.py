"""`mien models`: every model in one table, with where its figures come from."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app
from core.model_card import UNSHIPPED, model_ids

MODELS = Path(__file__).resolve().parents[2] / "models"
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
        assert f"({name})" in table
