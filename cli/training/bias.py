"""`mien bias`: the studies of groups and conditions that Model Metrics shows."""

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DetectorName, ModelId
from cli.output import progress_bar
from cli.training.studies import (
    Fer2013,
    check,
    classifier,
    command,
    label_classifier,
    settings,
    write,
)

app = typer.Typer(
    help="Group and condition studies; each writes one file under models/studies/.",
    no_args_is_help=True,
)

Annotations = Annotated[
    Path, typer.Option("--annotations", help="UTKFace as parquet: image, age, gender.")
]


@app.command()
def measured(data: Fer2013, model: ModelId = None, detector: DetectorName = None) -> None:
    """FER-2013's test split by brightness, sharpness, pose and other measured properties."""
    from core.expression.model_card import load_card
    from training.studies.bias.breakdowns import measured_study

    check(data)
    models_dir, finder, points = settings().models_dir, _detector(detector), _landmarker()
    card = load_card(model or settings().default_model, models_dir)
    with progress_bar("Measuring") as progress:
        report = measured_study(
            data, card, models_dir, finder, points, command=command(), progress=progress
        )
    write(f"bias_measured_{card.id}", report.model_dump())


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

    check(data, annotations)
    guesses = _guesses(data, annotations, detector)
    models_dir = settings().models_dir
    card = load_card(model or settings().default_model, models_dir)
    report = predicted_study(data, guesses, card, models_dir, command=command())
    held_out = {name: one.model_dump() for name, one in guesses.held_out.items()}
    write(f"bias_predicted_{card.id}", {**report.model_dump(), "held_out": held_out})


@app.command()
def utkface(
    data: Annotated[Path, typer.Option(help="UTKFace as parquet.")],
    model: ModelId = None,
    detector: DetectorName = None,
) -> None:
    """UTKFace by annotated age, gender and race: what the app does with these faces."""
    from training.studies.bias.breakdowns import utkface_study

    check(data)
    judge = classifier(model)
    with progress_bar("Analysing") as progress:
        report = utkface_study(
            data, judge, _detector(detector), _landmarker(), command=command(), progress=progress
        )
    write(f"bias_utkface_{judge.card.id}", report.model_dump())


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

    check(data, *([annotations] if annotations else []))
    guessed = []
    if annotations is not None:
        guessed = _guesses(data, annotations, None).attributes(*SPLITS)
    write("bias_dataset_fer2013", dataset_study(data, command=command(), guessed=guessed))


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

    check(data, *([annotations] if annotations else []), folders=True)
    judge = label_classifier(model)
    content = mitigation_study(
        judge,
        load_split(data, "validation"),
        load_split(data, "test"),
        guesses=None if annotations is None else _guesses(data, annotations, None),
        command=command(),
    )
    write(f"mitigation_{judge.card.id}", content)


@app.command()
def robustness(
    data: Fer2013,
    model: ModelId = None,
    n: Annotated[int, typer.Option(help="Test images drawn with seed 0.")] = 1000,
) -> None:
    """Accuracy under 15 corruptions in five strengths."""
    from training.studies.bias.robustness import robustness_study

    check(data, folders=True)
    judge = label_classifier(model)
    with progress_bar("Corrupting") as progress:
        content = robustness_study(data, judge, n, command=command(), progress=progress)
    write(f"robustness_{judge.card.id}", content)


@app.command()
def speed() -> None:
    """Milliseconds a face of every model whose file is here, on one thread of this machine."""
    from cli.bench_material import cpu_name
    from core.expression.model_card import UNSHIPPED, UNSHIPPED_FILE, model_ids
    from training.studies.bias.robustness import speed_study

    check()
    models_dir = settings().models_dir
    unshipped = models_dir.glob(f"{UNSHIPPED}/*/{UNSHIPPED_FILE}")
    names = [*model_ids(models_dir), *sorted(file.parent.name for file in unshipped)]
    models = {name: classifier(name) for name in names}
    file = models_dir / "studies" / "speed.json"
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    study = speed_study(models, command=command(), cpu=cpu_name(), earlier=earlier)
    write("speed", study)


@app.command("all")
def everything(
    data: Fer2013,
    annotations: Annotations,
    n: Annotated[int, typer.Option(help="Test images for robustness.")] = 1000,
) -> None:
    """Every study for the default model, one after another (about ten minutes)."""
    check(data, annotations)
    speed()
    measured(data)
    mitigate(data, annotations=annotations)
    utkface(annotations)
    predicted(data, annotations)
    dataset(data, annotations)
    robustness(data, n=n)


def _detector(name: str | None) -> Any:
    from core.detection import create_detector

    return create_detector(name or settings().default_detector, settings().models_dir)


def _landmarker() -> Any:
    from core.landmarks import FaceLandmarker

    return FaceLandmarker.load(settings().models_dir)


@cache
def _guesses(data: Path, annotations: Path, detector: str | None) -> Any:
    """Perceived age group and gender of FER-2013's images; minutes the first time."""
    from training.studies.bias.guesses import guesses_of

    with progress_bar("Annotating") as progress:
        return guesses_of(
            data, annotations, classifier(None), _detector(detector), progress=progress
        )
