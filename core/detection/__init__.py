"""Face detectors behind one protocol, chosen by name."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.detection.base import FaceDetector as FaceDetector
from core.detection.detectors.ensemble import EnsembleDetector, Member
from core.errors import UnknownDetectorError

# A detector's curve is measured down to this confidence, whatever the app's own threshold is.
SWEEP_THRESHOLD: Final = 0.05


def _made(module: str, class_name: str, name: str, models_dir: Path, **options: Any) -> Any:
    """A detector whose code, and what it runs on, is loaded only now."""
    loaded = importlib.import_module(f"core.detection.detectors.{module}")
    return getattr(loaded, class_name)(models_dir / name, **options)


def _ensemble(models_dir: Path, **options: Any) -> FaceDetector:
    make = partial(create_member, models_dir=models_dir)
    return EnsembleDetector(models_dir / "ensemble", make, **options)


# Name -> factory, which takes the folder of models and `threshold`; the first is the default.
DETECTORS: dict[str, Callable[..., FaceDetector]] = {
    "yunet": partial(_made, "yunet", "YuNetDetector", "yunet"),
    "blazeface": partial(_made, "blazeface", "BlazeFaceDetector", "blazeface"),
    "haar": partial(_made, "haar", "HaarDetector", "haar"),
    "dlib-hog": partial(_made, "dlib", "DlibHogDetector", "dlib-hog"),
    "dlib-mmod": partial(_made, "dlib", "DlibMmodDetector", "dlib-mmod"),
    "mien-face": partial(_made, "mien_face", "MienFaceDetector", "mien-face"),
    "ensemble": _ensemble,
}

# These need dlib, which is an extra (`core.detection.dlib_extra`).
NEED_DLIB: Final = ("dlib-hog", "dlib-mmod")
QUICK: Final = ("yunet", "blazeface", "mien-face")  # a hundredth of a second a picture, or less


def available_detectors() -> tuple[str, ...]:
    """Names of the detectors that can be made here: all but those whose extra is missing."""
    from core.detection.dlib_extra import is_installed

    return tuple(name for name in DETECTORS if name not in NEED_DLIB or is_installed())


def create_detector(
    name: str, models_dir: Path, *, threshold: float | None = None
) -> FaceDetector:
    """Make the detector called `name` from the files under `models_dir`.

    `threshold` is the smallest confidence (0..1) that counts; None for the detector's own.

    Raises:
        UnknownDetectorError: if there is none; the message lists those there are.
        ModelError: if its files or its extra are missing; the message says what to do.

    Examples:
        >>> import numpy as np
        >>> from core.config import ROOT
        >>> detector = create_detector("yunet", ROOT / "models")
        >>> detector.detect(np.zeros((120, 160, 3), np.uint8))
        ()
    """
    if name not in DETECTORS:
        raise UnknownDetectorError(
            f"There is no detector {name!r}; choose one of {', '.join(DETECTORS)}."
        )
    options = {} if threshold is None else {"threshold": threshold}
    return DETECTORS[name](models_dir, **options)


def create_member(member: Member, models_dir: Path) -> FaceDetector:
    """The detector that a member of an ensemble describes."""
    options = {"threshold": member.threshold}
    # Only some can enlarge; to ask the others for it would be a mistake of the fit.
    if member.enlarge != 1:
        options["enlarge"] = member.enlarge
    return DETECTORS[member.detector](models_dir, **options)


def for_photos(detector: FaceDetector, *, tiles: bool = False) -> FaceDetector:
    """The detector as photos need it: also for turned ones, and for very small faces if `tiles`.

    Quick detectors look closer by themselves where a large photo shows none but very small faces.

    Live video does without: it cannot wait, and cameras are held upright.

    Examples:
        >>> import numpy as np
        >>> from core.config import ROOT
        >>> detector = for_photos(create_detector("yunet", ROOT / "models"))
        >>> detector.detect(np.zeros((120, 160, 3), np.uint8))
        ()
    """
    from core.detection.tiles import TiledDetector
    from core.detection.upright import UprightDetector

    if not tiles and detector.name not in QUICK:
        return UprightDetector(detector)
    return UprightDetector(TiledDetector(detector, only_if_needed=not tiles), detector)
