"""Measure where dlib's own detector puts eyes and mouth in its boxes, on HELEN's train part.

`python -m training.landmarks.measure_dlib --data helen68.parquet` prints what
`core.landmarks.dlib_points.HOG_GEOMETRY` holds. Needs the dlib extra.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core.detection.dlib_extra import load_dlib
from training.data.helen import load_helen


def main(
    data: Annotated[Path, typer.Option(help="HELEN with 68 points, parquet")],
    n_faces: Annotated[int, typer.Option(help="How many faces of the train part")] = 300,
) -> None:
    """Medians of eyes and mouth in units of the box."""
    find = load_dlib().get_frontal_face_detector()
    eyes, mouths = [], []
    for one in load_helen(data, "train")[:n_faces]:
        x, y = one.points_xy[30]
        for box in find(one.image_rgb, 1):
            if box.left() <= x <= box.right() and box.top() <= y <= box.bottom():
                size_wh = np.array([box.width(), box.height()])
                relative = (one.points_xy - (box.left(), box.top())) / size_wh
                eyes.append(relative[[36, 39, 42, 45]].mean(axis=0))
                mouths.append(relative[[48, 54]].mean(axis=0))
                break
    distance = np.median(np.linalg.norm(np.array(eyes) - np.array(mouths), axis=1))
    print(f"{len(eyes)} of {n_faces} faces found")
    print(f"eyes {np.median(eyes, axis=0).round(3)}, mouth {np.median(mouths, axis=0).round(3)}")
    print(f"eye to mouth {distance:.3f}")


if __name__ == "__main__":
    typer.run(main)
