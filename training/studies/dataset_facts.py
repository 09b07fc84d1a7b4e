"""What the data sets hold, and their flaws, in numbers: sizes, balance, duplicates, label noise.

FER-2013's train and validation splits alone are looked at; what is said of its test split (how
many near-duplicates it has) comes from a model's evaluation.json.
"""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.measures.accuracy import near_pairs
from training.data.fer2013 import BLANK_STD, Faces, load_rows, load_split
from training.data.rafdb import Part, load_rafdb
from training.data.votes import FERPLUS, Split

_FACE_SIZES_PX: Final = (0, 10, 20, 32, 64, 128, 10_000)
_OUTER_EYES: Final = (36, 45)  # of iBUG's 68 points, from 0
_FER_SPLITS: Final[tuple[Split, ...]] = ("train", "validation")


def fer2013_facts(path: Path) -> dict[str, Any]:
    """Balance, blanks, near-duplicates within and between train and validation, FER+ votes."""
    facts: dict[str, Any] = {"splits": {}}
    beside = path.with_name(f"{path.stem}_votes.parquet")
    votes = beside if beside.exists() else path
    images, labels = {}, {}
    for split in _FER_SPLITS:
        faces = load_split(path, split)
        images[split], labels[split] = faces.images, faces.labels
        balance = _balance(faces)
        counts = balance["per_class"].values()
        facts["splits"][split] = balance | {
            "largest_over_smallest": max(counts) / min(counts) if min(counts) else None,
            "n_blank": int((images[split].std(axis=(1, 2)) < BLANK_STD).sum()),
            "ferplus": ferplus_facts(
                load_rows(votes, split, ["ferplus_votes"])["ferplus_votes"], labels[split]
            ),
        }
    facts["side_px"] = int(images["train"].shape[1])
    within = near_pairs(images["train"])
    facts["train_duplicates"] = _pair_facts(within, labels["train"], labels["train"], both=True)
    between = near_pairs(images["validation"], images["train"])
    facts["validation_duplicates"] = _pair_facts(between, labels["validation"], labels["train"])
    return facts


def rafdb_facts(path: Path, fer: Path) -> dict[str, Any]:
    """Balance of RAF-DB's parts, and how many of their faces are nearly the same as others.

    Returns:
        `splits` as for FER-2013, and `near_duplicates`: for two parts, of this set or of both
        sets, how many images of the first have a near-duplicate in the second.
    """
    parts: dict[str, Faces] = {part: load_rafdb(path, part) for part in get_args(Part)}
    others: dict[str, Faces] = {split: load_split(fer, split) for split in _FER_SPLITS}
    pairs = [("train", parts, "held_out"), ("train", parts, "test"), ("held_out", parts, "test")]
    of_fer = [(part, others, split) for part in parts for split in others]
    return {
        "splits": {part: _balance(faces) for part, faces in parts.items()},
        "near_duplicates": {
            f"{first} / {'' if where is parts else 'FER-2013 '}{second}": len(
                np.unique(near_pairs(parts[first].images, where[second].images)[:, 0])
            )
            for first, where, second in pairs + of_fer
        },
    }


def _balance(faces: Faces) -> dict[str, Any]:
    counts = np.bincount(faces.labels, minlength=len(EMOTIONS))
    return {"n": len(faces), "per_class": dict(zip(EMOTIONS, counts.tolist(), strict=True))}


def _pair_facts(
    pairs: NDArray[np.int64],
    labels: NDArray[np.int64],
    other_labels: NDArray[np.int64],
    *,
    both: bool = False,
) -> dict[str, int]:
    """Images in pairs, and those in a pair whose two labels differ."""
    differ = labels[pairs[:, 0]] != other_labels[pairs[:, 1]]
    columns = 2 if both else 1
    return {
        "n_pairs": len(pairs),
        "n_images": len(np.unique(pairs[:, :columns])),
        "n_images_other_label": len(np.unique(pairs[differ][:, :columns])),
    }


def ferplus_facts(votes: Iterable[Any], labels: NDArray[np.int64]) -> dict[str, Any]:
    """How far FER+'s ten taggers agree with FER-2013's label, where their votes are known."""
    votes = list(votes)
    known = np.array([vote is not None and not np.isscalar(vote) for vote in votes])
    if not known.any():
        return {"n": 0}
    counts = np.stack(
        [np.asarray(vote, float) for vote, use in zip(votes, known, strict=True) if use]
    )
    of_label = counts[np.arange(len(counts)), [FERPLUS.index(EMOTIONS[i]) for i in labels[known]]]
    agrees = of_label >= counts.max(axis=1)
    shares = of_label / counts.sum(axis=1)
    per_class = {
        name: {"n": int(of.sum()), "agreement": float(agrees[of].mean())}
        for index, name in enumerate(EMOTIONS)
        if (of := labels[known] == index).any()
    }
    return {
        "n": int(known.sum()),
        "agreement": float(agrees.mean()),
        "mean_vote_share": float(shares.mean()),
        "no_vote_share": float((of_label == 0).mean()),
        "not_a_face_majority": int((counts.argmax(axis=1) == FERPLUS.index("not a face")).sum()),
        "per_class": per_class,
    }


def wider_facts(path: Path) -> dict[str, Any]:
    """Photos, faces, sizes in pixels (square root of the area) and annotators' flags."""
    frame = pd.read_parquet(path, columns=["boxes_xyxy", "blur", "occlusion", "pose", "invalid"])
    boxes = np.concatenate([_matrix(value, 4) for value in frame["boxes_xyxy"]])
    sizes_px = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1))
    counts = np.histogram(sizes_px, _FACE_SIZES_PX)[0]
    names = [
        f"{low}–{high} px" if high < _FACE_SIZES_PX[-1] else f"{low} px and more"
        for low, high in pairwise(_FACE_SIZES_PX)
    ]
    flags = {
        name: np.concatenate([np.asarray(v) for v in frame[name]])
        for name in ("blur", "occlusion", "pose", "invalid")
    }
    return {
        "n_photos": len(frame),
        "n_faces": len(boxes),
        "by_size": dict(zip(names, counts.tolist(), strict=True)),
        "n_strongly_blurred": int((flags["blur"] == 2).sum()),
        "n_heavily_occluded": int((flags["occlusion"] == 2).sum()),
        "n_atypical_pose": int((flags["pose"] == 1).sum()),
        "n_invalid": int((flags["invalid"] == 1).sum()),
    }


def helen_facts(path: Path) -> dict[str, Any]:
    """Faces in each part, and the distance of the outer eye corners in pixels."""
    frame = pd.read_parquet(path, columns=["split", "points_xy"])
    points = np.stack([_matrix(value, 2) for value in frame["points_xy"]])
    first, last = _OUTER_EYES
    distance_px = np.linalg.norm(points[:, first] - points[:, last], axis=1)
    return {
        "n": len(frame),
        "splits": frame["split"].value_counts().to_dict(),
        "n_points": int(points.shape[1]),
        "median_eye_distance_px": float(np.median(distance_px)),
    }


def utkface_facts(path: Path) -> dict[str, Any]:
    """Faces by annotated age bin, gender and race."""
    frame = pd.read_parquet(path, columns=["age_bin", "gender", "race"])
    return {"n": len(frame)} | {
        f"by_{column}": frame[column].value_counts().to_dict() for column in frame.columns
    }


def _matrix(value: Any, columns: int) -> NDArray[np.float64]:
    """Parquet's list of lists as (n, columns)."""
    rows = [np.asarray(row, float) for row in value]
    return np.stack(rows) if rows else np.empty((0, columns))
