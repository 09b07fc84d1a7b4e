"""What the choice of the detector does to the accuracy of expressions.

`python -m training.fits.detector_effect --data fer2013.parquet` frames validation images of
FER-2013 as small photos, runs what `mien evaluate --faces detect` runs with each detector, and
writes models/studies/detectors.json. No labelled set of whole photos is at hand; in these, a face
is in the middle of a plain frame, so they say what the cut of each detector does, not how well it
finds faces (`mien detect-eval` does).
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from core.config import ROOT, load_settings
from core.detection import DETECTORS, available_detectors, create_detector
from core.expression.classify import EmotionClassifier
from core.measures.datasets import LabelledImages, load_labelled
from core.measures.evaluation import Evaluation, evaluate
from core.measures.study import write_study
from core.pictures.images import decode_image, encode_png
from core.types import ImageRGB
from training.data.framing import framed

FILE = ROOT / "models" / "studies" / "detectors.json"
_FACE_PX, _EDGE_PX = 144, 88
_NO_DETECTOR = "none"


def _photo(encoded: bytes) -> ImageRGB:
    """A crop in the middle of a plain photo: uint8 (320, 320, 3)."""
    return framed(decode_image(encoded).image_rgb, side_px=_FACE_PX, edge_px=_EDGE_PX)[0]


def photo_set(crops: LabelledImages, n_images: int) -> tuple[LabelledImages, LabelledImages]:
    """The same images by chance, as crops and as photos."""
    encoded = list(crops.encoded())
    chosen = np.sort(np.random.default_rng(0).permutation(len(crops))[:n_images])
    sources = {
        "crops": [encoded[i] for i in chosen],
        "photos": [encode_png(_photo(encoded[i])) for i in chosen],
    }
    made = [
        LabelledImages(
            crops.labels[chosen],
            pd.DataFrame(index=range(len(chosen))),
            f"{crops.name}, {name}",
            crops.rows[chosen],
            list(images),
        )
        for name, images in sources.items()
    ]
    return made[0], made[1]


def row(evaluation: Evaluation) -> dict[str, Any]:
    """What is stored of one run."""
    low, high = evaluation.measures.accuracy_ci95
    return {
        "n": evaluation.n,
        "undetected": evaluation.undetected,
        "accuracy_of_detected": round(evaluation.measures.accuracy, 4),
        "accuracy_ci95": [round(low, 4), round(high, 4)],
        "accuracy_of_all": round(evaluation.accuracy_of_all, 4),
        "balanced_accuracy": round(evaluation.measures.balanced_accuracy, 4),
    }


def main(
    data: Annotated[Path, typer.Option(help="FER-2013 as parquet")],
    model: Annotated[str | None, typer.Option(help="Id of the expression model")] = None,
    n_images: Annotated[int, typer.Option(help="How many images of the validation split")] = 1000,
    detector: Annotated[
        list[str] | None, typer.Option(help="Only these; the others' figures stay.")
    ] = None,
) -> None:
    """Measure each detector that is installed, and the crops themselves."""
    settings = load_settings()
    classifier = EmotionClassifier.load(model or settings.default_model, settings.models_dir)
    crops, photos = photo_set(load_labelled(data, split="validation"), n_images)
    stored = json.loads(FILE.read_text())["detectors"] if detector and FILE.exists() else {}
    for name in detector or (_NO_DETECTOR, *available_detectors()):
        if name == _NO_DETECTOR:
            stored[name] = row(evaluate(classifier, crops, split="validation"))
        else:
            finder = create_detector(name, settings.models_dir)
            stored[name] = row(evaluate(classifier, photos, split="validation", detector=finder))
        print(name, stored[name], flush=True)
    order = (_NO_DETECTOR, *DETECTORS)
    content = {
        "data": f"{data.name}, validation split, framed as photos",
        "model_id": classifier.card.id,
        "model_sha256": classifier.card.sha256,
        "detectors": {name: stored[name] for name in order if name in stored},
    }
    write_study(FILE, content)


if __name__ == "__main__":
    typer.run(main)
