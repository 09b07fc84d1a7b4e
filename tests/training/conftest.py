import os
import sys
from collections.abc import Iterator

import pytest

# Chosen before Keras is imported; the exporter needs TensorFlow, whatever trained.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(autouse=True)
def _float32_afterwards() -> Iterator[None]:
    """Training sets Keras' precision for the whole process; put it back."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")
