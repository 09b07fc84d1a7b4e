"""`mien bias`: the studies of groups and conditions that Model Metrics shows."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Group and condition studies; each writes one file under models/studies/.",
    no_args_is_help=True,
)

Fer2013 = Annotated[Path, typer.Option("--data", help="FER-2013 as parquet.")]
ModelId = Annotated[str | None, typer.Option("--model", help="Id of the model.")]
DetectorName = Annotated[str | None, typer.Option("--detector", help="Name of the detector.")]
Annotations = Annotated[
    Path, typer.Option("--annotations", help="UTKFace as parquet: image, age, gender.")
]


@app.command()
def measured(data: Fer2013, model: ModelId = None, detector: DetectorName = None) -> None:
    """FER-2013's test split by brightness, sharpness, pose and other measured properties."""
    from core.expression.model_card import load_card
    from training.studies.bias.breakdowns import measured_study

    settings, model_id, finder = _parts(model, detector)
    card = load_card(model_id, settings.models_dir)
    with _progress("Measuring") as progress:
        report = measured_study(
            data, card, settings.models_dir, finder, _landmarker(settings),
            command=_command(), progress=progress,
        )  # fmt: skip
    _write(f"bias_measured_{model_id}", report.model_dump())


@app.command()
def predicted(
    data: Fer2013,
    annotations: Annotations,
    model: ModelId = None,
    detector: DetectorName = None,
) -> None:
    """FER-2013's test split by perceived age group and gender, guessed by an annotator."""
    from core.expression.model_card import load_card
    from training.studies.bias.breakdowns import predicted_study

    guesses = _guesses(data, annotations, detector)
    settings, model_id, _ = _parts(model, detector)
    report = predicted_study(
        data, guesses, load_card(model_id, settings.models_dir), settings.models_dir,
        command=_command(),
    )  # fmt: skip
    content = report.model_dump()
    content["held_out"] = {name: one.model_dump() for name, one in guesses.held_out.items()}
    _write(f"bias_predicted_{model_id}", content)


@app.command()
def utkface(
    data: Annotated[Path, typer.Option(help="UTKFace as parquet.")],
    model: ModelId = None,
    detector: DetectorName = None,
) -> None:
    """UTKFace by annotated age, gender and race: what the app does with these faces."""
    from training.studies.bias.breakdowns import utkface_study

    settings, model_id, finder = _parts(model, detector)
    with _progress("Analysing") as progress:
        report = utkface_study(
            data, _classifier(settings, model_id), finder, _landmarker(settings),
            command=_command(), progress=progress,
        )  # fmt: skip
    _write(f"bias_utkface_{model_id}", report.model_dump())


@app.command()
def dataset(
    data: Fer2013,
    annotations: Annotated[
        Path | None, typer.Option(help="UTKFace, to add perceived age group and gender.")
    ] = None,
) -> None:
    """FER-2013 itself: class balance, and which groups are shown with which expression."""
    from training.studies.bias.breakdowns import dataset_study
    from training.studies.bias.guesses import SPLITS

    guessed = []
    if annotations is not None:
        guessed = _guesses(data, annotations, None).attributes(*SPLITS)
    _write("bias_dataset_fer2013", dataset_study(data, command=_command(), guessed=guessed))


@app.command()
def mitigate(
    data: Fer2013,
    model: ModelId = None,
    annotations: Annotated[
        Path | None, typer.Option(help="UTKFace, to weight by perceived age and gender, too.")
    ] = None,
) -> None:
    """Mitigations without retraining the network: gaps and accuracy before and after."""
    from training.data.fer2013 import load_split
    from training.studies.bias.mitigate import mitigation_study

    settings, model_id, _ = _parts(model, None)
    content = mitigation_study(
        _classifier(settings, model_id),
        load_split(data, "validation"),
        load_split(data, "test"),
        guesses=None if annotations is None else _guesses(data, annotations, None),
        command=_command(),
    )
    _write(f"mitigation_{model_id}", content)


@app.command()
def robustness(
    data: Fer2013,
    model: ModelId = None,
    n: Annotated[int, typer.Option(help="Test images drawn with seed 0.")] = 1000,
) -> None:
    """Accuracy under 15 corruptions in five strengths."""
    from core.config import load_settings
    from training.studies.bias.robustness import robustness_study

    settings = load_settings()
    model_id = model or settings.default_model
    with _progress("Corrupting") as progress:
        content = robustness_study(
            data, _classifier(settings, model_id), n, command=_command(), progress=progress
        )
    _write(f"robustness_{model_id}", content)


@app.command()
def speed() -> None:
    """Milliseconds a face of every model whose file is here, on one thread of this machine."""
    from cli.bench_material import cpu_name
    from core.config import load_settings
    from core.expression.model_card import UNSHIPPED, UNSHIPPED_FILE, model_ids
    from training.studies.bias.robustness import speed_study

    settings = load_settings()
    unshipped = settings.models_dir.glob(f"{UNSHIPPED}/*/{UNSHIPPED_FILE}")
    names = [*model_ids(settings.models_dir), *sorted(file.parent.name for file in unshipped)]
    models = {name: _classifier(settings, name) for name in names}
    _write("speed", speed_study(models, command=_command(), cpu=cpu_name()))


@app.command("all")
def everything(
    data: Fer2013,
    annotations: Annotations,
    n: Annotated[int, typer.Option(help="Test images for robustness.")] = 1000,
) -> None:
    """Every study for the default model, one after another (about ten minutes)."""
    speed()
    measured(data)
    mitigate(data, annotations=annotations)
    utkface(annotations)
    predicted(data, annotations)
    dataset(data, annotations)
    robustness(data, n=n)


def _parts(model: str | None, detector: str | None) -> tuple[Any, str, Any]:
    from core.config import load_settings
    from core.detection import create_detector

    settings = load_settings()
    finder = create_detector(detector or settings.default_detector, settings.models_dir)
    return settings, model or settings.default_model, finder


def _classifier(settings: Any, model_id: str) -> Any:
    """A shipped model, or one whose file `mien publish --unshipped` left here."""
    from core.expression.classify import EmotionClassifier
    from core.expression.model_card import with_unshipped

    return EmotionClassifier.load(model_id, with_unshipped(model_id, settings.models_dir))


def _guesses(data: Path, annotations: Path, detector: str | None) -> Any:
    """Perceived age group and gender of FER-2013's images; minutes the first time."""
    from training.studies.bias.guesses import guesses_of

    settings, model_id, finder = _parts(None, detector)
    with _progress("Annotating") as progress:
        return guesses_of(
            data, annotations, _classifier(settings, model_id), finder,
            Path("runs") / "bias_guesses", progress=progress,
        )  # fmt: skip


def _landmarker(settings: Any) -> Any:
    from core.landmarks import FaceLandmarker

    return FaceLandmarker.load(settings.models_dir)


def _command() -> str:
    """What was typed, with file names in place of paths."""
    words = ["mien"] + [Path(w).name if "/" in w else w for w in sys.argv[1:]]
    return shlex.join(words)


def _write(name: str, content: Any) -> None:
    from core.config import load_settings
    from core.measures.study import write_study

    file = load_settings().models_dir / "studies" / f"{name}.json"
    write_study(file, content, digits=6)  # more than any of these figures has
    sys.stdout.write(f"{file}\n")


@contextmanager
def _progress(title: str) -> Iterator[Any]:
    """A bar on the terminal; the value of the block is what the studies call."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
