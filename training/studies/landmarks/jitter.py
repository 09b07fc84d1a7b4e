"""E4: how points tremble on a still face, and what that does to the scores."""

from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.landmarks.schemes import FIVE, MESH
from core.measures.landmarks import bootstrap_mean_ci95
from core.pictures.alignment import rotation_deg, scale_of, similarity
from core.types import ImageRGB
from training.studies.landmarks.accuracy import HelenFaces
from training.studies.landmarks.common import Row, Tools, total_variation

NOISE_GREY_LEVELS: Final = 4.0  # what a webcam's sensor adds in room light
JPEG_QUALITY: Final = 80
SMOOTHING: Final = 0.3  # weight of the newest frame in the running mean
SOURCES: Final = ("box", FIVE, MESH)
FROZEN: Final = "frozen pixels, five"


def still_frames(image_rgb: ImageRGB, n_frames: int, seed: int) -> list[ImageRGB]:
    """A still picture as a camera would deliver it: noise and compression, new in each frame."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(n_frames):
        noisy = np.clip(image_rgb + rng.normal(0, NOISE_GREY_LEVELS, image_rgb.shape), 0, 255)
        _, encoded = cv2.imencode(
            ".jpg", noisy.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        frames.append(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8))
    return frames


def run(tools: Tools, helen: HelenFaces, n_faces: int, n_frames: int) -> Row:
    """Frames of still photos through the whole chain, each way of aligning beside the others."""
    faces: list[dict[str, Any]] = []
    n_lost = 0
    for number in range(min(n_faces, len(helen.annotated))):
        frames = still_frames(helen.annotated[number].image_rgb, n_frames, number)
        measured = _one_face(tools, frames)
        if measured is None:
            n_lost += 1
            continue
        faces.append(measured)
        if number % 10 == 9:
            tools.say(f"E4: {number + 1} of {n_faces} still faces")
    rows = [_row(source, faces, n_frames) for source in (*SOURCES, FROZEN)]
    points = np.array([face["point_jitter"] for face in faces])
    return {
        "set": "HELEN test photos, repeated as still video",
        "n_faces": len(faces),
        "n_lost": n_lost,
        "n_frames": n_frames,
        "noise_grey_levels": NOISE_GREY_LEVELS,
        "jpeg_quality": JPEG_QUALITY,
        "point_jitter": {
            "unit": "standard deviation over time in distances between the eyes, mean of 478 "
            "points",
            "mean": points.mean(),
            "p95": np.quantile(points, 0.95),
        },
        "rotation_jitter_deg": float(np.mean([face["rotation"] for face in faces])),
        "scale_jitter": float(np.mean([face["scale"] for face in faces])),
        "rows": rows,
    }


def _one_face(tools: Tools, frames: list[ImageRGB]) -> dict[str, Any] | None:
    """Scores over time of one still face; None where detector or mesh lose it."""
    crops: dict[str, list[Any]] = {name: [] for name in (*SOURCES, FROZEN)}
    meshes = []
    for frame in frames:
        found = tools.detector.detect(frame)
        if not found:
            return None
        face = max(found, key=lambda one: one.box.area)
        mesh = tools.landmarker.landmarks(frame, [face])[0]
        if mesh is None:
            return None
        meshes.append(mesh.points_xy.astype(np.float64))
        for source in SOURCES:
            crops[source].append(tools.cut_by(source, frame, face, meshes[-1]))
        # The first frame's pixels under every frame's points: what the points alone do.
        crops[FROZEN].append(tools.cut_by(FIVE, frames[0], face, meshes[-1]))
    track = np.stack(meshes)
    interocular = np.hypot(*(track[0, 33] - track[0, 263]))
    matrices = [similarity(mesh, tools.template) for mesh in track]
    return {
        "point_jitter": float(np.sqrt(track.var(axis=0).sum(axis=1)).mean() / interocular),
        "rotation": float(np.std([rotation_deg(m) for m in matrices])),
        "scale": float(np.std([scale_of(m) for m in matrices]) / scale_of(matrices[0])),
        "scores": {name: tools.probabilities(np.stack(cuts)) for name, cuts in crops.items()},
    }


def _row(source: str, faces: list[dict[str, Any]], n_frames: int) -> Row:
    """How much scores tremble, as they are and as a running mean."""
    per_face = [face["scores"][source] for face in faces]
    smooth = [smoothed(scores) for scores in per_face]
    flips, smooth_flips = ([_flips(scores) for scores in some] for some in (per_face, smooth))
    low, high = bootstrap_mean_ci95(np.array(flips))
    return {
        "aligned_by": source,
        "n_faces": len(faces),
        "n_frames": n_frames,
        "top_score_sd": float(np.mean([_top_sd(scores) for scores in per_face])),
        "mass_moved": float(
            np.mean([total_variation(s, s.mean(axis=0, keepdims=True)).mean() for s in per_face])
        ),
        "label_flips": float(np.mean(flips)),
        "label_flips_ci95": [low, high],
        "top_score_sd_smoothed": float(np.mean([_top_sd(scores) for scores in smooth])),
        "label_flips_smoothed": float(np.mean(smooth_flips)),
    }


def smoothed(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running mean of scores (t, 7) with weight `SMOOTHING` for the newest."""
    running = pd.DataFrame(scores).ewm(alpha=SMOOTHING, adjust=False).mean()
    return running.to_numpy(np.float32)


def _top_sd(scores: NDArray[np.float32]) -> float:
    """Standard deviation over time of the score of the expression that leads on average."""
    return float(scores[:, scores.mean(axis=0).argmax()].std())


def _flips(scores: NDArray[np.float32]) -> float:
    """Share of frames whose leading expression is not the one before's."""
    tops = scores.argmax(axis=1)
    return float((tops[1:] != tops[:-1]).mean())
