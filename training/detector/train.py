"""Train the detector: photos in, averaged weights and curves out, resumable."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from keras import ops

from core.detection import create_detector
from core.detection.detectors.grid import faces_from_maps
from core.measures.detection.evaluation import counted_truths
from core.measures.detection.matching import Detections, precision_recall
from core.measures.detection.photos import AnnotatedPhotos, load_photos
from training.data.framing import decode_rgb
from training.detector.batches import PictureBatches
from training.detector.loss import DetectionLoss
from training.detector.network import build_network, training_model
from training.detector.photos import held_out, training_photos
from training.detector.recipe import DetectorRecipe
from training.expression.callbacks import (
    AverageWeights,
    EpochKeeper,
    compile_with,
    rise_and_cosine,
)

_PADDED_PX = 480  # of the sets' photos, whose longest side this is
_LOWEST_CONFIDENCE = 0.02
MIN_FACE_PX = 20


def network_of(recipe: DetectorRecipe, side_px: int | None = None) -> keras.Model:
    """The recipe's network, untrained, for pictures of any size or of one."""
    return build_network(recipe.widths, recipe.depths, recipe.neck_width, side_px)


def compile_model(model: keras.Model, recipe: DetectorRecipe, steps_per_epoch: int) -> None:
    """AdamW with clipped gradients."""
    n_steps = recipe.epochs * steps_per_epoch
    rate = rise_and_cosine(recipe.learning_rate, n_steps, recipe.warmup_steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=10.0)
    compile_with(model, optimizer, DetectionLoss(recipe.side_px))


class HeldOutPhotos:
    """Average precision on photos kept from training, at the protocol of `mien detect-eval`."""

    def __init__(self, photos: AnnotatedPhotos) -> None:
        self.truths = counted_truths(photos, MIN_FACE_PX)
        self.pictures = np.zeros((len(photos), _PADDED_PX, _PADDED_PX, 3), np.uint8)
        for index, encoded in enumerate(photos.encoded()):
            image_rgb = decode_rgb(encoded)[:_PADDED_PX, :_PADDED_PX]
            self.pictures[index, : image_rgb.shape[0], : image_rgb.shape[1]] = image_rgb

    def measure(self, network: keras.Model, batch_size: int = 8) -> dict[str, float]:
        """`val_ap50`, `val_f1` and its threshold, of `network`'s weights as they are."""
        found = []
        for start in range(0, len(self.pictures), batch_size):
            batch = self.pictures[start : start + batch_size].astype(np.float32)
            maps = [ops.convert_to_numpy(m) for m in network.predict_on_batch(batch)]
            for row in range(len(batch)):
                boxes, _, confidences = faces_from_maps([m[row] for m in maps], _LOWEST_CONFIDENCE)
                found.append(Detections(boxes.astype(np.float64), confidences.astype(np.float64)))
        curve = precision_recall(self.truths, found)
        best = curve.best
        figures = {
            "val_ap50": curve.average_precision,
            "val_f1": best.f1,
            "val_threshold": best.threshold,
        }
        # Without any detection there is no F1, and JSON has no NaN.
        return {name: round(v, 4) for name, v in figures.items() if not math.isnan(v)}


def train(
    recipe: DetectorRecipe, data: Path, folder: Path, models_dir: Path
) -> list[dict[str, float]]:
    """Train by `recipe` in `folder`; goes on from the last finished epoch there.

    `data` is a parquet with `image` and `boxes_xyxy`; `models_dir` holds the teacher, YuNet.
    Returns the curves: one row an epoch, as in `<folder>/curves.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1))
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    photos = load_photos(data)
    kept_out = held_out(len(photos), recipe.held_out_share, recipe.seed)
    known = training_photos(photos.keep(~kept_out), create_detector("yunet", models_dir))
    batches = PictureBatches(known, recipe.side_px, recipe.batch_size, recipe.views, recipe.seed)
    network = network_of(recipe)
    model = training_model(network, recipe.side_px)
    averager = AverageWeights(network, recipe.average_momentum)
    keeper = EpochKeeper(
        network,
        averager,
        batches,
        folder,
        measure=HeldOutPhotos(photos.keep(kept_out)).measure,
        worth=lambda row: row.get("val_ap50", 0.0),
        measured_epochs={*range(0, recipe.epochs, recipe.validate_every), recipe.epochs},
    )
    compile_model(model, recipe, len(batches))
    model.fit(
        batches,
        initial_epoch=keeper.resume(model),
        epochs=recipe.epochs,
        shuffle=False,  # the batches shuffle themselves, repeatably
        callbacks=[averager, keeper],
        verbose=2,
    )
    return keeper.curves
