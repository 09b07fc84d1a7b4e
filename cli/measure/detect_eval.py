"""`mien detect-eval`: measure a face detector on photos with annotated faces."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AllFigures, DetectorName
from cli.output import check_out, counted, progress_bar, say, wide_console, write_text

if TYPE_CHECKING:
    from core.measures.detection.evaluation import DetectionEvaluation

Copy = Annotated[Path | None, typer.Option(help="Also write the JSON there, with the curve.")]


def detect_eval(
    data: Annotated[Path, typer.Option(help="parquet: image, boxes_xyxy; flags a face if any.")],
    detector: DetectorName = None,
    min_face: Annotated[
        float, typer.Option("--min-face", min=0, help="Smaller faces (side, px) do not count.")
    ] = 20,
    every: Annotated[
        int, typer.Option(min=1, help="Only every n-th photo, for detectors that are slow.")
    ] = 1,
    as_json: AllFigures = False,
    out: Copy = None,
) -> None:
    """Measure a detector: average precision, best F1 and its threshold, by kind of face.

    A face counts if the square of its area has a side of --min-face pixels, and if the set does
    not call it invalid or heavily occluded. The detector runs at a low threshold, so that its
    whole curve is seen; what the app's own threshold gives is reported beside it.
    """
    from core.config import load_settings
    from core.detection import SWEEP_THRESHOLD, create_detector
    from core.measures.detection.evaluation import evaluate
    from core.measures.detection.photos import load_photos

    settings = load_settings()
    name = detector or settings.default_detector
    finder = create_detector(name, settings.models_dir, threshold=SWEEP_THRESHOLD)
    check_out(out, data)
    photos = load_photos(data, settings.picture_limits).part(every)
    say(photos.notes)
    command = ["mien", "detect-eval", "--data", data.name, "--detector", name]
    command += ["--min-face", f"{min_face:g}"]
    command += ["--every", str(every)] if every > 1 else []
    with progress_bar("Evaluating") as progress:
        evaluation = evaluate(
            finder,
            photos,
            shipped_threshold=create_detector(name, settings.models_dir).threshold,
            min_face_px=min_face,
            command=shlex.join(command),
            progress=progress,
        )
    if out is not None:
        write_text(evaluation.model_dump_json(indent=1) + "\n", out)
    if as_json:
        content = evaluation.model_dump(exclude={"curve"})
        sys.stdout.write(json.dumps(content, indent=1) + "\n")
    else:
        _print(evaluation)


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _print(evaluation: "DetectionEvaluation") -> None:
    from rich.table import Table

    console, shipped = wide_console(), evaluation.shipped
    console.print(
        f"{evaluation.detector} on {evaluation.dataset}, {counted(evaluation.n_images, 'photo')}"
    )
    for name in ("n_faces", "ap50", "best_f1", "precision", "recall", "threshold"):
        value = getattr(evaluation, name)
        console.print(f"{name:14}{value if isinstance(value, int) else _show(value)}")
    console.print(
        f"{'ms_per_image':14}{evaluation.ms_per_image} "
        f"({evaluation.cpu_ms_per_image} of the processor's time)"
    )
    console.print(
        f"the app's threshold {_show(shipped.threshold)}: precision {_show(shipped.precision)}, "
        f"recall {_show(shipped.recall)}, F1 {_show(shipped.f1)}"
    )
    table = Table("faces by", "", "n", "ap50", "recall")
    for kind, groups in evaluation.by_group.items():
        for name, group in groups.items():
            table.add_row(kind, name, str(group.n_faces), _show(group.ap50), _show(group.recall))
    table.caption = "recall: at the threshold of best F1"
    console.print(table)
