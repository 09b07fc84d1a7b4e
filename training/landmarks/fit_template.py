"""Measure where FER-2013's crops have the mesh's points: the template for aligned crops.

`python -m training.landmarks.fit_template --data fer2013.parquet` writes
models/landmarks68/fer2013_template.json from the train split. An average of the points of some
thousand faces; no image can be had back from it.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core.config import ROOT
from core.landmarks import FaceLandmarker
from core.pictures.alignment import TEMPLATE_FILE
from training.data.fer2013 import load_split
from training.landmarks.fer_mesh import SIDE_PX, meshes_of


def main(
    data: Annotated[Path, typer.Option(help="FER-2013 as parquet")],
    n_images: Annotated[int, typer.Option(help="How many images of the train split")] = 3000,
) -> None:
    """Median of each point, in shares of the crop's side."""
    crops = load_split(data, "train").shuffled(n_images)
    landmarker = FaceLandmarker.load(ROOT / "models")
    meshes = meshes_of(
        crops.images,
        landmarker,
        folder=ROOT / "runs" / "landmark_study",
        progress=lambda done, total: print(f"{done}/{total}", flush=True),
    )
    points = np.median(meshes.points[meshes.found], axis=0) / SIDE_PX
    content = {
        "scheme": "mediapipe478",
        "unit": "shares of the crop's side",
        "data": "FER-2013, train split, medians",
        "n_images": len(crops.labels),
        "n_measured": int(meshes.found.sum()),
        "points_xy": [[round(float(x), 4), round(float(y), 4)] for x, y in points],
    }
    file = ROOT / "models" / TEMPLATE_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content) + "\n", encoding="utf-8")
    print(f"{file.name}: {content['n_measured']} of {content['n_images']} crops have a mesh")


if __name__ == "__main__":
    typer.run(main)
