"""Perceived age group and gender of FER-2013's images, guessed by annotators of our own.

Annotators and guesses live as long as the command that uses them: nothing of them is kept.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from core.detection import FaceDetector
from core.expression.classify import EmotionClassifier
from core.measures.evaluation import Progress
from core.measures.groups.breakdown import Attribute
from core.measures.groups.gaps import Groups
from training.data.fer2013 import load_split
from training.data.pictures import analyse_photos
from training.studies.bias.annotator import HeldOut, age_group, hog_features, train_annotator

SPLITS: Final = ("train", "validation", "test")
AGE, GENDER = "looks (age)", "looks (gender)"


@dataclass(frozen=True, eq=False)
class Guesses:
    """What the annotator makes of every image.

    `groups` are attribute -> split -> names (n,), in the order of `load_split`.
    """

    groups: dict[str, dict[str, Groups]]
    held_out: dict[str, HeldOut]

    def attributes(self, *splits: str) -> list[Attribute]:
        """Attributes over the images of `splits`, one split after another."""
        return [
            Attribute(
                name,
                np.concatenate([by_split[split] for split in splits]),
                "predicted",
                held_out_sentence(name, self.held_out[name]),
                self.held_out[name].error_share,
            )
            for name, by_split in self.groups.items()
        ]


def held_out_sentence(name: str, one: HeldOut) -> str:
    """How far the annotator is to be believed, in words."""
    recall = ", ".join(f"{100 * share:.0f} % of {group}" for group, share in one.recall.items())
    return (
        f"{name}: on {one.n:,} held-out faces the annotator is wrong in "
        f"{100 * one.error_share:.1f} % of the cases (recognised: {recall})."
    )


def guesses_of(
    data: Path,
    annotations: Path,
    classifier: EmotionClassifier,
    detector: FaceDetector,
    progress: Progress | None = None,
) -> Guesses:
    """Train both annotators on UTKFace and guess for every image of FER-2013; takes minutes.

    The classifier's face input says how UTKFace's faces are cut.
    """
    frame = pd.read_parquet(annotations)
    photos = analyse_photos(frame, classifier, detector, None, progress, judged=False)
    known, features = frame[photos.found], hog_features(photos.crops[photos.found])
    wanted = {split: hog_features(load_split(data, split).images) for split in SPLITS}
    guessed: dict[str, dict[str, Groups]] = {}
    held_out = {}
    for name, labels in (
        (AGE, age_group(known["age"])),
        (GENDER, known["gender"].to_numpy(str)),
    ):
        machine, held_out[name] = train_annotator(features, labels)
        guessed[name] = {
            split: np.asarray(machine.predict(of_split), str) for split, of_split in wanted.items()
        }
    return Guesses(guessed, held_out)
