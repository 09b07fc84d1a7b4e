"""Short trainings side by side, to choose by: what each idea gains on the validation split.

A trial is a recipe that differs from the set's first in one thing. All run for the same few
epochs from the same seed, so differences of less than about two points are chance (the
validation split has 3,589 faces); the result file says so with an interval.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.measures.accuracy import wilson_interval
from training.expression.train import train
from training.recipes.base import Recipe
from training.recipes.catalogue import load_recipe

# A quarter of the channels of the recipe that ships: its ideas are tried where trying is cheap.
_SMALL = {"widths": (16, 32, 64, 128), "depths": (0, 1, 2, 1), "dropout": 0.2}

WARMUP_STEPS = 100  # a few epochs have no time for the 500 of a whole training


def ablations(epochs: int) -> dict[str, Recipe]:
    """The shipped recipe made small, and one change a trial."""
    shipped = load_recipe("se_resnet/1-scratch")
    base = replace(
        shipped,
        name="base",
        architecture_options=_SMALL,
        epochs=epochs,
        warmup_steps=WARMUP_STEPS,
        average_momentum=0.995,
    )
    whole = {**shipped.augment_options, "erase_share": 0.0}
    rough = load_recipe("se_resnet/2-noise").augment_options
    changes: dict[str, dict[str, Any]] = {
        "base": {},
        "blank images kept": {"drop_blank": False},
        "near-duplicates of validation left out": {"drop_duplicates": True},
        "labels with under 20 % of FER+ votes left out": {"min_vote_share": 0.2},
        "targets half FER+ votes": {"vote_share": 0.5},
        "classes drawn as they occur": {"balance_power": 1.0},
        "classes drawn alike": {"balance_power": 0.0},
        "no label smoothing": {"label_smoothing": 0.0},
        "mixup 0.2": {"mixup_alpha": 0.2},
        "nothing erased": {"augment_options": whole},
        "blur and noise": {"augment_options": rough},
        "no weight averaging": {"average_momentum": 0.0},
    }
    return {title: replace(base, **change) for title, change in changes.items()}


def architectures(epochs: int) -> dict[str, Recipe]:
    """Four families at about the same cost, each by the shipped recipe's other choices."""
    shipped = load_recipe("se_resnet/1-scratch")
    base = replace(shipped, epochs=epochs, warmup_steps=WARMUP_STEPS, average_momentum=0.995)
    options: dict[str, tuple[str, dict[str, Any]]] = {
        "residual with squeeze-excitation": ("se_resnet", {**_SMALL, "depths": (0, 2, 3, 2)}),
        "VGG-like": ("vgg", {"widths": (16, 32, 64, 128)}),
        "depthwise separable": ("separable", {"widths": (16, 24, 40, 80), "depths": (0, 2, 2, 2)}),
        "ConvNeXt-like": ("convnext", {"widths": (24, 48, 96, 192), "depths": (1, 1, 2, 1)}),
    }
    return {
        title: replace(base, name=name, architecture=name, architecture_options=choice)
        for title, (name, choice) in options.items()
    }


SETS: dict[str, Callable[[int], dict[str, Recipe]]] = {
    "ablations": ablations,
    "architectures": architectures,
}


def run_trials(
    set_name: str, epochs: int, data: Path, runs: Path, *, command: str
) -> dict[str, Any]:
    """Train every trial of a set; finished ones in `runs` are not trained again.

    Returns:
        Content of `models/studies/trials_<set>.json`: one row a trial with the accuracy of the
        last epoch's averaged weights on the validation split, its interval, the seconds.
    """
    from core.pictures.face_input import FaceInput
    from training.data.fer2013 import load_split
    from training.expression.network import build_network, count_macs

    n = len(load_split(data, "validation"))
    rows = []
    for title, recipe in SETS[set_name](epochs).items():
        folder = runs / set_name / title.replace(" ", "_").replace("%", "percent")
        curves = train(recipe, data, folder)
        network = build_network(recipe, FaceInput())
        accuracy = curves[-1]["val_accuracy"]
        rows.append(
            {
                "trial": title,
                "accuracy": accuracy,
                "accuracy_ci95": wilson_interval(round(accuracy * n), n),
                "curve": [row["val_accuracy"] for row in curves],
                "parameters": network.count_params(),
                "macs": count_macs(network),
                "train_s": round(sum(row["train_s"] for row in curves)),
            }
        )
    return {
        "command": command,
        "dataset": "FER-2013, validation (PublicTest)",
        "n": n,
        "epochs": epochs,
        "base": asdict(next(iter(SETS[set_name](epochs).values()))),
        "rows": rows,
    }
