"""Train the detector: photos in, averaged weights and curves out, resumable."""

import json
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.detection import create_detector
from core.detection.boxes import sizes_px
from core.detection.detectors.grid import faces_from_maps
from core.measures.detection.matching import Detections, Truths, precision_recall
from core.measures.detection.photos import AnnotatedPhotos, load_photos
from training.detector.batches import PictureBatches
from training.detector.loss import DetectionLoss
from training.detector.network import build_network, training_model
from training.detector.photos import decode_rgb, held_out, subset, training_photos
from training.detector.recipe import DetectorRecipe
from training.expression.callbacks import AverageWeights

_PADDED_PX = 480  # of the sets' photos, whose longest side this is
_LOWEST_CONFIDENCE = 0.02
MIN_FACE_PX = 20


def network_of(recipe: DetectorRecipe, side_px: int | None = None) -> keras.Model:
    """The recipe's network, untrained, for pictures of any size or of one."""
    return build_network(recipe.widths, recipe.depths, recipe.neck_width, side_px)


def compile_model(model: keras.Model, recipe: DetectorRecipe, steps_per_epoch: int) -> None:
    """AdamW; the learning rate rises linearly, then falls along one cosine to zero."""
    n_steps = recipe.epochs * steps_per_epoch
    warmup_steps = min(recipe.warmup_steps, n_steps // 2)
    learning_rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
        decay_steps=max(n_steps - warmup_steps, 1),
    )
    optimizer = keras.optimizers.AdamW(
        learning_rate, weight_decay=recipe.weight_decay, clipnorm=10.0
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, DetectionLoss(recipe.side_px), jit_compile=False)
    optimizer.build(model.trainable_variables)


class HeldOut:
    """Average precision on photos kept from training, at the protocol of `mien detect-eval`."""

    def __init__(self, photos: AnnotatedPhotos) -> None:
        """Decode and pad."""
        self.truths = []
        self.pictures = np.zeros((len(photos), _PADDED_PX, _PADDED_PX, 3), np.uint8)
        for index, encoded in enumerate(photos.images):
            image_rgb = decode_rgb(encoded)[:_PADDED_PX, :_PADDED_PX]
            self.pictures[index, : image_rgb.shape[0], : image_rgb.shape[1]] = image_rgb
            boxes = photos.boxes_xyxy[index]
            ignored = (sizes_px(boxes) < MIN_FACE_PX) | photos.unreadable(index)
            self.truths.append(Truths(boxes, ignored))

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


class DetectorKeeper(keras.callbacks.Callback):  # type: ignore[misc]
    """After each epoch: curves and a checkpoint; every few, the held-out photos.

    `<folder>/state.npz` holds all that a resumed run needs, `<folder>/best.weights.h5` the
    averaged weights with the best average precision on the held-out photos.
    """

    def __init__(
        self,
        network: keras.Model,
        averager: AverageWeights,
        batches: PictureBatches,
        held_out_photos: HeldOut,
        folder: Path,
        recipe: DetectorRecipe,
    ) -> None:
        """Keep references; nothing is written before the first epoch ends."""
        super().__init__()
        self.network, self.averager, self.batches = network, averager, batches
        self.held_out, self.folder, self.recipe = held_out_photos, folder, recipe
        self.curves: list[dict[str, float]] = []

    def resume(self, model: keras.Model) -> int:
        """Restore the last checkpoint into `model`; the epoch to go on with (0-based)."""
        file = self.folder / "state.npz"
        if not file.exists():
            return 0
        with np.load(file) as state:
            model.set_weights([state[f"weight_{i}"] for i in range(len(model.get_weights()))])
            for i, variable in enumerate(model.optimizer.variables):
                variable.assign(state[f"slot_{i}"])
            n_averages = len(self.averager.average)
            self.averager.average = [state[f"average_{i}"] for i in range(n_averages)]
            self.averager.n_steps = int(state["n_steps"])
            n_finished = int(state["epoch"])
        self.curves = json.loads((self.folder / "curves.json").read_text())[:n_finished]
        return n_finished

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Shuffle anew."""
        self.started = time.monotonic()
        self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record, save, and measure where it is time to."""
        row: dict[str, float] = {
            "epoch": epoch + 1,
            "loss": round(float((logs or {})["loss"]), 4),
            "learning_rate": float(ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "train_s": round(time.monotonic() - self.started, 1),
        }
        if (epoch + 1) % self.recipe.validate_every == 0 or epoch + 1 == self.recipe.epochs:
            row |= self._measure_average()
        self.curves.append(row)
        print(row, flush=True)
        self._save(epoch)

    def _measure_average(self) -> dict[str, float]:
        """Figures of the averaged weights; saves them when they are the best so far."""
        raw = self.network.get_weights()
        self.network.set_weights(self.averager.average)
        figures = self.held_out.measure(self.network)
        if figures["val_ap50"] >= max((r.get("val_ap50", 0.0) for r in self.curves), default=0.0):
            self.network.save_weights(self.folder / "best.weights.h5")
        self.network.set_weights(raw)
        return figures

    def _save(self, epoch: int) -> None:
        """Write the checkpoint beside the old one, then swap: a kill leaves one of them whole."""
        arrays: dict[str, NDArray[Any]] = {}
        arrays |= {f"weight_{i}": w for i, w in enumerate(self.model.get_weights())}
        arrays |= {f"average_{i}": w for i, w in enumerate(self.averager.average)}
        arrays |= {
            f"slot_{i}": ops.convert_to_numpy(v)
            for i, v in enumerate(self.model.optimizer.variables)
        }
        new = self.folder / "state.new.npz"
        (self.folder / "curves.json").write_text(json.dumps(self.curves, indent=1))
        arrays |= {"epoch": np.array(epoch + 1), "n_steps": np.array(self.averager.n_steps)}
        np.savez(new, allow_pickle=False, **arrays)
        new.replace(self.folder / "state.npz")


def train(
    recipe: DetectorRecipe, data: Path, folder: Path, models_dir: Path
) -> list[dict[str, float]]:
    """Train by `recipe` in `folder`; goes on from the last finished epoch there.

    Args:
        recipe: what to train, and how.
        data: parquet with `image` and `boxes_xyxy`, such as WIDER FACE's train split.
        folder: of the run; made if it is not there.
        models_dir: holds the teacher, YuNet.

    Returns:
        The curves: one row an epoch, as in `<folder>/curves.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict(), indent=1))
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    photos = load_photos(data)
    kept_out = held_out(len(photos), recipe.held_out_share, recipe.seed)
    known = training_photos(subset(photos, ~kept_out), create_detector("yunet", models_dir))
    batches = PictureBatches(known, recipe.side_px, recipe.batch_size, recipe.views, recipe.seed)
    network = network_of(recipe)
    model = training_model(network, recipe.side_px)
    averager = AverageWeights(network, recipe.average_momentum)
    keeper = DetectorKeeper(
        network, averager, batches, HeldOut(subset(photos, kept_out)), folder, recipe
    )
    compile_model(model, recipe, len(batches))
    model.fit(
        batches,
        initial_epoch=keeper.resume(model),
        epochs=recipe.epochs,
        shuffle=False,  # the batches shuffle themselves, repeatably
        callbacks=[averager, keeper],
        verbose=0,
    )
    return keeper.curves
