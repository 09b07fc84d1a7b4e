import os
import sys
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

# Chosen before Keras is imported; the exporter needs TensorFlow, whatever trained.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(autouse=True)
def _float32_afterwards() -> Iterator[None]:
    """Training sets Keras' precision for the whole process; put it back."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def step_by_step() -> Iterator[None]:
    """Without compiling a graph first, which takes longer than a few steps do."""
    keras = pytest.importorskip("keras", reason="needs the train extra (make setup-train)")
    compile_model = keras.Model.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "compile", partialmethod(compile_model, run_eagerly=True))
        yield


@pytest.fixture(scope="session")
def template() -> NDArray[np.float64]:
    """Where FER-2013's crops have the mesh's 478 points on average, (478, 2) in 0..1."""
    from core.config import ROOT
    from core.pictures.alignment import load_template

    return load_template(ROOT / "models")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folder of models and file of data; see `toy_models.publish_toys`."""
    from tests.training.toy_models import publish_toys

    return publish_toys(tmp_path_factory.mktemp("published"))
