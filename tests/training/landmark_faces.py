"""Faces that tests of landmarks make up: the template's mesh, bent, turned and scaled."""

import math

import numpy as np
from numpy.typing import NDArray

from training.data.fer2013 import Faces
from training.landmarks.fer_mesh import FerMeshes


def faces(template: NDArray[np.float64], n: int, seed: int = 0) -> NDArray[np.float64]:
    """Meshes (n, 478, 2) that differ smoothly, turned and scaled."""
    rng = np.random.default_rng(seed)
    centred = template - template.mean(axis=0)
    meshes = []
    for _ in range(n):
        stretch = np.eye(2) + rng.normal(0, 0.05, (2, 2))
        angle, scale = rng.normal(0, 0.3), rng.uniform(50, 300)
        turn = scale * np.array(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        )
        meshes.append(centred @ stretch.T @ turn.T + rng.uniform(0, 500, 2))
    return np.array(meshes)


def fake_set(template: NDArray[np.float64], n: int, seed: int = 0) -> tuple[Faces, FerMeshes]:
    """Crops of one brightness each, which the brightness classifier knows; some have no mesh."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    said = np.where(rng.random(n) < 0.7, labels, (labels + 1) % 7)
    images = np.tile((20 + 35 * said).astype(np.uint8)[:, None, None], (1, 48, 48))
    images += rng.integers(0, 4, images.shape, np.uint8)
    points = template[None] * 48 + rng.normal(0, 0.3, (n, 478, 2))
    points = (points - 24) * rng.uniform(0.8, 1.1, (n, 1, 1)) + 24
    shapes = rng.random((n, 51)) * 0.1
    shapes[np.arange(n), labels] += 0.5
    found = rng.random(n) > 0.1
    points[~found], shapes[~found] = np.nan, np.nan
    unsure = np.where(found, rng.random(n) * 0.1, np.nan)
    return Faces(images, labels), FerMeshes(
        points.astype(np.float32), shapes.astype(np.float32), found,
        unsure.astype(np.float32), rng.random(n).astype(np.float32),
    )  # fmt: skip
