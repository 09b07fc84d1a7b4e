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
        size_px, channels = classifier.card.input.size_px, classifier.card.input.channels
        shape = (1, size_px, size_px, channels)
        face = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        faces = classifier.card.face_input.normalise(face)
        times_ms = []
        for _ in range(runs + 20):
            started = time.perf_counter()
            classifier.probabilities(faces)
            times_ms.append(1000 * (time.perf_counter() - started))
        p50, p95 = np.percentile(times_ms[20:], (50, 95))  # the first calls plan memory
        result[name] = {
            "p50_ms": round(float(p50), 3),
            "p95_ms": round(float(p95), 3),
            "model_sha256": classifier.card.sha256,
        }
    others = {
        name: row for name, row in (earlier or {}).get("machines", {}).items() if name != cpu
    }
    return {"command": command, "runs": runs, "machines": {**others, cpu: result}}
