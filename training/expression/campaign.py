"""`make gpu-campaign`: long trainings that two cores cannot pay for, in minutes of a GPU.

Each run's epochs are fitted to its share of the time: a short run measures the speed first, so
that every cosine ends. Start weights come from nothing, so that members of an ensemble are
trained apart. The test splits are not read.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from training.recipes.base import Recipe
from training.recipes.catalogue import load_recipe

N_SPEED_BATCHES: Final = 20
_USED_SHARE: Final = 0.95  # of the time: the rest is measuring and writing


@dataclass(frozen=True)
class Run:
    """One training of the campaign."""

    name: str  # of its folder
    recipe: str  # what it follows but for `changes`
    share: float  # of the time
    start: str | None = None  # the run whose weights it begins with; None for random ones
    changes: dict[str, Any] = field(default_factory=dict)


FROM_NOTHING: Final = {"start_from": None, "warmup_steps": 300, "average_momentum": 0.9995}
WIDER: Final = {"architecture_options": {"widths": (48, 96, 192, 384), "depths": (0, 2, 3, 2)}}
PLAN: Final = (
    Run("people", "se_resnet/5-people", 0.4, changes=FROM_NOTHING),
    Run("people-wide", "se_resnet/5-people", 0.35, changes={**FROM_NOTHING, **WIDER, "seed": 31}),
    Run("photos", "se_resnet/6-photos", 0.25, start="people"),
)


def fitted(run: Run, batch_size: int, n_per_epoch: int, n_epochs: int) -> Recipe:
    """The recipe of a run for large batches.

    The peak of the learning rate grows with the root of the batch, as the noise of the gradient
    falls with it.
    """
    recipe = load_recipe(run.recipe)
    changes = dict(run.changes)
    changes["architecture_options"] = {
        **recipe.architecture_options,
        **changes.get("architecture_options", {}),
    }
    peak = changes.pop("learning_rate", 0.05 if run.start is None else recipe.learning_rate)
    return replace(
        recipe,
        **changes,
        batch_size=batch_size,
        n_per_epoch=n_per_epoch,
        epochs=n_epochs,
        learning_rate=peak * (batch_size / 128) ** 0.5,
    )


def n_epochs_in(seconds: float, images_per_s: float, n_per_epoch: int) -> int:
    """How many epochs fit, at least one.

    Examples:
        >>> n_epochs_in(200, images_per_s=20_000, n_per_epoch=28_672)
        132
    """
    return max(1, int(_USED_SHARE * seconds * images_per_s / n_per_epoch))


def campaign(
    data: Path,
    photos: Path,
    out: Path,
    *,
    seconds: float,
    batch_size: int,
    n_per_epoch: int,
    plan: Sequence[Run] = PLAN,
) -> None:
    """Train all runs of the plan one after the other, each in its folder below `out`.

    `photos` is RAF-DB, for the run that learns from it; runs that are finished are not trained
    again. The learning rate falls over all epochs of `n_per_epoch` faces, whatever their size.
    """
    from training.expression.train import train

    for run in plan:
        start = None if run.start is None else out / run.start / "best.weights.h5"
        speed_folder = out / "speed" / run.name
        of_photos = photos if load_recipe(run.recipe).photo_set else None

        fit = partial(train, data=data, start=start, photos=of_photos)
        short = fitted(run, batch_size, N_SPEED_BATCHES * batch_size, 2)
        warm_s = fit(short, folder=speed_folder)[-1]["train_s"]  # the first epoch compiles
        images_per_s = N_SPEED_BATCHES * batch_size / warm_s
        n_epochs = n_epochs_in(run.share * seconds, images_per_s, n_per_epoch)
        print(f"{run.name}: {images_per_s:,.0f} images a second, {n_epochs} epochs", flush=True)
        curves = fit(fitted(run, batch_size, n_per_epoch, n_epochs), folder=out / run.name)
        print(f"{run.name}: {json.dumps(curves[-1])}", flush=True)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="FER-2013, with votes beside it")
    parser.add_argument("--photos", type=Path, required=True, help="RAF-DB")
    parser.add_argument("--out", type=Path, default=Path("runs/campaign"))
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--n-per-epoch", type=int, default=4 * 28_672)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    campaign(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
