"""`mien train`, `publish`, `publish-ensemble` and `export`: these need the `train` extra."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cli.output import check_out
from core.errors import MienError
from core.expression.quantisation import Precision

DataOption = Annotated[
    Path, typer.Option(help="FER-2013: the parquet, Kaggle's fer2013.csv or Kaggle's folder.")
]
TestPhotos = Annotated[
    Path | None, typer.Option(help="RAF-DB, to be measured on its test split, too.")
]
RUNS = Path("runs")


# Kinds of files that `mien export` writes, by their extensions.
Form = Literal["keras", "h5", "tflite", "onnx"]


class TrainingUnavailableError(MienError):
    """The `train` extra is not installed."""


def train(
    recipe: Annotated[str, typer.Argument(help="FAMILY/STEP, as se_resnet/1-scratch.")],
    data: DataOption,
    out: Annotated[Path | None, typer.Option(help="Folder of the run (runs/RECIPE).")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of pretrained backbones, if the recipe wants one.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Weights to start from, instead of the recipe's run.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="RAF-DB, for recipes that learn from it, too.")
    ] = None,
) -> None:
    """Train an expression model by a recipe; goes on where a run in the same folder ended."""
    require_keras()
    from training.expression.train import train as run
    from training.recipes.base import as_folder
    from training.recipes.catalogue import load_recipe

    try:
        chosen = load_recipe(recipe)
        folder = out or RUNS / as_folder(chosen.name)
        curves = run(chosen, data, folder, weights, start=start, photos=photos)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    best = max(curves, key=lambda row: row["val_accuracy"])
    print(f"best validation accuracy {best['val_accuracy']:.2%} after epoch {best['epoch']}")


def publish(
    recipe: Annotated[str, typer.Argument(help="Recipe of the finished run.")],
    data: DataOption,
    run: Annotated[Path | None, typer.Option(help="Folder of the run (runs/RECIPE).")] = None,
    model_id: Annotated[
        str | None, typer.Option("--id", help="Id of the model (the recipe's name, with dashes).")
    ] = None,
    precision: Annotated[
        list[Precision] | None,
        typer.Option(help="May be given several times; smaller ones get a suffix (-int8) then."),
    ] = None,
    flip_average: Annotated[
        bool, typer.Option(help="Serve the average over the face and its mirror image.")
    ] = True,
    unshipped: Annotated[
        bool, typer.Option("--unshipped", help="Write all but the model's file, for its size.")
    ] = False,
    photos: TestPhotos = None,
) -> None:
    """Export a run, calibrate, write card, evaluation and readme to models/."""
    require_keras()
    from core.config import load_settings
    from training.publishing.publish import publish as make
    from training.recipes.base import as_folder
    from training.recipes.catalogue import load_recipe

    models_dir = load_settings().models_dir
    wanted = precision or [Precision.float, Precision.int8]
    folder = as_folder(load_recipe(recipe).name)
    base = model_id or folder.replace("_", "-")
    for chosen in wanted:
        suffix = f"-{chosen}" if chosen is not Precision.float and len(wanted) > 1 else ""
        report = make(
            recipe,
            data,
            run or RUNS / folder,
            models_dir,
            model_id=f"{base}{suffix}",
            precision=chosen,
            flip_average=flip_average,
            shipped=not unshipped,
            photos=photos,
        )
        _print_report(report)


def publish_again(
    model_id: Annotated[str, typer.Argument(help="Id of a published model.")],
    data: DataOption,
    photos: TestPhotos = None,
) -> None:
    """Calibrate and measure a published model anew, without its run; its file stays."""
    require_keras()
    from core.config import load_settings
    from training.publishing.publish import publish_again as again

    _print_report(again(model_id, data, load_settings().models_dir, photos))


def publish_ensemble(
    model_id: Annotated[str, typer.Argument(help="Id of the ensemble.")],
    members: Annotated[list[str], typer.Argument(help="Ids of published models.")],
    data: DataOption,
    photos: TestPhotos = None,
) -> None:
    """Average published models: calibrate, write card, evaluation and readme to models/."""
    require_keras()
    from core.config import load_settings
    from training.publishing.publish import publish_ensemble as make

    _print_report(make(model_id, members, data, load_settings().models_dir, photos))


def export(
    model: Annotated[str, typer.Argument(help="Id of the model; see `mien models`.")],
    form: Annotated[Form, typer.Option("--format", help="Kind of file.")],
    out: Annotated[Path | None, typer.Option(help="File to write (MODEL.EXTENSION).")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Keras weights of a run, not rounded.", exists=True)
    ] = None,
) -> None:
    """Write a model as a Keras, HDF5, LiteRT or ONNX file; it need not be one that is shipped."""
    from core.config import load_settings
    from core.expression.model_card import load_card, load_model_bytes, with_unshipped
    from core.pictures.files.output import write_output

    models_dir = with_unshipped(model, load_settings().models_dir)
    card = load_card(model, models_dir)
    file = out or Path(f"{model}.{form}")
    check_out(file)
    if form == "tflite" and not card.members:
        write_output(file, load_model_bytes(card, models_dir))
    else:
        require_keras()
        from training.publishing.artifacts import export_network

        export_network(card, models_dir, form, file, weights)
    print(f"Written to {file}.")


def _print_report(report: Any) -> None:
    print(
        f"{report.model_id}: test accuracy {report.all.accuracy:.2%}, without near-duplicates "
        f"{report.without_near_duplicates.accuracy:.2%}, one view "
        f"{report.single_view.accuracy:.2%}"
    )
    if report.people:
        print(
            f"agreement with people {report.people.clear_agreement:.2%} of the clear faces, "
            f"balanced {report.people.clear_balanced:.2%}"
        )
    for name, figures in report.photos.items():
        print(f"{name}: {figures.accuracy:.2%}, balanced {figures.balanced_accuracy:.2%}")


def require_keras() -> None:
    """Say how to get the `train` extra where it is not installed.

    Raises:
        TrainingUnavailableError: if Keras cannot be found.
    """
    import importlib.util

    if importlib.util.find_spec("keras") is None:
        raise TrainingUnavailableError(
            "Training needs Keras, which the app does not: run `make setup-train` and use "
            ".venv-train/bin/mien."
        )
