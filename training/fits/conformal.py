"""Fit which labels are named for a face (`core.expression.conformal`), on validation images.

`python -m training.fits.conformal --data fer2013.parquet --model mien-fast` writes
models/mien-fast/conformal.json. FER+'s votes are looked for beside the data, or given; where
there are none the set's own labels stand in. Images are taken as they are and degraded, as for the
fit of quality, which is needed first. One half of them is fitted on; what the other half says of
coverage and of the number of labels, in each band of quality, is written beside the fit.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from core.config import ROOT, load_settings
from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.expression.conformal import ConformalFit, by_band, fit_conformal
from core.expression.quality import load_quality_model
from core.measures.accuracy import Labels
from core.measures.datasets import load_labelled
from core.measures.people import NONE_OF_THESE, held, said_labels, summarise
from core.measures.study import write_study
from core.types import FloatArray
from training.data.votes import votes_beside
from training.fits.quality import table


def check(
    fit: ConformalFit, probabilities: FloatArray, said: Labels, quality: NDArray[np.float64]
) -> dict[str, Any]:
    """Coverage and number of labels on images that were not fitted on."""
    covered, sizes = held(fit, probabilities, said, quality)

    def part(rows: NDArray[np.bool_]) -> dict[str, Any]:
        return summarise(covered[rows], sizes[rows]).model_dump()

    return {
        "all": part(np.ones(len(said), bool)),
        "by_label": {name: part(said == index) for index, name in enumerate(EMOTIONS)},
        "by_quality": [
            {"quality": name, **part(rows)} for name, rows in by_band(quality, fit.edges).items()
        ],
    }


def fitted(
    probabilities: FloatArray, said: Labels, quality: NDArray[np.float64], image: NDArray[Any]
) -> dict[str, Any]:
    """The fit on one half of the images, and its check on the other, as JSON-ready values.

    Shares are (m, 7); `said`, `quality` and `image`, of which each picture is a copy, (m,). All
    copies of an image stay in one half.
    """
    known = said != NONE_OF_THESE
    first = (np.random.default_rng(2).permutation(int(image.max()) + 1) % 2 == 0)[image]
    mine, other = first & known, ~first & known
    fit = fit_conformal(probabilities[mine], said[mine], quality[mine])
    checked = check(fit, probabilities[other], said[other], quality[other])
    return {**fit.model_dump(), "check": checked}


def main(
    data: Annotated[Path, typer.Option(help="FER-2013 as parquet, FER+'s votes beside it")],
    model: Annotated[str | None, typer.Option(help="Id of the expression model")] = None,
    n_degraded: Annotated[int, typer.Option(help="Degraded copies of each image")] = 4,
) -> None:
    """Fit on one half of the validation split, check on the other, write both."""
    models_dir = ROOT / "models"
    classifier = EmotionClassifier.load(model or load_settings().default_model, models_dir)
    images = load_labelled(data, split="validation")
    votes = votes_beside(data, "validation", len(images))
    said = said_labels(votes, images.labels)
    measure = load_quality_model(classifier.card.id, models_dir)
    if measure is None:  # what cannot be told from a clear picture must not stand for one
        n_degraded = 0
    rows, facts = table(classifier, images, n_degraded=n_degraded, turned=False)
    quality = np.ones(len(rows)) if measure is None else measure.scores(rows)
    content = fitted(facts["probabilities"], said[facts["image"]], quality, facts["image"])
    content["model_sha256"] = classifier.card.sha256
    content["data"] = f"{data.name}, validation split, {n_degraded} degraded copies an image, " + (
        "FER+'s majority" if votes is not None else "the set's own labels"
    )
    file = models_dir / classifier.card.id / "conformal.json"
    print(write_study(file, content, digits=4))


if __name__ == "__main__":
    typer.run(main)
