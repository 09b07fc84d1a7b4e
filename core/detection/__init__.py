"""Face detectors behind one protocol, chosen by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from core.detection.base import FaceDetector
from core.errors import UnknownDetectorError

__all__ = ["DETECTORS", "FaceDetector", "create_detector"]

# A detector's curve is measured down to this confidence, whatever the app's own threshold is.
SWEEP_THRESHOLD: Final = 0.05


def _yunet(models_dir: Path, **options: Any) -> FaceDetector:
    from core.detection.yunet import YuNetDetector

    return YuNetDetector(models_dir / "yunet", **options)


def _blazeface(models_dir: Path, **options: Any) -> FaceDetector:
    from core.detection.blazeface import BlazeFaceDetector

    bundle = models_dir / "face_landmarker" / "face_landmarker.task"
    return BlazeFaceDetector(bundle, models_dir / "blazeface", **options)


# Name -> factory, which takes the folder of models and `threshold`; the first is the default.
DETECTORS: dict[str, Callable[..., FaceDetector]] = {
    "yunet": _yunet,
    "blazeface": _blazeface,
}


def create_detector(
    name: str, models_dir: Path, *, threshold: float | None = None
) -> FaceDetector:
    """Make the detector called `name` from the files under `models_dir`.

    Args:
        name: a key of `DETECTORS`.
        models_dir: folder of the shipped models.
        threshold: smallest confidence (0..1) that counts; None for the detector's own.

    Raises:
        UnknownDetectorError: if there is none; the message lists those there are.
        ModelError: if its files are missing.
    """
    if name not in DETECTORS:
        raise UnknownDetectorError(
            f"There is no detector {name!r}; choose one of {', '.join(DETECTORS)}."
        )
    options = {} if threshold is None else {"threshold": threshold}
    return DETECTORS[name](models_dir, **options)
