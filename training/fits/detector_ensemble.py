"""Fit the ensemble's weights and threshold on photos that nothing is measured on.

`python -m training.fits.detector_ensemble --data wider_train.parquet --member yunet@1 --member
yunet@1.35` writes models/ensemble/fusion.json. The weights come from a logistic regression over
what each member says of a box; members and enlargements are chosen by the cross-validated figures
that it prints.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.config import ROOT
from core.detection import DETECTORS, create_member
from core.detection.detectors.ensemble import Fusion, Member
from core.detection.detectors.fusion import Clusters, cluster, evidence
from core.measures.detection.evaluation import counted_truths, run
from core.measures.detection.matching import (
    NOT_COUNTED,
    Detections,
    PrecisionRecall,
    Truths,
    match,
    precision_recall,
)
from core.measures.detection.photos import AnnotatedPhotos, load_photos
from core.measures.study import write_study
from training.detector.photos import held_out

_FOLDS = 4


def parse_member(text: str) -> Member:
    """`yunet@1.35` -> YuNet on a photo 1.35 times as large.

    Raises:
        typer.BadParameter: for another detector or factor.
    """
    name, _, factor = text.partition("@")
    if name not in DETECTORS:
        raise typer.BadParameter(f"there is no detector {name!r}")
    try:
        return Member(detector=name, enlarge=float(factor or 1))
    except ValueError as exc:
        raise typer.BadParameter(f"{factor!r} is no factor from 1 to 4") from exc


def clusters_of(
    members: Sequence[Member], photos: AnnotatedPhotos, *, min_iou: float
) -> tuple[list[Clusters], float]:
    """What the members say of each photo, grouped, and their processor's milliseconds a photo."""
    answers, total_ms = [], 0.0
    for member in members:
        found, elapsed_ms = run(create_member(member, ROOT / "models"), photos)
        answers.append(found)
        total_ms += float(np.median(elapsed_ms[:, 1]))
    return [
        cluster([a.boxes_xyxy for a in said], [a.confidences for a in said], min_iou=min_iou)
        for said in zip(*answers, strict=True)
    ], total_ms


def table(
    clusters: Sequence[Clusters], truths: Sequence[Truths]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Evidence (k, 2 d) and whether it is a face (k,) of all boxes that count."""
    rows, labels = [], []
    for group, truth in zip(clusters, truths, strict=True):
        strongest = np.nanmax(group.scores, axis=1) if len(group.scores) else np.empty(0)
        matched = match(truth, Detections(group.boxes_xyxy, strongest))
        counted = matched != NOT_COUNTED
        rows.append(evidence(group.scores)[counted])
        labels.append(matched[counted] >= 0)
    return np.concatenate(rows), np.concatenate(labels)


def fit(clusters: Sequence[Clusters], truths: Sequence[Truths]) -> LogisticRegression:
    """The logistic curve over the evidence."""
    return LogisticRegression(C=10, max_iter=1000).fit(*table(clusters, truths))


def cross_validated(clusters: Sequence[Clusters], truths: Sequence[Truths]) -> PrecisionRecall:
    """The curve of photos that each fit did not see, all folds as one."""
    said: list[Detections] = [Detections(np.empty((0, 4)), np.empty(0))] * len(clusters)
    for fold in range(_FOLDS):
        inside = [i for i in range(len(clusters)) if i % _FOLDS != fold]
        model = fit([clusters[i] for i in inside], [truths[i] for i in inside])
        for i in range(fold, len(clusters), _FOLDS):
            scores = clusters[i].scores
            confidences = (
                model.predict_proba(evidence(scores))[:, 1] if len(scores) else np.empty(0)
            )
            said[i] = Detections(clusters[i].boxes_xyxy, confidences)
    return precision_recall(truths, said)


def main(
    data: Annotated[Path, typer.Option(help="WIDER FACE train photos, parquet")],
    member: Annotated[list[str], typer.Option(help="detector@enlargement; several")],
    min_iou: Annotated[float, typer.Option(help="Overlap of boxes of one face")] = 0.5,
    every: Annotated[int, typer.Option(help="Only every n-th photo")] = 1,
    unseen: Annotated[
        bool,
        typer.Option("--unseen", help="Only the photos that our own detector was not trained on"),
    ] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Print the figures, write nothing")] = False,
) -> None:
    """Print cross-validated figures; write the fit on all photos."""
    members = [parse_member(text) for text in member]
    photos = (_unseen(load_photos(data)) if unseen else load_photos(data)).part(every)
    truths = counted_truths(photos, 20)
    clusters, total_ms = clusters_of(members, photos, min_iou=min_iou)
    seen = cross_validated(clusters, truths)
    print(
        f"{' '.join(member)}: AP {seen.average_precision:.4f}, best F1 {seen.best.f1:.4f} "
        f"at {seen.best.threshold:.3f}, {total_ms:.1f} ms of processor a photo"
    )
    if dry:
        return
    data_name = f"{photos.name}, photos unseen in training mien-face" if unseen else photos.name
    _write(members, min_iou, fit(clusters, truths), seen, data=data_name, n_images=len(photos))


def _unseen(photos: AnnotatedPhotos) -> AnnotatedPhotos:
    """Those that our own detector was not trained on."""
    facts = json.loads((ROOT / "models" / "mien-face" / "detector.json").read_text())
    recipe = facts["recipe"]
    return photos.keep(held_out(len(photos), recipe["held_out_share"], recipe["seed"]))


def _write(
    members: list[Member],
    min_iou: float,
    model: LogisticRegression,
    seen: PrecisionRecall,
    **facts: str | int,
) -> None:
    fusion = Fusion(
        members=members,
        min_iou=min_iou,
        weights=[round(float(value), 5) for value in model.coef_[0]],
        intercept=round(float(model.intercept_[0]), 5),
        threshold=round(seen.best.threshold, 4),
    )
    figures = {"ap50": round(seen.average_precision, 4), "best_f1": round(seen.best.f1, 4)}
    content = {**fusion.model_dump(), **facts, "cross_validated": figures}
    file = ROOT / "models" / "ensemble" / "fusion.json"
    write_study(file, content)


if __name__ == "__main__":
    typer.run(main)
