"""What surrounds the training steps: schedule, weight averaging, checkpoints, curves."""

import json
import time
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Weights = list[NDArray[Any]]
Row = dict[str, float]


class AverageWeights(keras.callbacks.Callback):
    """Exponential moving average of all weights, batch statistics included.

    Follows Polyak averaging as used since Szegedy et al. 2016 (arXiv 1512.00567). The momentum
    rises from 0.1 towards `momentum`, so that the first steps are forgotten soon.
    """

    def __init__(self, network: keras.Model, momentum: float) -> None:
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


class EpochKeeper(keras.callbacks.Callback):
    """After each epoch: measure the averaged weights, write the curves and a checkpoint.

    `<folder>/state.npz` holds all that a resumed run needs, `<folder>/best.weights.h5` the
    averaged weights of most worth, `<folder>/curves.json` one row an epoch.

    `network`, a part of the model that is being fitted, is measured as `averager` has it, by
    `measure`, on what is held out for choosing; of all epochs (from 1), or of `measured_epochs`.
    `worth` is that of a row of the curves, which may lack these figures.
    """

    def __init__(
        self,
        network: keras.Model,
        averager: AverageWeights,
        batches: Any,
        folder: Path,
        *,
        measure: Callable[[keras.Model], Row],
        worth: Callable[[Row], float],
        measured_epochs: Container[int] | None = None,
    ) -> None:
        """Keep references; nothing is written before the first epoch ends."""
        super().__init__()
        self.network, self.averager, self.batches, self.folder = network, averager, batches, folder
        self.measure, self.worth, self.measured_epochs = measure, worth, measured_epochs
        self.curves: list[Row] = []

    def n_finished(self) -> int:
        """Count of finished epochs in the folder."""
        file = self.folder / "state.npz"
        if not file.exists():
            return 0
        with np.load(file) as state:
            return int(state["epoch"])

    def resume(self, model: keras.Model, phase_start: int = 0) -> int:
        """Restore the last checkpoint into the compiled `model`; returns the epoch to go on with.

        Its optimizer is restored too, unless the checkpoint ends the phase before this one.
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
        self.curves = json.loads((self.folder / "curves.json").read_text())[:n_finished]
        return n_finished

    def on_epoch_begin(self, epoch: int, logs: Row | None = None) -> None:
        """Shuffle anew."""
        self.started = time.monotonic()
        self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        """Measure, record, save."""
        logs = logs if logs is not None else {}
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}
        row["train_s"] = round(time.monotonic() - self.started, 1)
        row["learning_rate"] = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self.measured_epochs is None or epoch + 1 in self.measured_epochs:
            measured = self._measure_average()
            logs.update(measured)
            row |= measured
        self.curves.append(row)
        self._save(epoch)

    def _measure_average(self) -> Row:
        """Figures of the averaged weights; saves them when they are the best so far."""
        raw = self.network.get_weights()
        self.network.set_weights(self.averager.average)
        found = self.measure(self.network)
        if self.worth(found) >= max(map(self.worth, self.curves), default=0.0):
            self.network.save_weights(self.folder / "best.weights.h5")
        self.network.set_weights(raw)
        return found

    def _save(self, epoch: int) -> None:
        """Write the checkpoint beside the old one, then swap: a kill leaves one of them whole."""
        parts = {
            "weight": self.model.get_weights(),
            "average": self.averager.average,
            "slot": self.model.optimizer.variables,
            "random": _random_states(self.model),
        }
        arrays: dict[str, Any] = {
            f"{name}_{i}": ops.convert_to_numpy(value)
            for name, values in parts.items()
            for i, value in enumerate(values)
        }
        new = self.folder / "state.new.npz"
        (self.folder / "curves.json").write_text(json.dumps(self.curves, indent=1))
        np.savez(new, epoch=epoch + 1, n_steps=self.averager.n_steps, **arrays)
        new.replace(self.folder / "state.npz")


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """States of the augmentation's and the dropout's generators, in a fixed order.

    Keras counts them among a model's variables, but not among its weights.
    """
    return [v for v in model.variables if v.name.endswith("seed_generator_state")]


def rise_and_cosine(peak: float, n_steps: int, warmup_steps: int) -> Any:
    """A learning rate that rises linearly to its peak, then falls along one cosine to zero."""
    warmup_steps = min(warmup_steps, n_steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=peak,
        warmup_steps=warmup_steps,
        decay_steps=max(n_steps - warmup_steps, 1),
    )


def compile_with(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: Any,
    metrics: Sequence[Any] = (),
) -> None:
    """Compile; weight decay leaves out scales and shifts, whose normalisation it would fight."""
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, loss, metrics=list(metrics), jit_compile=False)
    optimizer.build(model.trainable_variables)
