"""The one door to dlib, an optional extra: packages dlib-bin and face-recognition-models."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final

from core.errors import ModelError

HOW_TO_ADD: Final = (
    "dlib is not installed; add it with "
    "`uv sync --extra dlib` or `pip install dlib-bin face-recognition-models`."
)


def models_folder() -> Path:
    """Where the package `face_recognition_models` keeps its files.

    The package itself is not imported: it wants `pkg_resources`, which current setuptools lacks.

    Raises:
        ModelError: if dlib or the package is not installed; the message says how to add them.
    """
    if importlib.util.find_spec("dlib") is None:
        raise ModelError(HOW_TO_ADD)
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(HOW_TO_ADD)
    return Path(spec.submodule_search_locations[0]) / "models"


def load_dlib() -> Any:
    """The module `dlib`, which only the extra brings; raises ModelError if it is not installed."""
    models_folder()
    return importlib.import_module("dlib")


def is_installed() -> bool:
    """Whether the extra is there."""
    try:
        models_folder()
    except ModelError:
        return False
    return True
