"""`mien study`: experiments whose results the app shows."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.output import check_out

study_app = typer.Typer(
    help="Experiments on annotated sets; each writes one file under models/studies.",
    no_args_is_help=True,
)


ModelId = Annotated[str | None, typer.Option(help="Id of the model; see `mien models`.")]
Out = Annotated[Path | None, typer.Option(help="JSON file; where the app reads it if not given.")]


def _teller() -> Callable[[str], None]:
    """Prints progress with the seconds since now, apart from the result."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    return say


def _check_there(*paths: Path) -> None:
    """Say which set is missing before anything is measured."""
    from core.errors import DatasetError

    for path in paths:
        if not path.is_file():
            raise DatasetError(f"There is no file {path}; README.md says where to get the set.")


@study_app.command("landmarks")
def landmarks(
    fer: Annotated[Path, typer.Option(help="FER-2013 as parquet: image, label, split.")],
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
    from core.config import load_settings
    from core.errors import DatasetError
    from core.measures.study import write_study
    from training.studies.landmarks.run import QUICK, Sizes, Study, run_study

    settings = load_settings()
    _check_there(fer, helen)
    check_out(out)
    if quick and out is None:
        raise DatasetError("--quick measures too little to be shown; name another file by --out.")
    file = out or settings.models_dir / "studies" / "landmarks.json"
    study = Study(
        fer,
        helen,
        settings.models_dir,
        model_id=model or settings.default_model,
        cache=cache,
        sizes=QUICK if quick else Sizes(split=per_split, noise=per_split),
        say=_teller(),
    )
    content = run_study(study)
    write_study(file, content)
    for part in ("accuracy", "e1", "e2", "e3", "e4", "e5"):
        print(f"{part}: {content[part]['conclusion']}\n")
    print(f"Written to {file}.")


@study_app.command("trials")
def trials(
    name: Annotated[str, typer.Argument(help="Which set: ablations or architectures.")],
    data: Annotated[Path, typer.Option(help="FER-2013: parquet, Kaggle's csv or folder.")],
    epochs: Annotated[int, typer.Option(min=1, help="Of each trial.")] = 10,
    runs: Annotated[Path, typer.Option(help="Folder for the runs.")] = Path("runs/trials"),
) -> None:
    """Short trainings side by side: what each choice gains on the validation split."""
    from cli.training.train import require_keras
    from core.config import load_settings
    from core.measures.study import write_study

    require_keras()
    from training.studies.trials import SETS, run_trials

    if name not in SETS:
        raise typer.BadParameter(f"no set {name!r}; there are: {', '.join(SETS)}")
    command = f"mien study trials {name} --epochs {epochs} --data {data.name}"
    content = run_trials(name, epochs, data, runs, command=command)
    file = load_settings().models_dir / "studies" / f"trials_{name}.json"
    write_study(file, content)
    for row in content["rows"]:
        print(f"{row['accuracy']:7.2%}  {row['train_s']:5.0f} s  {row['trial']}")
    print(f"Written to {file}.")


@study_app.command("datasets")
def datasets(
    fer: Annotated[Path, typer.Option(help="FER-2013 as parquet: image, label, split.")],
    wider_train: Annotated[Path | None, typer.Option(help="WIDER FACE, train part.")] = None,
    wider_val: Annotated[Path | None, typer.Option(help="WIDER FACE, validation part.")] = None,
    helen: Annotated[Path | None, typer.Option(help="HELEN: points_xy, split.")] = None,
    utkface: Annotated[Path | None, typer.Option(help="UTKFace: age_bin, gender, race.")] = None,
    out: Out = None,
) -> None:
    """What the sets hold and their flaws: balance, near-duplicates, label noise, sizes."""
    from core.config import load_settings
    from core.measures.study import write_study
    from training.studies import dataset_facts as facts

    readers = {
        "fer2013": (fer, facts.fer2013_facts),
        "wider_train": (wider_train, facts.wider_facts),
        "wider_val": (wider_val, facts.wider_facts),
        "helen": (helen, facts.helen_facts),
        "utkface": (utkface, facts.utkface_facts),
    }
    check_out(out)
    say = _teller()
    content: dict[str, object] = {}
    for name, (path, read) in readers.items():
        if path is None:
            continue
        _check_there(path)
        say(name)
        content[name] = read(path)
    options = " ".join(
        f"--{name.replace('_', '-').replace('fer2013', 'fer')} {path.name}"
        for name, (path, _) in readers.items()
        if path is not None
    )
    file = out or load_settings().models_dir / "studies" / "dataset_facts.json"
    write_study(file, {"command": f"mien study datasets {options}", **content})
    print(f"Written to {file}.")


@study_app.command("failures")
def failures(
    fer: Annotated[Path, typer.Option(help="FER-2013 as parquet: image, label, split, name.")],
    model: ModelId = None,
    out: Out = None,
) -> None:
    """The surest mistakes on FER-2013's validation split, and whom FER+'s taggers side with."""
    from core.config import load_settings
    from core.expression.classify import EmotionClassifier
    from core.measures.study import write_study
    from training.studies.failures import failure_study

    settings = load_settings()
    _check_there(fer)
    check_out(out)
    classifier = EmotionClassifier.load(model or settings.default_model, settings.models_dir)
    model_option = f" --model {model}" if model else ""
    content = failure_study(
        fer, classifier, command=f"mien study failures --fer {fer.name}{model_option}"
    )
    file = out or settings.models_dir / "studies" / f"failures_{classifier.card.id}.json"
    write_study(file, content)
    print(f"Written to {file}.")


@study_app.command("pruning")
def pruning(
    model: Annotated[str, typer.Argument(help="Id of a published model of 32-bit floats.")],
    data: Annotated[Path, typer.Option(help="FER-2013: parquet, Kaggle's csv or folder.")],
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
    from core.config import load_settings
    from core.errors import ModelError
    from core.expression.model_card import load_card
    from core.measures.study import write_study

    require_keras()
    from training.publishing.artifacts import recipe_of, shipped_weights
    from training.studies.prune import prune

    models_dir = load_settings().models_dir
    card = load_card(model, models_dir)
    steps = tuple(sorted(sparsity or [0.5, 0.7, 0.8, 0.9]))
    file = weights or shipped_weights(card, models_dir)
    if file is None:
        raise ModelError(
            f"The Keras weights of {model!r} are not shipped; train it again by its recipe "
            f"(`mien train {card.recipe['name']}`) and say `--weights`."
        )
    rows = prune(recipe_of(card), file, data, card, steps, epochs)
    content = {
        "command": f"mien study pruning {model} --epochs {epochs} --data {data.name}",
        "dataset": "FER-2013, validation (PublicTest)",
        "model_id": model,
        "model_sha256": card.sha256,
        "epochs": epochs,
        "rows": rows,
    }
    out = models_dir / "studies" / f"pruning_{model}.json"
    write_study(out, content)
    print(f"Written to {out}.")
