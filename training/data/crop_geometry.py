"""Measure where eyes and mouth lie: in the crops of data sets and in each detector's boxes.

`python -m training.data.crop_geometry fer --data fer2013.parquet` writes
models/fer2013_geometry.json, `... rafdb --data rafdb.parquet` models/rafdb_geometry.json, and
`... detector --data helen68.parquet --detector yunet` models/yunet/geometry.json.
`core.pictures.face_input` brings them together.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from core.config import ROOT
from core.detection import create_detector
from core.landmarks import FaceLandmarker
from core.measures.study import write_study
from core.pictures.face_input import EyesMouth
from training.data.fer2013 import load_split
from training.data.framing import ENLARGED_PX, framed, geometry_file
from training.data.helen import detected, load_helen
from training.data.rafdb import stored_squares

# Corners of the eyes and of the mouth in MediaPipe's mesh and among the 68 iBUG points.
_MEDIAPIPE = (33, 133, 263, 362), (61, 291)
_IBUG = (36, 39, 42, 45), (48, 54)

app = typer.Typer(add_completion=False)


def summarise(eyes: NDArray[np.float64], mouths: NDArray[np.float64]) -> EyesMouth:
    """Medians of eyes (n, 2) and mouths (n, 2), both in units of width and height."""
    eyes_xy, mouth_xy = np.median(eyes, axis=0), np.median(mouths, axis=0)
    distance = float(np.median(np.linalg.norm(eyes - mouths, axis=1)))
    return EyesMouth(
        eyes_xy=(round(float(eyes_xy[0]), 4), round(float(eyes_xy[1]), 4)),
        mouth_xy=(round(float(mouth_xy[0]), 4), round(float(mouth_xy[1]), 4)),
        eye_mouth=round(distance, 4),
    )


def _write(
    file: Path,
    faces: list[NDArray[np.float64]],
    eyes_mouth: tuple[tuple[int, ...], tuple[int, ...]],
    **facts: object,
) -> None:
    """Where faces, each points (k, 2), have those of eyes and mouth."""
    eyes, mouth = (np.array(faces)[:, list(part)].mean(axis=1) for part in eyes_mouth)
    geometry = summarise(eyes, mouth).model_dump()
    print(write_study(file, {"eyes_mouth": geometry, **facts, "n_measured": len(faces)}))


def placeholder(folder: Path) -> None:
    """A geometry to start with, which the detector itself wants, where there is none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "geometry.json").exists():
        geometry = EyesMouth(eyes_xy=(0, 0), mouth_xy=(0, 0), eye_mouth=1)
        write_study(folder / "geometry.json", {"eyes_mouth": geometry.model_dump()})


@app.command()
def fer(
    data: Annotated[Path, typer.Option(help="FER-2013: parquet, Kaggle csv or folder")],
    n_images: Annotated[int, typer.Option(help="How many images of the train split")] = 3000,
) -> None:
    """Measure FER-2013's crops by MediaPipe's mesh."""
    _measure("fer2013", load_split(data, "train").images, "FER-2013, train split", n_images)


@app.command()
def rafdb(
    data: Annotated[Path, typer.Option(help="RAF-DB: parquet")],
    n_images: Annotated[int, typer.Option(help="How many images of the train split")] = 3000,
) -> None:
    """Measure the squares of RAF-DB's file by MediaPipe's mesh."""
    _measure("rafdb", stored_squares(data, "train"), "RAF-DB, train split", n_images)


def _measure(name: str, crops: NDArray[np.uint8], data: str, n_images: int) -> None:
    chosen = np.random.default_rng(0).permutation(len(crops))[:n_images]
    landmarker = FaceLandmarker.load(ROOT / "models")
    measured = []
    for index in chosen:
        image_rgb, face = framed(crops[index])
        (found,) = landmarker.landmarks(image_rgb, [face])
        if found is not None:
            measured.append((found.points_xy - face.box.xyxy[:2]) / ENLARGED_PX)
    _write(geometry_file(name), measured, _MEDIAPIPE, data=data, n_images=len(chosen))


@app.command()
def detector(
    data: Annotated[Path, typer.Option(help="HELEN with 68 points, parquet")],
    detector: Annotated[str, typer.Option(help="Name of the detector")],
    every: Annotated[int, typer.Option(help="Only every n-th photo, for slow detectors")] = 1,
) -> None:
    """Measure one detector's boxes against hand-annotated points."""
    folder = ROOT / "models" / detector
    placeholder(folder)
    finder = create_detector(detector, ROOT / "models")
    photos = load_helen(data, "train")[::every]
    measured = []
    for photo in photos:
        found = detected(photo, finder)
        if found is not None:
            measured.append((photo.points_xy - found.box.xyxy[:2]) / found.box.size_wh)
    facts = {"data": "HELEN, train part, 68 points", "n_images": len(photos)}
    _write(folder / "geometry.json", measured, _IBUG, **facts)


if __name__ == "__main__":
    app()
