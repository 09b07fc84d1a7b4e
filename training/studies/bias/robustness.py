"""Accuracy under the corruptions of `core.measures.corruptions`, and the speed of each model."""

import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np

from core.expression.classify import EmotionClassifier
from core.measures.corruptions import N_CONDITIONS, robustness_rows, sample_rows
from core.measures.evaluation import Progress, judge
from training.data.fer2013 import load_split


def robustness_study(
    data: Path,
    classifier: EmotionClassifier,
    n: int,
    *,
    command: str,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Accuracy on `n` test images untouched and under each corruption and level."""
    every = load_split(data, "test")
    chosen = sample_rows(len(every.labels), n)
    images, labels = every.images[chosen], every.labels[chosen]
    right = judge(classifier, images).argmax(axis=1) == labels
    done = itertools.count(1)
    rows = robustness_rows(
        lambda corrupted: judge(classifier, corrupted),
        images,
        labels,
        lambda: progress(next(done), N_CONDITIONS) if progress else None,
    )
    return {
        "command": command,
        "dataset": "FER-2013, test (PrivateTest), sample with seed 0",
        "model_id": classifier.card.id,
        "model_sha256": classifier.card.sha256,
        "n": len(labels),
        "clean_accuracy": float(right.mean()),
        "rows": rows,
    }


def times_ms(classifier: EmotionClassifier, runs: int) -> list[float]:
    """Milliseconds that each of `runs` calls takes with one face of random pixels."""
    face_input = classifier.card.face_input
    shape = (1, face_input.size_px, face_input.size_px, face_input.channels)
    faces = face_input.normalise(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    found = []
    for _ in range(runs + 20):
        started = time.perf_counter()
        classifier.probabilities(faces)
        found.append(1000 * (time.perf_counter() - started))
    return found[20:]  # the first calls plan memory


def speed_study(
    models: dict[str, EmotionClassifier],
    *,
    command: str,
    cpu: str,
    runs: int = 300,
    earlier: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Milliseconds that one face takes, one call a face, on random faces.

    Figures of other machines stay from the `earlier` study; this machine's come last.
    """
    result = {}
    for name, classifier in models.items():
        p50, p95 = np.percentile(times_ms(classifier, runs), (50, 95))
        result[name] = {
            "p50_ms": round(float(p50), 3),
            "p95_ms": round(float(p95), 3),
            "model_sha256": classifier.card.sha256,
        }
    others = {
        name: row for name, row in (earlier or {}).get("machines", {}).items() if name != cpu
    }
    return {"command": command, "runs": runs, "machines": {**others, cpu: result}}
