"""What is said of the detector beside its files: `detector.json` for machines, a readme."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.detector.recipe import DetectorRecipe

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
    files, held_out = facts["files"], facts["held_out"]
    paragraphs = [
        f"# {facts['id']}",
        f"{facts['title']}. {facts['n_parameters']:,} parameters, "
        f"{facts['n_macs'] / 1e6:.0f} million multiply-accumulates for 480 x 480 px; "
        f"{files['int8']['n_bytes'] / 1e6:.1f} MB as 8-bit integers, "
        f"{files['float']['n_bytes'] / 1e6:.1f} MB as floats. "
        f"{facts['n_epochs']} epochs in {facts['train_s'] / 60:.0f} minutes on one busy core.",
        f"Photos are enlarged {facts['enlarge']:g} times, to at most 800 px, and "
        f"it shows faces from a confidence of {facts['threshold']:.2f} on, both the best on "
        f"{held_out['n_images']} training photos held out for choosing (there: average precision "
        f"{held_out['ap50']:.3f}, F1 {held_out['best_f1']:.3f}).",
        *_measured(folder),
        f"**Trained on** {facts['data']['name']} ({facts['data']['source']}). "
        f"{facts['data']['terms']}",
        facts["teacher"],
        *([facts["history"]] if facts["history"] else []),
        "\n".join(f"- {flaw}" for flaw in facts["data"]["known_flaws"]),
        "**Limits**",
        "\n".join(f"- {limit}" for limit in facts["limits"]),
        "`mien train-detector --data wider_train.parquet` trains it again, "
        "`mien publish-detector --data wider_train.parquet` makes these files.",
        f"Licence. {facts['licence']}",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _measured(folder: Path) -> list[str]:
    """What the evaluations say, as paragraphs; none without an evaluation."""
    names = {"int8": "8-bit integers", "float": "32-bit floats"}
    files = {names[kind]: folder / file for kind, file in EVALUATION_FILES.items()}
    found = {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.exists()
    }
    if not found:
        return []
    rows = [
        "| network | AP | best F1 | precision | recall | ms a photo |",
        "|---|---|---|---|---|---|",
        *[
            f"| {name} | {one['ap50']:.3f} | {one['best_f1']:.3f} | {one['precision']:.3f} "
            f"| {one['recall']:.3f} | {one['ms_per_image']:.1f} |"
            for name, one in found.items()
        ],
    ]
    return [
        "On WIDER FACE's validation photos, which chose neither weights, threshold nor "
        "enlargement, faces of at least 20 px, by "
        "`mien evaluate-detector --data wider_val.parquet` (times on a busy machine):",
        "\n".join(rows),
        "\n".join(_size_rows(next(iter(found.values())))),
    ]


def _size_rows(found: dict[str, Any]) -> list[str]:
    """Figures by size of the face."""
    rows = ["| size | faces | AP | recall at best F1 |", "|---|---|---|---|"]
    for name, group in found["by_group"]["size"].items():
        rows.append(
            f"| {name} | {group['n_faces']} | {group['ap50']:.3f} | {group['recall']:.3f} |"
        )
    return rows
