"""`mien train` and `mien publish`: the only commands that need the `train` extra."""

from pathlib import Path
from typing import Annotated

import typer

from core.errors import MienError

DataOption = Annotated[
    Path, typer.Option(help="FER-2013: the parquet, Kaggle's fer2013.csv or Kaggle's folder.")
]
RUNS = Path("runs")


class TrainingUnavailableError(MienError):
    """The `train` extra is not installed."""

    kind = "training_unavailable"


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a file in training/recipes/.")],
    data: DataOption,
    out: Annotated[Path | None, typer.Option(help="Folder of the run (runs/RECIPE).")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of pretrained backbones, if the recipe wants one.")
    ] = None,
) -> None:
    """Train an expression model by a recipe; goes on where a run in the same folder ended."""
    _require_keras()
    from training.recipe import load_recipe
    from training.train import train as run

    try:
        curves = run(load_recipe(recipe), data, out or RUNS / recipe, weights)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    best = max(curves, key=lambda row: row["val_accuracy"])
    print(f"best validation accuracy {best['val_accuracy']:.2%} after epoch {best['epoch']}")


def publish(
    recipe: Annotated[str, typer.Argument(help="Recipe of the finished run.")],
    data: DataOption,
    run: Annotated[Path | None, typer.Option(help="Folder of the run (runs/RECIPE).")] = None,
    flip_average: Annotated[
        bool, typer.Option(help="Serve the average over the face and its mirror image.")
    ] = True,
) -> None:
    """Export a run as float and int8, calibrate, write card, evaluation and readme to models/."""
    _require_keras()
    from core.config import load_settings
    from training.publish import publish as make

    models_dir = load_settings().models_dir
    for int8 in (False, True):
        report = make(
            recipe, data, run or RUNS / recipe, models_dir, int8=int8, flip_average=flip_average
        )
        print(
            f"{report.model_id}: test accuracy {report.all.accuracy:.2%}, without near-duplicates "
            f"{report.without_near_duplicates.accuracy:.2%}, one view "
            f"{report.single_view.accuracy:.2%}"
        )


def _require_keras() -> None:
    import importlib.util

    if importlib.util.find_spec("keras") is None:
        raise TrainingUnavailableError(
            "Training needs Keras, which the app does not: run `make setup-train` and use "
            ".venv-train/bin/mien."
        )
