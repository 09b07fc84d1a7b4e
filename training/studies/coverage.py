"""How often the labels that are named hold the one that most people choose, on the test split."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.expression.conformal import by_band
from core.expression.quality import QualityModel, features, load_quality_model, measure_grey
from core.measures.corruptions import CORRUPTIONS, LEVELS, N_CONDITIONS, corrupt, sample_rows
from core.measures.evaluation import Progress, judge
from core.measures.people import NONE_OF_THESE, held, said_labels, summarise
from training.data.fer2013 import Faces, load_split
from training.data.votes import votes_beside
from training.studies.bias.measured import pixel_attributes, pixel_properties

Part = tuple[NDArray[np.bool_], NDArray[np.int64]]


def coverage_study(
    data: Path,
    classifier: EmotionClassifier,
    models_dir: Path,
    n_corrupted: int,
    *,
    command: str,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Coverage and number of labels: of all, by majority label, quality, group and corruption.

    Where no FER+ votes lie beside `data`, its own labels stand in; `n_corrupted` images are
    corrupted.
    """
    faces = load_split(data, "test")
    votes = votes_beside(data, "test", len(faces))
    said = said_labels(votes, faces.labels)
    known = said != NONE_OF_THESE
    faces, said = faces.keep(known), said[known]
    measure = load_quality_model(classifier.card.id, models_dir)
    fit, quality = classifier.conformal, qualities(measure, faces.images)
    covered, sizes = held(fit, judge(classifier, faces.images), said, quality)
    groups = _groups(faces.images, said, quality, fit.edges)
    few = sample_rows(len(faces), n_corrupted)
    sampled = faces.keep(np.isin(np.arange(len(faces)), few))
    return {
        "command": command,
        "dataset": "FER-2013, test (PrivateTest)",
        "said_by": "FER-2013's own labels" if votes is None else "most of FER+'s ten taggers",
        "model_id": classifier.card.id,
        "model_sha256": classifier.card.sha256,
        "target": fit.target,
        "none_of_these": int((~known).sum()),
        "all": _row(covered, sizes),
        "groups": {
            title: [
                {"group": name, **_row(covered[rows], sizes[rows])}
                for name, rows in parts.items()
                if rows.any()
            ]
            for title, parts in groups.items()
        },
        "corruptions": list(_corrupted(classifier, measure, sampled, said[few], progress)),
    }


def _groups(
    images: NDArray[np.uint8],
    said: NDArray[np.int64],
    quality: NDArray[np.float64],
    edges: list[float],
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """What the faces are grouped by -> group -> which are in it (n,)."""
    return {
        "majority label": {name: said == index for index, name in enumerate(EMOTIONS)},
        "picture quality": by_band(quality, edges),
        **{
            one.name: {name: one.groups == name for name in dict.fromkeys(one.groups) if name}
            for one in pixel_attributes(pixel_properties(images))
        },
    }


def qualities(measure: QualityModel | None, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Quality of each crop (n,); 1 where the model has no measure of it."""
    if measure is None:
        return np.ones(len(images))
    seen = [
        measure_grey(image, side_px=image.shape[0], inside_share=1.0, turn=None)
        for image in images
    ]
    return measure.scores(np.stack([features(one) for one in seen]))


def _corrupted(
    classifier: EmotionClassifier,
    measure: QualityModel | None,
    faces: Faces,
    said: NDArray[np.int64],
    progress: Progress | None,
) -> Iterable[dict[str, Any]]:
    """A row for each corruption over all its levels."""
    for number, name in enumerate(CORRUPTIONS):
        parts: list[Part] = []
        for level in LEVELS:
            spoilt = np.stack(
                [corrupt(image, name, level, seed=at) for at, image in enumerate(faces.images)]
            )
            shares = judge(classifier, spoilt)
            parts.append(held(classifier.conformal, shares, said, qualities(measure, spoilt)))
            if progress:
                progress(number * len(LEVELS) + len(parts), N_CONDITIONS)
        covered, sizes = (np.concatenate(column) for column in zip(*parts, strict=True))
        yield {"corruption": name, **_row(covered, sizes)}


def _row(covered: NDArray[np.bool_], sizes: NDArray[np.int64]) -> dict[str, Any]:
    return summarise(covered, sizes).model_dump()
