"""Audit models on somebody's own labelled pictures: judge and measure. Nothing is kept."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.detection import FaceDetector
from core.emotions import EMOTIONS
from core.errors import ImageRefusedError
from core.expression.classify import EmotionClassifier
from core.measures.corruptions import N_CONDITIONS, robustness_rows, sample_rows
from core.measures.curves import Predictions
from core.measures.evaluation import Progress, largest_face, whole_crop
from core.measures.groups.breakdown import Attribute, BiasReport, Source, expression_breakdown
from core.measures.paired import PairedModels, every_pair
from core.pictures.files.table import rows_text
from core.types import Face, ImageRGB
from services.bias_audit.input import AuditInputError, AuditSet

MAX_ROBUSTNESS: Final = 500
_BATCH: Final = 256
# The page serves others at the same time, so that an audit never takes the whole machine.
_MAX_THREADS: Final = 2


@dataclass(frozen=True, eq=False)
class ModelAudit:
    """Figures of one model, of the pictures with a face, in the order of the rows.

    `robustness` is as `mien bias robustness` stores it; None where it was not asked for.
    """

    model_id: str
    threshold: float
    predictions: Predictions
    bias: BiasReport
    robustness: dict[str, Any] | None


@dataclass(frozen=True, eq=False)
class AuditResult:
    """What one audit found: models on the same pictures, and each two of them against each other.

    `rows` (n,) and `undetected` are row numbers of pictures with and without a face; `groups` are
    of the former, "" for no value.
    """

    name: str
    faces: str
    models: tuple[ModelAudit, ...]
    pairs: tuple[PairedModels, ...]
    rows: NDArray[np.int64]
    undetected: list[int]
    groups: pd.DataFrame
    notes: tuple[str, ...]


def load_models(model_ids: Sequence[str], models_dir: Path) -> list[EmotionClassifier]:
    """Models for an audit, each with two threads where the machine has them.

    Raises:
        ModelError: as `EmotionClassifier.load`.
    """
    n_threads = min(_MAX_THREADS, os.cpu_count() or 1)
    return [
        EmotionClassifier.load(name, models_dir, n_threads=n_threads)
        for name in dict.fromkeys(model_ids)
    ]


def run_audit(
    classifiers: Sequence[EmotionClassifier],
    audited: AuditSet,
    *,
    detector: FaceDetector | None = None,
    source: Source = "annotated",
    label_error: float | None = None,
    robustness_n: int = 0,
    progress: Progress | None = None,
    let_others: Callable[[], None] = lambda: None,
) -> AuditResult:
    """Judge every picture by every model and compute all figures.

    Without a detector each picture is a face crop. For predicted group labels, `label_error` is
    the share that is thought wrong; `robustness_n` pictures are judged under each corruption, too.
    What `progress`, called with judgements done and in all, raises stops the run; `let_others` is
    called after each picture, to hand on a turn for which others wait.

    Raises:
        AuditInputError: if pictures cannot be decoded, or none has a face.
    """
    images = audited.images
    sampled = sample_rows(len(images), min(robustness_n, MAX_ROBUSTNESS))
    total = len(classifiers) * (len(images) + N_CONDITIONS * len(sampled))
    step = _stepper(progress, total, let_others)
    judges = [_Judge(classifier, len(images), sampled) for classifier in classifiers]
    _judge_all(judges, audited, detector, lambda: step(len(judges)))
    seen = ~np.isnan(judges[0].probabilities[:, 0])
    if not seen.any():
        raise AuditInputError("No face was found in any picture; are they face crops?")
    groups = images.groups[seen].reset_index(drop=True)
    attributes = [
        Attribute(str(column), groups[column].to_numpy(str), source, "", label_error)
        for column in groups.columns
    ]
    models = []
    for judge in judges:
        robustness = judge.robustness(images.labels, lambda: step(len(sampled)))
        models.append(_measured(judge, images.labels, seen, attributes, robustness))
    return AuditResult(
        name=images.name,
        faces="crop" if detector is None else f"detect ({detector.name})",
        models=tuple(models),
        pairs=tuple(every_pair({one.model_id: one.predictions.right for one in models})),
        rows=images.rows[seen],
        undetected=images.rows[~seen].tolist(),
        groups=groups,
        notes=audited.notes,
    )


def _stepper(
    progress: Progress | None, total: int, let_others: Callable[[], None]
) -> Callable[[int], None]:
    """A function that is told of judgements as they are done and tells how many there were."""
    done = 0

    def step(n_judgements: int) -> None:
        nonlocal done
        done += n_judgements
        if progress is not None:
            progress(done, total)
        let_others()

    return step


def _measured(
    judge: "_Judge",
    labels: NDArray[np.int64],
    seen: NDArray[np.bool_],
    attributes: Sequence[Attribute],
    robustness: dict[str, Any] | None,
) -> ModelAudit:
    card = judge.classifier.card
    nowhere = np.zeros(int(seen.sum()), bool)
    predictions = Predictions(labels[seen], judge.probabilities[seen], nowhere)
    threshold = card.calibration.uncertain_threshold
    single, pairs = expression_breakdown(predictions, attributes, threshold)
    bias = BiasReport(
        title="your data",
        kind="error",
        dataset="your data",
        n=len(predictions),
        model_id=card.id,
        model_sha256=card.sha256,
        command="mien audit",
        caveats=[],
        attributes=single,
        intersections=pairs,
    )
    return ModelAudit(card.id, threshold, predictions, bias, robustness)


class _Judge:
    """One model that is handed pictures one after another and judges them in batches.

    Attributes:
        probabilities: (n, 7), NaN where no face was found.
    """

    def __init__(self, classifier: EmotionClassifier, n: int, sampled: NDArray[np.int64]) -> None:
        """Crops at the positions `sampled` are kept for `robustness`."""
        self.classifier = classifier
        self.probabilities = np.full((n, len(EMOTIONS)), np.nan, np.float32)
        self._sampled = frozenset(sampled.tolist())
        self._sample: dict[int, NDArray[np.uint8]] = {}
        self._waiting: dict[int, NDArray[np.uint8]] = {}

    def add(self, at: int, image_rgb: ImageRGB, face: Face | None, geometry: Any) -> None:
        """Take the picture at position `at`: whole, or `face` of it."""
        spec = self.classifier.card.face_input
        if face is None:
            crop = whole_crop(image_rgb, spec)
        else:
            crop = spec.crop(image_rgb, spec.square(face.box, geometry))
        self._waiting[at] = crop
        if at in self._sampled:
            self._sample[at] = crop
        if len(self._waiting) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Judge what waits."""
        if self._waiting:
            crops = np.stack(list(self._waiting.values()))
            self.probabilities[list(self._waiting)] = self._probabilities(crops)
            self._waiting.clear()

    def _probabilities(self, crops: NDArray[np.uint8]) -> Any:
        spec = self.classifier.card.face_input
        shaped = crops.reshape(len(crops), spec.size_px, spec.size_px, spec.channels)
        return self.classifier.probabilities(spec.normalise(shaped))

    def robustness(
        self, labels: NDArray[np.int64], step: Callable[[], None]
    ) -> dict[str, Any] | None:
        """Accuracy of the kept crops untouched and corrupted; None where none was kept."""
        if not self._sample:
            return None
        crops, truth = np.stack(list(self._sample.values())), labels[list(self._sample)]
        crops = crops[..., 0] if crops.shape[-1] == 1 else crops
        clean = float((self.probabilities[list(self._sample)].argmax(axis=1) == truth).mean())
        rows = robustness_rows(self._probabilities, crops, truth, step)
        return {"n": len(truth), "clean_accuracy": clean, "rows": rows}


def _judge_all(
    judges: Sequence[_Judge],
    audited: AuditSet,
    detector: FaceDetector | None,
    step: Callable[[], None],
) -> None:
    """Decode each picture once for all models, so that all bad rows are named, not the first."""
    wrong: dict[str, list[int]] = {}
    images = audited.images
    for at, (row, encoded) in enumerate(zip(images.rows, images.encoded(), strict=True)):
        try:
            image_rgb = images.limits.decode(encoded).image_rgb
        except ImageRefusedError as error:
            wrong.setdefault(error.kind.replace("_", " "), []).append(int(row))
        else:
            face = None if detector is None or wrong else largest_face(image_rgb, detector)
            if not wrong and (detector is None or face is not None):
                geometry = None if detector is None else detector.box_geometry
                for judge in judges:
                    judge.add(at, image_rgb, face, geometry)
        step()
    if wrong:
        said = "; ".join(f"{kind} in {rows_text(rows)}" for kind, rows in wrong.items())
        raise AuditInputError(f"Some pictures cannot be read: {said}.")
    for judge in judges:
        judge.flush()
