"""The whole study in one go: reads the sets, runs E1 to E5, writes one JSON file."""

import datetime
import time
from dataclasses import dataclass
from pathlib import Path

from core.detection import create_detector
from core.expression.classify import EmotionClassifier
from core.landmarks import FaceLandmarker
from core.landmarks.learned import IbugRegression
from core.landmarks.noise import NOISE_KINDS
from core.landmarks.schemes import FIVE, MESH
from core.measures.study import plain
from core.pictures.alignment import load_template
from training.data.fer2013 import Faces, load_split
from training.data.votes import Split
from training.landmarks.fer_mesh import FerMeshes, meshes_of
from training.studies.landmarks import accuracy, conditions, fusion, jitter, noise, sources
from training.studies.landmarks.common import Row, Say, Tools, with_holm
from training.studies.landmarks.conclusions import conclusion


@dataclass(frozen=True)
class Sizes:
    """How much of each set is used; None is all. The whole takes about twenty quiet minutes."""

    train: int = 3000
    split: int | None = None
    noise: int | None = None
    covered: int = 300
    still_faces: int = 40
    still_frames: int = 15


QUICK = Sizes(train=300, split=400, noise=40, covered=20, still_faces=3, still_frames=4)


@dataclass(frozen=True)
class Study:
    """What is studied, on what.

    `cache` is a folder for the points of crops (no pixels); None keeps nothing.
    """

    fer_path: Path
    helen_path: Path
    models_dir: Path
    model_id: str
    cache: Path | None
    sizes: Sizes
    say: Say


def run_study(study: Study) -> Row:
    """All experiments: what models/studies/landmarks.json holds, in types of JSON only."""
    started = time.monotonic()
    experiments = _experiments(study)
    result: Row = plain(
        {
            "command": _command(study),
            "made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round(time.monotonic() - started),
            **experiments,
        },
        digits=6,
    )
    return result


def _command(study: Study) -> str:
    """What makes this file again; parts of the set are told by their size."""
    part = "" if study.sizes.split is None else f" --per-split {study.sizes.split}"
    return (
        f"mien study landmarks --fer {study.fer_path.name} --helen {study.helen_path.name} "
        f"--model {study.model_id}{part}"
    )


def _experiments(study: Study) -> Row:
    models_dir, sizes, say = study.models_dir, study.sizes, study.say
    tools = Tools(
        EmotionClassifier.load(study.model_id, models_dir, n_threads=1),
        create_detector("yunet", models_dir),
        FaceLandmarker.load(models_dir),
        load_template(models_dir),
        IbugRegression.load(models_dir),
        say,
    )
    say("HELEN: detecting and fitting the mesh")
    helen = accuracy.find_helen(study.helen_path, tools)
    errors, found = accuracy.run(helen, tools)
    sets = _sets(study, tools)
    judged = ("validation", "test")
    of_splits = [row for split in judged for row in sources.run_split(tools, split, *sets[split])]
    parts = {
        "accuracy": errors,
        "e1": {"rows": _wrong_points(tools, helen, sets, sizes), "kinds": NOISE_KINDS},
        "e2": {
            "rows": with_holm(of_splits),
            "photos": sources.run_photos(tools, helen, found),
        },
        "e3": conditions.run(
            tools, {split: sets[split] for split in judged}, n_covered=sizes.covered
        ),
        "e4": jitter.run(tools, helen, sizes.still_faces, sizes.still_frames),
        "e5": fusion.run(tools, sets),
    }
    return {
        "model": {"id": study.model_id, "sha256": tools.classifier.card.sha256},
        "n_images": {split: len(crops.labels) for split, (crops, _) in sets.items()},
        "n_without_mesh": {s: int((~meshes.found).sum()) for s, (_, meshes) in sets.items()},
        **{key: {**part, "conclusion": conclusion(key, part)} for key, part in parts.items()},
    }


def _wrong_points(
    tools: Tools,
    helen: accuracy.HelenFaces,
    sets: dict[str, tuple[Faces, FerMeshes]],
    sizes: Sizes,
) -> list[Row]:
    first = slice(sizes.noise)  # they lie in random order
    validation, test = (
        (crops.keep(first), meshes.keep(first))
        for crops, meshes in (sets["validation"], sets["test"])
    )
    return with_holm(
        [
            *noise.run_split(tools, "validation", *validation, FIVE),
            *noise.run_split(tools, "test", *test, FIVE),
            *noise.run_split(tools, "test", *test, MESH),
            *noise.run_photos(tools, helen, FIVE),
        ]
    )


def _sets(study: Study, tools: Tools) -> dict[str, tuple[Faces, FerMeshes]]:
    """The three splits with their meshes; confidences only where E3 needs them."""
    sizes = study.sizes
    sets: dict[str, tuple[Faces, FerMeshes]] = {}
    limits: dict[Split, int | None] = {
        "train": sizes.train,
        "validation": sizes.split,
        "test": sizes.split,
    }
    for split, limit in limits.items():
        crops = load_split(study.fer_path, split).shuffled(limit)

        def progress(done: int, total: int, split: str = split) -> None:
            study.say(f"FER-2013 {split}: mesh on {done} of {total} crops")

        meshes = meshes_of(
            crops.images,
            tools.landmarker,
            detector=None if split == "train" else tools.detector,
            folder=study.cache,
            progress=progress,
        )
        sets[split] = (crops, meshes)
    return sets
