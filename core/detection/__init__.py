"""Face detectors behind one protocol, chosen by name."""

from collections.abc import Callable
from pathlib import Path

from core.detection.base import FaceDetector
from core.errors import UnknownDetectorError

__all__ = ["DETECTORS", "FaceDetector", "create_detector"]


def _yunet(models_dir: Path) -> FaceDetector:
    from core.detection.yunet import YuNetDetector

    return YuNetDetector(models_dir / "yunet")


def _blazeface(models_dir: Path) -> FaceDetector:
    from core.detection.blazeface import BlazeFaceDetector

    bundle = models_dir / "face_landmarker" / "face_landmarker.task"
    return BlazeFaceDetector(bundle, models_dir / "blazeface")


# Name -> factory; the first is the default.
DETECTORS: dict[str, Callable[[Path], FaceDetector]] = {"yunet": _yunet, "blazeface": _blazeface}


def create_detector(name: str, models_dir: Path) -> FaceDetector:
    """Make the detector called `name` from the files under `models_dir`.

    Raises:
        UnknownDetectorError: if there is none; the message lists those there are.
        ModelError: if its files are missing.
    """
    if name not in DETECTORS:
        raise UnknownDetectorError(
            f"There is no detector {name!r}; choose one of {', '.join(DETECTORS)}."
        )
    return DETECTORS[name](models_dir)
