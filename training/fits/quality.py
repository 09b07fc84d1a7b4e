"""Fit what `core.expression.quality` needs for one model, on degraded validation images.

`python -m training.fits.quality --data fer2013.parquet --model mien-fast` writes
models/mien-fast/quality.json. Every validation image is taken as it is and degraded several times
(core.measures.corruptions, smaller sizes, cut by a border). One half of the images is fitted on;
the other half says whether the number means what it says, and is written beside the fit.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.config import ROOT, load_settings
from core.detection import FaceDetector, create_detector
from core.expression.classify import EmotionClassifier
from core.expression.conformal import QUALITY_EDGES, by_band
from core.expression.quality import QualityModel, features, measure_grey, nose_offset, quadratic
from core.measures.corruptions import CORRUPTIONS, LEVELS, corrupt
from core.measures.datasets import LabelledImages, load_labelled
from core.measures.evaluation import judge
from core.measures.study import write_study
from core.pictures.images import decode_image
from core.types import FaceMeasures
from training.data.framing import framed

Grey = NDArray[np.uint8]

# What no measure can see in a picture is no part of its quality.
_UNSEEN: Final = ("occlusion", "rotation", "badly cut")
_SIDES_PX: Final = (12, 16, 20, 24, 32, 40)
_BEYOND_USE: Final = (0.06, 0.16)  # blur, of the side; corruptions end where this begins
_CUT_SHARES: Final = (0.1, 0.2, 0.3, 0.4)


def small(grey: Grey, side_px: int) -> Grey:
    """As a face of `side_px` in a photo reaches the model."""
    shrunk = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.resize(shrunk, grey.shape[::-1], interpolation=cv2.INTER_CUBIC), np.uint8
    )


def cut(grey: Grey, share: float, rng: np.random.Generator) -> Grey:
    """As a face reaches the model of which `share` lies beyond a border of the photo."""
    turns = int(rng.integers(4))
    turned = np.rot90(grey, turns).copy()
    lost = max(round(share * len(turned)), 1)
    turned[:lost] = turned[lost]
    return np.ascontiguousarray(np.rot90(turned, -turns))


def degraded(grey: Grey, rng: np.random.Generator) -> tuple[Grey, float, float, str]:
    """One degradation by chance: pixels, side in the photo, share inside, its kind."""
    kind = rng.choice(["size", "cut", "beyond use", *(c for c in CORRUPTIONS if c not in _UNSEEN)])
    if kind == "size":
        side_px = int(rng.choice(_SIDES_PX))
        return small(grey, side_px), side_px, 1.0, kind
    if kind == "cut":
        share = float(rng.choice(_CUT_SHARES))
        return cut(grey, share, rng), len(grey), 1 - share, kind
    if kind == "beyond use":
        blurred = cv2.GaussianBlur(grey, (0, 0), rng.uniform(*_BEYOND_USE) * len(grey))
        return np.asarray(blurred, np.uint8), len(grey), 1.0, kind
    level, seed = int(rng.choice(LEVELS)), int(rng.integers(2**31))
    return corrupt(grey, str(kind), level, seed=seed), len(grey), 1.0, str(kind)


def turn_of(grey: Grey, detector: FaceDetector) -> float | None:
    """`nose_offset` of the face in a crop, None where the detector sees none."""
    found = detector.detect(framed(grey)[0])
    return nose_offset(found[0]) if found else None


def table(
    classifier: EmotionClassifier, images: LabelledImages, *, n_degraded: int, turned: bool = True
) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Features (m, 8) of all pictures; of each: probabilities, right, kind, image.

    Looking how far each face is `turned` takes longer than all the rest.
    """
    detector = create_detector("yunet", ROOT / "models", threshold=0.5) if turned else None
    rng = np.random.default_rng(0)
    pictures: list[Grey] = []
    measures: list[FaceMeasures] = []
    kinds, numbers = [], []
    for number, encoded in enumerate(images.encoded()):
        grey = np.asarray(
            cv2.cvtColor(decode_image(encoded).image_rgb, cv2.COLOR_RGB2GRAY), np.uint8
        )
        turn = None if detector is None else turn_of(grey, detector)
        versions = [(grey, float(len(grey)), 1.0, "clean")]
        versions += [degraded(grey, rng) for _ in range(n_degraded)]
        for pixels, side_px, inside, kind in versions:
            pictures.append(pixels)
            measures.append(measure_grey(pixels, side_px=side_px, inside_share=inside, turn=turn))
            kinds.append(kind)
            numbers.append(number)
    probabilities = judge(classifier, pictures)
    return np.stack([features(m) for m in measures]), {
        "probabilities": probabilities,
        "right": probabilities.argmax(axis=1) == images.labels[numbers],
        "kind": np.array(kinds),
        "image": np.array(numbers),
    }


def fit(rows: NDArray[np.float64], facts: dict[str, NDArray[Any]]) -> QualityModel:
    """Quality from features."""
    clean = facts["kind"] == "clean"
    centre = np.median(rows[clean], axis=0)
    inputs = quadratic(rows, centre)
    scale = inputs.std(axis=0) + 1e-9
    right = facts["right"]
    curve = LogisticRegression(C=1.0, max_iter=2000).fit(inputs / scale, right)
    return QualityModel(
        centre=[round(float(v), 5) for v in centre],
        weights=[round(float(v), 5) for v in curve.coef_[0] / scale],
        intercept=round(float(curve.intercept_[0]), 5),
        reference=round(float(right[clean].mean()), 4),
    )


def check(
    model: QualityModel, rows: NDArray[np.float64], facts: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    """On unseen images, by band of quality: what it promises and how many are judged right."""
    quality, right = model.scores(rows), facts["right"]
    by_quality = [
        {
            "quality": name,
            "n": int(inside.sum()),
            "accuracy_of_all": _share(right[inside]),
            "mean_quality_times_reference": _share(quality[inside] * model.reference),
        }
        for name, inside in by_band(quality, QUALITY_EDGES).items()
    ]
    return {"n": len(right), "by_quality": by_quality}


def _share(values: NDArray[Any]) -> float | None:
    return round(float(values.mean()), 6) if len(values) else None


def main(
    data: Annotated[Path, typer.Option(help="FER-2013 as parquet")],
    model: Annotated[str | None, typer.Option(help="Id of the expression model")] = None,
    n_degraded: Annotated[int, typer.Option(help="Degraded copies of each image")] = 8,
) -> None:
    """Fit on one half of the validation split, check on the other, write the fit."""
    classifier = EmotionClassifier.load(model or load_settings().default_model, ROOT / "models")
    images = load_labelled(data, split="validation")
    rows, facts = table(classifier, images, n_degraded=n_degraded)
    # By image, so that no copy of an image that is fitted on is checked on.
    in_fit = np.random.default_rng(1).permutation(len(images))[facts["image"]] % 2 == 0
    fitted = fit(rows[in_fit], {k: v[in_fit] for k, v in facts.items()})
    found = check(fitted, rows[~in_fit], {k: v[~in_fit] for k, v in facts.items()})
    content = {
        **fitted.model_dump(),
        "data": f"{data.name}, validation split, {n_degraded} degraded copies an image",
        "check": found,
    }
    file = ROOT / "models" / classifier.card.id / "quality.json"
    print(write_study(file, content))


if __name__ == "__main__":
    typer.run(main)
