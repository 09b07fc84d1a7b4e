"""Landmark accuracy on HELEN's test part: each method against 68 points set by people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.detection.dlib_extra import HOW_TO_ADD, is_installed, load_dlib
from core.landmarks.dlib_points import DlibLandmarker
from core.landmarks.schemes import mesh_to_ibug
from core.measures.landmarks import NORMALISER, landmark_errors, nme
from core.pictures.face_input import EyesMouth
from core.types import Face, Landmarks
from training.data.helen import AnnotatedFace, detected, load_helen
from training.studies.landmarks.common import Row, Tools

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HelenFaces:
    """HELEN's test faces with what was found on each; None where nothing was."""

    annotated: list[AnnotatedFace]
    faces: list[Face | None]
    meshes: list[Landmarks | None]


def find_helen(path: Path, tools: Tools) -> HelenFaces:
    """Detect and mesh all test faces."""
    annotated = load_helen(path, "test")
    faces = [detected(one, tools.detector) for one in annotated]
    meshes = [
        tools.landmarker.landmarks(one.image_rgb, [face])[0] if face else None
        for one, face in zip(annotated, faces, strict=True)
    ]
    return HelenFaces(annotated, faces, meshes)


def run(helen: HelenFaces, tools: Tools) -> tuple[Row, dict[str, list[Any]]]:
    """Errors of all methods; also each method's points, for the other experiments."""
    found: dict[str, list[Points | None]] = {
        "mesh, by table": [_by(mesh_to_ibug, mesh) for mesh in helen.meshes],
        "mesh, learned": [_by(tools.regression.predict, mesh) for mesh in helen.meshes],
    }
    notes = []
    if is_installed():
        found |= _dlib(helen, tools.detector.box_geometry)
        notes.append(
            "dlib's model was trained on iBUG 300-W, which holds pictures of HELEN, perhaps some "
            "of these; its figures may flatter it."
        )
    else:
        notes.append(f"dlib was not measured: {HOW_TO_ADD}")
    true = [one.points_xy for one in helen.annotated]
    methods = {name: landmark_errors(points, true).model_dump() for name, points in found.items()}
    return {
        "dataset": "HELEN, test part, 68 points",
        "normaliser": NORMALISER,
        "methods": methods,
        "curves": {name: _curve(points, true) for name, points in found.items()},
        "notes": notes,
    }, found


def _by(function: Any, mesh: Landmarks | None) -> Points | None:
    return None if mesh is None else function(mesh.points_xy)


def _dlib(helen: HelenFaces, geometry: EyesMouth) -> dict[str, list[Points | None]]:
    """Points (68, 2) of dlib in YuNet's boxes and in those of its own detector."""
    predictor = DlibLandmarker(geometry)
    in_our_boxes = [
        None if face is None else _points(predictor.landmarks(one.image_rgb, [face])[0])
        for one, face in zip(helen.annotated, helen.faces, strict=True)
    ]
    own = load_dlib().get_frontal_face_detector()
    in_its_boxes: list[Points | None] = []
    for one in helen.annotated:
        x, y = one.points_xy[30]
        around = [
            box
            for box in own(one.image_rgb, 1)
            if box.left() <= x <= box.right() and box.top() <= y <= box.bottom()
        ]
        box = max(around, key=lambda candidate: candidate.area(), default=None)
        in_its_boxes.append(
            None if box is None else _points(predictor.in_rectangle(one.image_rgb, box))
        )
    return {"dlib, in YuNet's boxes": in_our_boxes, "dlib, with its detector": in_its_boxes}


def _points(landmarks: Landmarks | None) -> Points | None:
    return None if landmarks is None else landmarks.points_xy.astype(np.float64)


def _curve(found: list[Points | None], true: list[Points]) -> Row:
    """Share of faces with at most each error from 0 to 0.12."""
    errors = np.array(
        [np.inf if f is None else nme(f, t) for f, t in zip(found, true, strict=True)]
    )
    grid = np.linspace(0, 0.12, 61)
    return {"error": grid, "share": [(errors <= limit).mean() for limit in grid]}
