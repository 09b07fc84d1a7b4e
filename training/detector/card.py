"""What is said of the detector beside its files: `detector.json` for machines, a readme."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from training.detector.recipe import DetectorRecipe
from training.publishing.card_texts import filled

TEMPLATE: Final = Path(__file__).with_name("readme.md.j2")
DATA = {
    "name": "WIDER FACE, part of the train split, longest side 480 px",
    "source": "Yang, Luo, Loy, Tang 2016, arXiv 1511.06523, http://shuoyang1213.me/WIDERFACE/",
    "terms": (
        "WIDER FACE is for non-commercial research (CC BY-NC-ND 4.0). None of its photos is in "
        "this repository."
    ),
    "known_flaws": [
        "News photos of 61 kinds of events, found by a web search; who is in them is not known.",
        "Boxes of small, blurred and covered faces differ between annotators.",
        "Few photos: detectors of this kind are usually trained on ten times as many.",
    ],
}
TEACHER = (
    "Eyes, nose and mouth are not annotated in WIDER FACE; they were learnt from what YuNet "
    "(models/yunet) says of the training photos. Where faces are, the annotations alone say."
)
EVALUATION_FILES = {"int8": "evaluation.json", "float": "evaluation_float.json"}
LICENCE = (
    "The weights: non-commercial research, as the photos that they were trained on. The code: "
    "Apache-2.0."
)
LIMITS = [
    "Faces smaller than about 16 px, strongly turned or mostly covered are often missed.",
    "Made for upright faces: it learnt turns of about 25 degrees to either side.",
    "How often it finds faces was not measured by groups of people.",
]


def description(
    recipe: DetectorRecipe, curves: list[dict[str, float]], **measured: Any
) -> dict[str, Any]:
    """The content of `detector.json`, with `measured` as it comes out of the export."""
    return {
        "id": "mien-face",
        "title": "Anchor-free convolutional face detector with five points, trained here",
        **measured,
        "input": "RGB, grey levels 0..255 as they are, sides multiples of 32, padded with black",
        "data": DATA,
        "teacher": TEACHER,
        "recipe": asdict(recipe),
        "n_epochs": len(curves),
        "train_s": round(sum(row["train_s"] for row in curves)),
        "licence": LICENCE,
        "limits": LIMITS,
    }


def write_readme(folder: Path) -> None:
    """Say to people what `detector.json` and the evaluations in `folder` say to machines."""
    facts = json.loads((folder / "detector.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(readme(facts, folder), encoding="utf-8")


def readme(facts: dict[str, Any], folder: Path) -> str:
    """The readme, with the figures of those `EVALUATION_FILES` that are there."""
    names = {"int8": "8-bit integers", "float": "32-bit floats"}
    measured = {
        names[kind]: json.loads((folder / file).read_text(encoding="utf-8"))
        for kind, file in EVALUATION_FILES.items()
        if (folder / file).exists()
    }
    return filled(TEMPLATE, facts=facts, measured=measured)
