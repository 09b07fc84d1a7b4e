"""What faces usually measure: the middle eight of ten HELEN faces, by people's own points.

`python -m training.landmarks.usual_measures --data helen68.parquet` writes
models/studies/usual_measures.json, which Landmark Analysis shows beside a face's own measures.
"""

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from core.config import ROOT
from core.landmarks.pose import face_geometry
from core.landmarks.schemes import IBUG
from core.measures.study import write_study
from core.types import Landmarks
from training.data.helen import load_helen

SHARE: Final = 0.8


def main(data: Annotated[Path, typer.Option(help="HELEN with 68 points, parquet")]) -> None:
    """Write the range of each measure."""
    faces = [*load_helen(data, "train"), *load_helen(data, "test")]
    measured = [
        face_geometry(Landmarks(face.points_xy.astype(np.float32), IBUG)) for face in faces
    ]
    columns: dict[str, list[float | None]] = {
        "yaw": [face.pose.yaw_deg for face in measured],
        "pitch": [face.pose.pitch_deg for face in measured],
        "roll": [face.pose.roll_deg for face in measured],
        "eye_opening": [f.right_eye_opening for f in measured]
        + [f.left_eye_opening for f in measured],
        "mouth_opening": [face.mouth_opening for face in measured],
        "mouth_width": [face.mouth_width for face in measured],
    }
    tail = 50 * (1 - SHARE)
    edges = np.array([tail, 100 - tail])
    content = {
        "dataset": "HELEN, 68 points set by people",
        "n_faces": len(faces),
        "share": SHARE,
        "ranges": {
            name: np.nanpercentile(np.array(values, float), edges)
            for name, values in columns.items()
        },
    }
    file = ROOT / "models" / "studies" / "usual_measures.json"
    print(write_study(file, content, digits=3))


if __name__ == "__main__":
    typer.run(main)
