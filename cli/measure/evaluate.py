"""`mien evaluate`: measure a model on any labelled set."""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.options import AllFigures, Faces, FacesDetector, GroupBy, ModelId
from cli.output import check_out, progress_bar, say, wide_console

if TYPE_CHECKING:
    from core.expression.classify import EmotionClassifier
    from core.measures.accuracy import Measures
    from core.measures.evaluation import Evaluation


Labels = Literal["fer2013", "people"]  # who gave the labels

Coverage = Annotated[
    bool,
    typer.Option(
        "--coverage",
        help="Of FER-2013's test split: how often the labels that are named hold the one that "
        "most people choose; into models/studies/.",
    ),
]


def evaluate(
    data: Annotated[Path, typer.Option(help="parquet: image, label; or csv: path,label.")],
    model: ModelId = None,
    split: Annotated[str | None, typer.Option(help="Only rows whose `split` is this.")] = None,
    faces: Faces = "crop",
    detector: FacesDetector = None,
    group_by: GroupBy = None,
    coverage: Coverage = False,
    n_corrupted: Annotated[
        int, typer.Option(help="Images that --coverage corrupts; all conditions on each.")
    ] = 300,
    labels: Annotated[
        Labels | None, typer.Option(help="Whose labels the data has; else what the model serves.")
    ] = None,
    as_json: AllFigures = False,
) -> None:
    """Measure a model: accuracy, per class, calibration, confusion, by group."""
    from core.config import load_settings
    from core.detection import create_detector
    from core.expression.classify import EmotionClassifier
    from core.measures.datasets import load_labelled
    from core.measures.evaluation import evaluate as run

    settings = load_settings()
    classifier = EmotionClassifier.load(model or settings.default_model, settings.models_dir)
    if labels is not None:
        classifier = classifier.in_dialect(labels)
    if coverage:
        _write_coverage(classifier, data, settings.models_dir, n_corrupted)
        return
    named = detector or settings.default_detector
    finder = create_detector(named, settings.models_dir) if faces == "detect" else None
    groups, limits = tuple(group_by or ()), settings.picture_limits
    images = load_labelled(data, split=split, group_by=groups, limits=limits)
    say(images.notes)
    with progress_bar("Evaluating") as progress:
        evaluation = run(classifier, images, split=split, detector=finder, progress=progress)
    _print(evaluation, as_json=as_json)


def _write_coverage(
    classifier: "EmotionClassifier", data: Path, models_dir: Path, n_corrupted: int
) -> None:
    """`models/studies/coverage_<model>.json`, and its main figures on the screen."""
    from core.measures.study import write_study
    from training.studies.coverage import coverage_study

    model_id = classifier.card.id
    file = models_dir / "studies" / f"coverage_{model_id}.json"
    check_out(file)
    command = f"mien evaluate --coverage --split test --data {data.name} --model {model_id}"
    with progress_bar("Corrupting") as progress:
        study = coverage_study(
            data, classifier, models_dir, n_corrupted, command=command, progress=progress
        )
    write_study(file, study, digits=4)
    every = study["all"]
    sys.stdout.write(
        f"{model_id}: {every['coverage']:.1%} of {every['n']} faces covered (aim "
        f"{study['target']:.0%}) with {every['mean_labels']:.2f} labels a face; one label for "
        f"{every['one_label']:.0%}, no agreement on {every['no_agreement']:.0%}\n"
    )


def summary(evaluation: "Evaluation") -> dict[str, Any]:
    """The evaluation flat, as `--json` prints it; figures without meaning are null."""
    from core.measures.study import plain

    content = {
        **evaluation.model_dump(exclude={"measures", "by_group"}),
        **evaluation.measures.model_dump(exclude={"n"}),
        "by_group": {
            column: {
                name: {
                    "n": group.n,
                    "undetected": group.undetected,
                    **group.measures.model_dump(exclude={"n"}),
                }
                for name, group in groups.items()
            }
            for column, groups in evaluation.by_group.items()
        },
    }
    return dict(plain(content))


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2%}"


def _print(evaluation: "Evaluation", *, as_json: bool) -> None:
    from rich.table import Table

    if as_json:
        sys.stdout.write(json.dumps(summary(evaluation), indent=1) + "\n")
        return

    console = wide_console()
    measures = evaluation.measures
    low, high = measures.accuracy_ci95
    console.print(f"{evaluation.model_id} on {evaluation.dataset}, faces: {evaluation.faces}")
    console.print(f"n {evaluation.n}, undetected {evaluation.undetected}")
    console.print(
        f"accuracy {_share(measures.accuracy)} (95 % interval {_share(low)} to {_share(high)}), "
        f"balanced {_share(measures.balanced_accuracy)}, macro F1 {measures.macro_f1:.3f}, "
        f"calibration error {measures.ece:.3f}"
    )
    per_class = Table("label", "precision", "recall", "F1", "support", *measures.per_class)
    for row, (name, scores) in zip(measures.confusion, measures.per_class.items(), strict=True):
        cells = (_share(scores.precision), _share(scores.recall), _share(scores.f1))
        per_class.add_row(name, *cells, str(scores.support), *map(str, row))
    per_class.caption = "right part: confusion, rows true, columns predicted"
    console.print(per_class)
    for column, groups in evaluation.by_group.items():
        _print_groups(console, column, {name: g.measures for name, g in groups.items()})


def _print_groups(console: Any, column: str, groups: dict[str, "Measures"]) -> None:
    from rich.table import Table

    from core.pictures.files.names import printable

    table = Table(printable(column), "n", "accuracy", "95 % interval", "balanced", "macro F1")
    for name, part in groups.items():
        low, high = part.accuracy_ci95
        table.add_row(
            printable(name),
            str(part.n),
            _share(part.accuracy),
            f"{_share(low)} – {_share(high)}",
            _share(part.balanced_accuracy),
            "–" if math.isnan(part.macro_f1) else f"{part.macro_f1:.3f}",
        )
    console.print(table)
