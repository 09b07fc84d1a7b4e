"""`mien models`: every model in one table, with where its figures come from."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app
from core.model_card import TEACHERS, model_ids

MODELS = Path(__file__).resolve().parents[2] / "models"
run = CliRunner().invoke


def test_shipped_models_and_teachers_are_listed_with_their_stored_figures() -> None:
    rows = json.loads(run(app, ["models", "--json"]).output)
    teachers = model_ids(MODELS / TEACHERS)
    assert [row["id"] for row in rows] == [*model_ids(MODELS), *teachers]
    for row in rows:
        folder = MODELS / TEACHERS if row["id"] in teachers else MODELS
        report = json.loads((folder / row["id"] / "evaluation.json").read_text())
        assert row["accuracy"] == report["all"]["accuracy"]
        assert row["shipped"] == (row["id"] not in teachers)


def test_tables_say_which_model_is_not_shipped() -> None:
    table = run(app, ["models"]).output
    markdown = run(app, ["models", "--markdown"]).output
    for name in model_ids(MODELS):
        assert f"| {name} |" in markdown
        assert name in table
    for name in model_ids(MODELS / TEACHERS):
        assert f"| {name} (not shipped) |" in markdown
