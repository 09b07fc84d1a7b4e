"""`mien train-detector` and `mien publish-detector`: our own face detector, made again."""

from pathlib import Path
from typing import Annotated

import typer

from cli.training.train import RUNS, require_keras

DataOption = Annotated[
    Path, typer.Option(help="parquet with image and boxes_xyxy, such as WIDER FACE's train split.")
]
RunOption = Annotated[Path, typer.Option(help="Folder of the run.")]
DEFAULT_RUN = RUNS / "mien_face"


def train_detector(
    data: DataOption,
    run: RunOption = DEFAULT_RUN,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
) -> None:
    """Train the face detector; goes on where a run in the same folder ended."""
    require_keras()
    from dataclasses import replace

    from core.config import load_settings
    from training.detector.recipe import DetectorRecipe
    from training.detector.train import train

    recipe = DetectorRecipe()
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    curves = train(recipe, data, run, load_settings().models_dir)
    measured = [row for row in curves if "val_ap50" in row]
    best = max(measured, key=lambda row: row["val_ap50"])
    print(f"best held-out average precision {best['val_ap50']:.3f} after epoch {best['epoch']}")


def publish_detector(data: DataOption, run: RunOption = DEFAULT_RUN) -> None:
    """Export a run as float and int8, choose the threshold, describe it in models/mien-face."""
    require_keras()
    from core.config import load_settings
    from training.detector.export import publish

    facts = publish(data, run, load_settings().models_dir / "mien-face")
    held_out = facts["held_out"]
    print(
        f"{facts['n_parameters']} parameters; on {held_out['n_images']} held-out photos average "
        f"precision {held_out['ap50']:.3f}, F1 {held_out['best_f1']:.3f} at {facts['threshold']}"
    )


def evaluate_detector(
    data: Annotated[Path, typer.Option(help="parquet: image, boxes_xyxy; not used for choosing.")],
) -> None:
    """Measure both precisions of mien-face; writes evaluations and readme to models/mien-face."""
    import shlex

    from core.config import load_settings
    from core.detection import SWEEP_THRESHOLD
    from core.detection.detectors.mien_face import PRECISIONS, MienFaceDetector
    from core.measures.detection.evaluation import evaluate
    from core.measures.detection.photos import load_photos
    from training.detector.card import EVALUATION_FILES, write_readme

    folder, photos = load_settings().models_dir / "mien-face", load_photos(data)
    for precision in PRECISIONS:
        found = evaluate(
            MienFaceDetector(folder, precision=precision, threshold=SWEEP_THRESHOLD),
            photos,
            shipped_threshold=MienFaceDetector(folder).threshold,
            command=shlex.join(("mien", "evaluate-detector", "--data", data.name)),
        )
        text = found.model_dump_json(indent=1) + "\n"
        (folder / EVALUATION_FILES[precision]).write_text(text, encoding="utf-8")
        print(
            f"{precision}: {found.n_faces} faces, average precision {found.ap50}, best F1 "
            f"{found.best_f1} at {found.threshold}, {found.ms_per_image} ms a photo"
        )
    write_readme(folder)
