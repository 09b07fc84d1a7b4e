"""`mien study`: experiments whose results the app shows."""

import sys
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import ModelId
from cli.training.studies import (
    Out,
    check,
    command,
    label_classifier,
    settings,
    write,
)

study_app = typer.Typer(
    help="Experiments on annotated sets; each writes one file under models/studies.",
    no_args_is_help=True,
)
Fer2013 = Annotated[
    Path, typer.Option("--fer", help="FER-2013 as parquet: image, label, split, name.")
]
AnyFer2013 = Annotated[Path, typer.Option(help="FER-2013: parquet, Kaggle's csv or folder.")]


@study_app.command("landmarks")
def landmarks(
    fer: Fer2013,
    helen: Annotated[Path, typer.Option(help="HELEN as parquet: image, points_xy, split.")],
    model: ModelId = None,
    out: Out = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder for the points of the crops, to be quick next time."),
    ] = None,
    per_split: Annotated[
        int | None,
        typer.Option(min=200, help="Crops of FER-2013's validation and test split; else all."),
    ] = None,
    quick: Annotated[
        bool, typer.Option(help="A few images of each set: only to see that it runs.")
    ] = False,
) -> None:
    """How landmark accuracy bears on expressions: HELEN's errors and the experiments E1 to E5."""
    from core.errors import DatasetError
    from training.studies.landmarks.run import QUICK, Sizes, Study, run_study

    check(fer, helen, out=out)
    if quick and out is None:
        raise DatasetError("--quick measures too little to be shown; name another file by --out.")
    started = time.monotonic()
    study = Study(
        fer,
        helen,
        settings().models_dir,
        model_id=model or settings().default_model,
        cache=cache,
        sizes=QUICK if quick else Sizes(split=per_split, noise=per_split),
        say=lambda text: print(
            f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True
        ),
    )
    content = run_study(study)
    for part in ("accuracy", "e1", "e2", "e3", "e4", "e5"):
        print(f"{part}: {content[part]['conclusion']}\n")
    write("landmarks", content, out)


@study_app.command("trials")
def trials(
    name: Annotated[str, typer.Argument(help="Which set: ablations or architectures.")],
    data: AnyFer2013,
    epochs: Annotated[int, typer.Option(min=1, help="Of each trial.")] = 10,
    runs: Annotated[Path, typer.Option(help="Folder for the runs.")] = Path("runs/trials"),
) -> None:
    """Short trainings side by side: what each choice gains on the validation split."""
    from cli.training.train import require_keras

    require_keras()
    from training.studies.trials import SETS, run_trials

    if name not in SETS:
        raise typer.BadParameter(f"no set {name!r}; there are: {', '.join(SETS)}")
    check()
    content = run_trials(name, epochs, data, runs, command=command())
    for row in content["rows"]:
        print(f"{row['accuracy']:7.2%}  {row['train_s']:5.0f} s  {row['trial']}")
    write(f"trials_{name}", content)


@study_app.command("datasets")
def datasets(
    fer: Fer2013,
    wider_train: Annotated[Path | None, typer.Option(help="WIDER FACE, train part.")] = None,
    wider_val: Annotated[Path | None, typer.Option(help="WIDER FACE, validation part.")] = None,
    helen: Annotated[Path | None, typer.Option(help="HELEN: points_xy, split.")] = None,
    utkface: Annotated[Path | None, typer.Option(help="UTKFace: age_bin, gender, race.")] = None,
    rafdb: Annotated[Path | None, typer.Option(help="RAF-DB: label, split, square_xyxy.")] = None,
    out: Out = None,
) -> None:
    """What the sets hold and their flaws: balance, near-duplicates, label noise, sizes."""
    from training.studies import dataset_facts as facts

    readers: dict[str, tuple[Path | None, Callable[[Path], dict[str, Any]]]] = {
        "fer2013": (fer, facts.fer2013_facts),
        "wider_train": (wider_train, facts.wider_facts),
        "wider_val": (wider_val, facts.wider_facts),
        "helen": (helen, facts.helen_facts),
        "utkface": (utkface, facts.utkface_facts),
        "rafdb": (rafdb, partial(facts.rafdb_facts, fer=fer)),
    }
    there = {name: (path, read) for name, (path, read) in readers.items() if path is not None}
    check(*(path for path, _ in there.values()), out=out)
    content = {name: read(path) for name, (path, read) in there.items()}
    write("dataset_facts", {"command": command(), **content}, out)


@study_app.command("failures")
def failures(
    fer: Fer2013,
    model: ModelId = None,
    out: Out = None,
) -> None:
    """The surest mistakes on FER-2013's validation split, and whom FER+'s taggers side with."""
    from training.studies.failures import failure_study

    check(fer, out=out)
    judge = label_classifier(model)
    write(f"failures_{judge.card.id}", failure_study(fer, judge, command=command()), out)


@study_app.command("pruning")
def pruning(
    model: Annotated[str, typer.Argument(help="Id of a published model of 32-bit floats.")],
    data: AnyFer2013,
    weights: Annotated[
        Path | None, typer.Option(help="Its Keras weights, if not shipped.")
    ] = None,
    sparsity: Annotated[
        list[float] | None, typer.Option(help="Share of zeros; may be given several times.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Of fine-tuning after each step.")] = 2,
) -> None:
    """Prune step by step, fine-tune, quantise: sparsity, size, speed, validation accuracy."""
    from cli.training.train import require_keras
    from core.errors import ModelError
    from core.expression.model_card import load_card

    require_keras()
    from training.publishing.artifacts import recipe_of, shipped_weights
    from training.studies.prune import prune

    card = load_card(model, settings().models_dir)
    file = weights or shipped_weights(card, settings().models_dir)
    if file is None:
        raise ModelError(
            f"The Keras weights of {model!r} are not shipped; train it again by its recipe "
            f"(`mien train {card.recipe['name']}`) and say `--weights`."
        )
    check()
    steps = tuple(sorted(sparsity or [0.5, 0.7, 0.8, 0.9]))
    content = {
        "command": command(),
        "dataset": "FER-2013, validation (PublicTest)",
        "model_id": model,
        "weights_sha256": sha256(file.read_bytes()).hexdigest(),
        "epochs": epochs,
        "rows": prune(recipe_of(card), file, data, card, steps, epochs),
    }
    write(f"pruning_{model}", content)
