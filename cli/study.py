"""`mien study`: experiments whose results the app shows."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

study_app = typer.Typer(
    help="Experiments on annotated sets; each writes one file under models/studies.",
    no_args_is_help=True,
)


@study_app.callback()
def study() -> None:
    """Keeps `landmarks` a command of its own while it is the only one."""


def _teller() -> Callable[[str], None]:
    """Prints progress with the seconds since now, apart from the result."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    return say


@study_app.command("landmarks")
def landmarks(
    fer: Annotated[Path, typer.Option(help="FER-2013 as parquet: image, label, split.")],
    helen: Annotated[Path, typer.Option(help="HELEN as parquet: image, points_xy, split.")],
    model: Annotated[str | None, typer.Option(help="Id of the model; see `mien models`.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="JSON file; models/studies/landmarks.json if not given.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder for the points of the crops, to be quick next time."),
    ] = None,
    per_split: Annotated[
        int,
        typer.Option(min=200, help="Crops of FER-2013's validation and test split; 3589: all."),
    ] = 2000,
    quick: Annotated[
        bool, typer.Option(help="A few images of each set: only to see that it runs.")
    ] = False,
) -> None:
    """How landmark accuracy bears on expressions: HELEN's errors and the experiments E1 to E5."""
    from core.config import load_settings
    from core.errors import DatasetError
    from training.landmark_study.run import QUICK, Sizes, run_study, write

    settings = load_settings()
    for path in (fer, helen):
        if not path.is_file():
            raise DatasetError(f"There is no file {path}; README.md says where to get the set.")
    if quick and out is None:
        raise DatasetError("--quick measures too little to be shown; name another file by --out.")
    file = out or settings.models_dir / "studies" / "landmarks.json"
    content = run_study(
        fer,
        helen,
        settings.models_dir,
        model_id=model or settings.default_model,
        cache=cache,
        sizes=QUICK if quick else Sizes(split=per_split),
        say=_teller(),
    )
    write(content, file)
    for part in ("accuracy", "e1", "e2", "e3", "e4", "e5"):
        print(f"{part}: {content[part]['conclusion']}\n")
    print(f"Written to {file}.")
