"""Fit the regression from the mesh to iBUG's 68 points on HELEN's train part.

`python -m training.landmarks.fit_ibug --data helen68.parquet` writes
models/landmarks68/ibug_from_mesh.npz. The ridge's strength is chosen by cross-validation inside
the train part; the test part is read by `mien study landmarks` alone.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from core.config import ROOT
from core.detection import create_detector
from core.landmarks import FaceLandmarker
from core.landmarks.learned import FILE, IbugRegression
from core.landmarks.mirror import mirror_index
from core.landmarks.schemes import IBUG, MESH, mesh_to_ibug
from core.measures.landmarks import nme
from core.pictures.alignment import moved, similarity
from training.data.helen import detected, load_helen

ALPHAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
Array = NDArray[np.float64]


def meshes_and_truth(data: Path) -> tuple[Array, Array, int]:
    """Meshes (n, 478, 2), annotations (n, 68, 2), how many faces of the train part were missed."""
    models = ROOT / "models"
    detector = create_detector("yunet", models)
    landmarker = FaceLandmarker.load(models)
    meshes, truth, missed = [], [], 0
    for annotated in load_helen(data, "train"):
        face = detected(annotated, detector)
        mesh = landmarker.landmarks(annotated.image_rgb, [face])[0] if face else None
        if mesh is None:
            missed += 1
            continue
        meshes.append(mesh.points_xy.astype(np.float64))
        truth.append(annotated.points_xy)
    return np.array(meshes), np.array(truth), missed


def mean_shape(meshes: Array) -> Array:
    """Generalised Procrustes mean (478, 2), outer eye corners level and one unit apart."""
    corners = np.array([[-0.5, 0.0], [0.5, 0.0]])
    mean = moved(meshes[0], similarity(meshes[0][[33, 263]], corners))
    for _ in range(3):
        mean = np.mean([moved(mesh, similarity(mesh, mean)) for mesh in meshes], axis=0)
        mean = moved(mean, similarity(mean[[33, 263]], corners))
    return mean


def mirrored(points: Array, scheme: str) -> Array:
    """Faces (n, k, 2) in a mirror, each point under the name that it has there."""
    return np.asarray(points[:, mirror_index(scheme)] * (-1, 1))


def fit(meshes: Array, truth: Array, alpha: float) -> IbugRegression:
    """Ridge regression on meshes (n, 478, 2), points (n, 68, 2), and their mirror images."""
    mean = mean_shape(meshes)
    # A face and its mirror image are equally likely, so the mean is symmetric.
    flipped_mean = mirrored(mean[None], MESH)[0]
    mean = (mean + flipped_mean) / 2
    inputs, targets = [], []
    for mesh, points in zip(
        np.concatenate([meshes, mirrored(meshes, MESH)]),
        np.concatenate([truth, mirrored(truth, IBUG)]),
        strict=True,
    ):
        to_frame = similarity(mesh, mean)
        in_frame = moved(mesh, to_frame)
        inputs.append((in_frame - mean).ravel())
        targets.append((moved(points, to_frame) - mesh_to_ibug(in_frame)).ravel())
    ridge = Ridge(alpha=alpha).fit(np.array(inputs), np.array(targets))
    return IbugRegression(mean, ridge.coef_.T, ridge.intercept_)


def cross_validated(meshes: Array, truth: Array, alpha: float) -> float:
    """Mean NME over five folds of the train part."""
    errors = []
    for train, held_out in KFold(5, shuffle=True, random_state=0).split(meshes):
        model = fit(meshes[train], truth[train], alpha)
        errors += [nme(model.predict(meshes[i]), truth[i]) for i in held_out]
    return float(np.mean(errors))


def main(data: Annotated[Path, typer.Option(help="HELEN with 68 points, parquet")]) -> None:
    """Choose the strength, fit on the whole train part, write the arrays."""
    meshes, truth, missed = meshes_and_truth(data)
    print(f"{len(meshes)} faces of HELEN's train part, {missed} missed by detector or mesh")
    by_table = np.mean([nme(mesh_to_ibug(m), t) for m, t in zip(meshes, truth, strict=True)])
    scores = {alpha: cross_validated(meshes, truth, alpha) for alpha in ALPHAS}
    best = min(scores, key=lambda alpha: scores[alpha])
    print(f"table alone: NME {by_table:.4f}; by alpha, five folds: {scores}; chosen: {best}")
    model = fit(meshes, truth, best)
    file = ROOT / "models" / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        file,
        mean_mesh=model.mean_mesh.astype(np.float32),
        weights=model.weights.astype(np.float16),  # an error of 1e-4 inter-ocular distances
        offset=model.offset.astype(np.float32),
        alpha=best,
        n_faces=len(meshes),
    )
    print(f"{file.name}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    typer.run(main)
