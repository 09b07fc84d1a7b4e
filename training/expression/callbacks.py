"""What happens around the training steps: weight averaging, checkpoints, curves."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.data.batches import BalancedBatches, MixedBatches

Weights = list[NDArray[Any]]


class AverageWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Exponential moving average of all weights, batch statistics included.

    Follows Polyak averaging as used since Szegedy et al. 2016 (arXiv 1512.00567). The momentum
    rises from 0.1 towards `momentum`, so that the first steps are forgotten soon.
    """

    def __init__(self, network: keras.Model, momentum: float) -> None:
        """Average the weights of `network`, a part of the model that is being fitted."""
        super().__init__()
        self.network, self.momentum = network, momentum
        # Kept beside the weights, on the accelerator where there is one.
        self._average = [
            keras.Variable(w, trainable=False, dtype="float32") for w in network.get_weights()
        ]
        self.n_steps = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Take one step of the average."""
        self.n_steps += 1
        momentum = min(self.momentum, self.n_steps / (10 + self.n_steps))
        for average, weight in zip(self._average, self.network.weights, strict=True):
            now = ops.cast(ops.stop_gradient(weight), "float32")
            average.assign(momentum * average + (1 - momentum) * now)

    @property
    def average(self) -> Weights:
        """The averaged weights, in the order of `network.get_weights()`."""
        return [ops.convert_to_numpy(average) for average in self._average]

    @average.setter
    def average(self, weights: Weights) -> None:
        for average, weight in zip(self._average, weights, strict=True):
            average.assign(weight)


class EpochKeeper(keras.callbacks.Callback):  # type: ignore[misc]
    """After each epoch: validate the averaged weights, write the curves and a checkpoint.

    `<folder>/state.npz` holds all that a resumed run needs, `<folder>/best.weights.h5` the
    averaged weights with the best validation accuracy, `<folder>/curves.json` one row an epoch.

    Args:
        further: what else the curves tell of the validation split, from all logits (n, k); its
            `val_people` counts for the best weights as much as the accuracy does.
    """

    def __init__(
        self,
        network: keras.Model,
        averager: AverageWeights,
        batches: BalancedBatches | MixedBatches,
        validation: tuple[NDArray[np.float32], NDArray[np.float32]],
        folder: Path,
        *,
        further: Callable[[NDArray[np.float64]], dict[str, float]] | None = None,
    ) -> None:
        """Keep references; nothing is written before the first epoch ends."""
        super().__init__()
        self.further = further
        self.network, self.averager, self.batches = network, averager, batches
        self.validation, self.folder = validation, folder
        self.curves: list[dict[str, float]] = []

    def n_finished(self) -> int:
        """Count of finished epochs in the folder."""
        file = self.folder / "state.npz"
        if not file.exists():
            return 0
        with np.load(file) as state:
            return int(state["epoch"])

    def resume(self, model: keras.Model, phase_start: int) -> int:
        """Restore the last checkpoint into `model`; returns the epoch to go on with.

        Args:
            model: compiled; its optimizer is restored too, unless the checkpoint ends the phase
                before this one.
            phase_start: epoch that this phase starts with.
        """
        n_finished = self.n_finished()
        if not n_finished:
            return 0
        with np.load(self.folder / "state.npz") as state:
            model.set_weights([state[f"weight_{i}"] for i in range(len(model.get_weights()))])
            if n_finished > phase_start:
                for i, variable in enumerate(model.optimizer.variables):
                    variable.assign(state[f"slot_{i}"])
            n_averages = len(self.averager.average)
            self.averager.average = [state[f"average_{i}"] for i in range(n_averages)]
            self.averager.n_steps = int(state["n_steps"])
            for i, generator_state in enumerate(_random_states(model)):
                generator_state.assign(state[f"random_{i}"])
        curves = json.loads((self.folder / "curves.json").read_text())
        self.curves = curves[:n_finished]
        return n_finished

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Shuffle anew."""
        self.started = time.monotonic()
        self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Validate, record, save."""
        logs = logs if logs is not None else {}
        train_s = time.monotonic() - self.started
        validated = self._validate_average()
        logs.update(validated)
        self.curves.append(
            {
                "epoch": epoch + 1,
                "loss": float(logs["loss"]),
                "accuracy": float(logs["accuracy"]),
                **validated,
                "learning_rate": float(ops.convert_to_numpy(self.model.optimizer.learning_rate)),
                "train_s": round(train_s, 1),
            }
        )
        self._save(epoch)

    def _validate_average(self) -> dict[str, float]:
        """Figures of the averaged weights; saves them when they are the best so far."""
        images, labels = self.validation
        raw = self.network.get_weights()
        self.network.set_weights(self.averager.average)
        logits = self.network.predict(images, batch_size=256, verbose=0).astype(np.float64)
        of_labels = logits[:, : labels.shape[1]]
        log_p = of_labels - np.logaddexp.reduce(of_labels, axis=1, keepdims=True)
        found = {
            "val_loss": float(-(log_p * labels).sum(axis=1).mean()),
            "val_accuracy": float((of_labels.argmax(axis=1) == labels.argmax(axis=1)).mean()),
            **(self.further(logits) if self.further else {}),
        }
        if _worth(found) >= max((_worth(row) for row in self.curves), default=0.0):
            self.network.save_weights(self.folder / "best.weights.h5")
        self.network.set_weights(raw)
        return found

    def _save(self, epoch: int) -> None:
        """Write the checkpoint beside the old one, then swap: a kill leaves one of them whole."""
        arrays = {f"weight_{i}": w for i, w in enumerate(self.model.get_weights())}
        arrays |= {f"average_{i}": w for i, w in enumerate(self.averager.average)}
        arrays |= {
            f"slot_{i}": ops.convert_to_numpy(v)
            for i, v in enumerate(self.model.optimizer.variables)
        }
        arrays |= {
            f"random_{i}": ops.convert_to_numpy(v)
            for i, v in enumerate(_random_states(self.model))
        }
        new = self.folder / "state.new.npz"
        (self.folder / "curves.json").write_text(json.dumps(self.curves, indent=1))
        np.savez(new, epoch=epoch + 1, n_steps=self.averager.n_steps, **arrays)
        new.replace(self.folder / "state.npz")


def _worth(row: dict[str, float]) -> float:
    return row["val_accuracy"] + row.get("val_people", 0.0)


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """States of the augmentation's and the dropout's generators, in a fixed order.

    Keras counts them among a model's variables, but not among its weights.
    """
    return [v for v in model.variables if v.name.endswith("seed_generator_state")]
