"""Published models that a toy training leaves, and what they say."""

from pathlib import Path

import numpy as np
import pytest

from core.expression.classify import EmotionClassifier
from core.expression.quantisation import Precision
from tests.training.expression.test_train import RECIPE, write_faces
from training.data.fer2013 import load_split
from training.expression.train import train
from training.publishing.publish import publish, publish_ensemble


def publish_toys(folder: Path) -> tuple[Path, Path]:
    """Models `toy`, `toy-int8` and `both`, the unshipped `heavy`, and the data they came from."""
    data, models = write_faces(folder), folder / "models"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.publishing.publish.load_recipe", lambda _: RECIPE)
        train(RECIPE, data, folder / "run")
        for model_id, precision in (
            ("toy", Precision.float),
            ("toy-int8", Precision.int8),
            ("heavy", Precision.float),
        ):
            publish(
                "toy",
                data,
                folder / "run",
                models,
                model_id=model_id,
                precision=precision,
                flip_average=True,
                shipped=model_id != "heavy",
            )
    publish_ensemble("both", ["toy", "toy-int8"], data, models)
    return models, data


def levels_and_probabilities(
    published: tuple[Path, Path], model_id: str
) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels (n, 48, 48, 1) and what the served model says of one view of them."""
    models, data = published
    classifier = EmotionClassifier.load(model_id, models).single_view()
    grey_levels = load_split(data, "test").images[..., None]
    faces = classifier.card.face_input.normalise(grey_levels)
    return grey_levels.astype(np.float32), classifier.probabilities(faces)
